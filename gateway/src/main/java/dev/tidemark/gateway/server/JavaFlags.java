package dev.tidemark.gateway.server;

import java.lang.management.ManagementFactory;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The flags that a gateway wants of its Java virtual machine, as the launcher script gives them.
 */
final class JavaFlags {
    /**
     * Keeps the compiler from a wrong null (docs/decisions/0019-a-defect-of-the-compiler.md). A
     * diagnostic flag, so that it wants another one before it.
     */
    static final String NEEDED = "-XX:-ReduceAllocationMerges";

    private static final Logger log = LoggerFactory.getLogger(JavaFlags.class);

    private JavaFlags() {}

    /** Says so when the process was started without them. */
    static void check() {
        check(ManagementFactory.getRuntimeMXBean().getInputArguments());
    }

    /** Returns whether all is well. */
    static boolean check(List<String> arguments) {
        boolean given = arguments.contains(NEEDED);
        if (!given) {
            log.warn(
                    "started without {}, so that a defect of the Java compiler may fail a group: start with the tidemark script, or give -XX:+UnlockDiagnosticVMOptions {}",
                    NEEDED,
                    NEEDED);
        }
        return given;
    }
}
