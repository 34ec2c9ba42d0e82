package dev.tidemark.harness;

import dev.tidemark.foreign.ForeignProgram;
import java.nio.file.Path;

/** What a directory takes on its file system. */
final class DiskUsage {
    private DiskUsage() {}

    /** Allocated bytes of everything below, as du counts them: holes are free. */
    static long bytes(Path directory) throws Exception {
        String printed = ForeignProgram.run("du", "-s", "-B1", directory.toString());
        return Long.parseLong(printed.substring(0, printed.indexOf('\t')));
    }
}
