package dev.tidemark.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * libiscsi's conformance suite, iscsi-test-cu: one process for each test, since in one process what
 * a test leaves behind spoils the next.
 */
public final class IscsiTestSuite {
    /** Tests of version 1.19.0. */
    public static final int TESTS = 230;

    private static final Pattern COUNTS =
            Pattern.compile("tests\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)");

    private IscsiTestSuite() {}

    /** How a test ended. */
    public enum Outcome {
        PASSED,
        FAILED,
        SKIPPED,
        HUNG
    }

    /**
     * A test's end.
     *
     * @param printed what it printed; empty when it came to no end
     */
    public record Ended(Outcome outcome, String printed) {}

    /** The names of all tests. */
    public static List<String> tests() throws IOException, InterruptedException {
        List<String> tests = new ArrayList<>();
        for (String line : ForeignProgram.run("iscsi-test-cu", "--list").split("\n", -1)) {
            if (line.matches("(SCSI|iSCSI)\\.\\w+\\.[\\w-]+")) {
                tests.add(line);
            }
        }
        assertThat(tests).as("tests of the suite").hasSizeGreaterThanOrEqualTo(TESTS);
        return tests;
    }

    /** Runs a test over two paths to the same unit; it may overwrite all of it. */
    public static Ended run(String test, String url) throws IOException, InterruptedException {
        try {
            String printed =
                    ForeignProgram.outcome("iscsi-test-cu", "-d", "-S", "-v", "-t", test, url, url)
                            .printed();
            return new Ended(outcome(printed), printed);
        } catch (AssertionError noEnd) {
            return new Ended(Outcome.HUNG, "");
        }
    }

    /** The summary calls skipped tests passed. */
    private static Outcome outcome(String printed) {
        Matcher counts = COUNTS.matcher(printed);
        if (!counts.find() || !counts.group(4).equals("0")) {
            return Outcome.FAILED;
        }
        return printed.contains("[SKIPPED]") ? Outcome.SKIPPED : Outcome.PASSED;
    }
}
