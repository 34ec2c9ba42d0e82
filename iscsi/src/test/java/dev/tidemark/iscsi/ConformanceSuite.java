package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Features;
import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.ChapCredentials;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * libiscsi's conformance suite, one process for each test and two paths, over several kinds of
 * disks. Prints a table by family; what may fail is listed, and nothing else may.
 *
 * <p>Takes many minutes, so it is run by hand for now: {@code mvn verify -pl iscsi -am
 * -Dit.test=ConformanceSuite -Dsurefire.failIfNoSpecifiedTests=false}.
 */
final class ConformanceSuite {
    private static final Pattern COUNTS =
            Pattern.compile("tests\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)");

    /** The suite's own fault: it demands that a reset ends the connection. */
    private static final Set<String> WRONG = Set.of("iSCSI.iSCSITMF.LUNResetSimpleAsync");

    /** A kind of disk and of login. */
    enum Kind {
        DEFAULT,
        CHAP,
        MUTUAL_CHAP,
        READ_ONLY,
        REMOVABLE,
        LARGE_BLOCKS;

        /** Tests of the suite that this kind is run with. */
        boolean runs(String test) {
            return switch (this) {
                case DEFAULT -> true;
                case CHAP, MUTUAL_CHAP -> test.contains("TestUnitReady") || test.contains("Read10");
                case READ_ONLY -> test.contains("ReadOnly");
                case REMOVABLE ->
                        test.contains("NoMedia")
                                || test.contains("StartStopUnit")
                                || test.contains("PreventAllow");
                case LARGE_BLOCKS -> test.matches(".*(Read|Write|Verify|Unmap|Capacity).*");
            };
        }
    }

    private enum Outcome {
        PASSED,
        FAILED,
        SKIPPED,
        HUNG
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    @Timeout(value = 40, unit = TimeUnit.MINUTES)
    void passes_what_it_is_meant_to_pass(Kind kind) throws Exception {
        Map<String, Outcome> outcomes = new TreeMap<>();
        try (TestServer server = new TestServer(catalog(kind))) {
            for (String test : tests()) {
                if (kind.runs(test)) {
                    outcomes.put(test, run(test, url(server, kind)));
                }
            }
        }
        System.out.println(table(kind, outcomes));
        Set<String> bad = new TreeSet<>();
        outcomes.forEach((test, outcome) -> {
            boolean failed = outcome == Outcome.FAILED || outcome == Outcome.HUNG;
            if (failed && !WRONG.contains(test)) {
                bad.add(test + " " + outcome);
            }
        });
        assertThat(bad).isEmpty();
        assertThat(outcomes).containsValue(Outcome.PASSED);
    }

    private static TestCatalog catalog(Kind kind) {
        long size = 256L << 20;
        TestCatalog catalog = new TestCatalog();
        Features features = kind == Kind.READ_ONLY ? Features.READ_ONLY : Features.LIVE;
        int blockBytes = kind == Kind.LARGE_BLOCKS ? 4096 : 512;
        catalog.add(
                "disk",
                0,
                TestCatalog.unit("disk", blockBytes, kind == Kind.REMOVABLE),
                new TestDisk(size, features));
        ChapCredentials host = new ChapCredentials("host", "secret-of-host");
        ChapCredentials own = new ChapCredentials("target", "secret-of-target");
        return switch (kind) {
            case CHAP -> catalog.authentication(new Authentication(List.of(host), null));
            case MUTUAL_CHAP -> catalog.authentication(new Authentication(List.of(host), own));
            default -> catalog;
        };
    }

    private static String url(TestServer server, Kind kind) {
        String target = "/" + TestCatalog.PREFIX + "disk/0";
        return switch (kind) {
            case CHAP -> "iscsi://host%secret-of-host@" + server.portal() + target;
            case MUTUAL_CHAP ->
                    "iscsi://host%secret-of-host@"
                            + server.portal()
                            + target
                            + "?target_user=target&target_password=secret-of-target";
            default -> "iscsi://" + server.portal() + target;
        };
    }

    private static List<String> tests() throws IOException, InterruptedException {
        List<String> tests = new ArrayList<>();
        for (String line : ForeignProgram.run("iscsi-test-cu", "--list").split("\n", -1)) {
            if (line.matches("(SCSI|iSCSI)\\.\\w+\\.[\\w-]+")) {
                tests.add(line);
            }
        }
        assertThat(tests).as("tests of the suite").hasSizeGreaterThan(200);
        return tests;
    }

    private static Outcome run(String test, String url) throws Exception {
        String printed;
        try {
            printed =
                    ForeignProgram.outcome("iscsi-test-cu", "-d", "-S", "-v", "-t", test, url, url)
                            .printed();
        } catch (AssertionError noEnd) {
            return Outcome.HUNG;
        }
        Matcher counts = COUNTS.matcher(printed);
        if (!counts.find() || !counts.group(4).equals("0")) {
            System.out.println(test + ":\n" + printed);
            return Outcome.FAILED;
        }
        return printed.contains("[SKIPPED]") ? Outcome.SKIPPED : Outcome.PASSED;
    }

    private static String table(Kind kind, Map<String, Outcome> outcomes) {
        Map<String, Map<Outcome, Integer>> families = new TreeMap<>();
        Map<Outcome, Integer> all = new TreeMap<>();
        outcomes.forEach((test, outcome) -> {
            String family = test.substring(0, test.lastIndexOf('.'));
            families.computeIfAbsent(family, f -> new TreeMap<>()).merge(outcome, 1, Integer::sum);
            all.merge(outcome, 1, Integer::sum);
        });
        StringBuilder table = new StringBuilder("iscsi-test-cu, " + kind + "\n");
        families.forEach((family, counts) -> table.append("%-36s %s%n".formatted(family, counts)));
        outcomes.forEach((test, outcome) -> {
            if (outcome != Outcome.PASSED) {
                table.append("  %s %s%n".formatted(outcome, test));
            }
        });
        return table.append("%-36s %s%n".formatted("all", all)).toString();
    }
}
