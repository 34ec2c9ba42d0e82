package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.PurgeTests;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.ExportDocument;
import dev.tidemark.gateway.wire.Wire.PurgeDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark test}. */
@Command(
        name = "test",
        description =
                "Recovery tests: read-write disks of past moments, many at once, invisible to production and to each other.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = TestCommand.Stop.class,
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark test start --at before-upgrade --at -15m --at 2026-11-21T03:04:05Z",
            "  tidemark test list",
            "  tidemark test stop 7 --passed --note \"database opens, orders complete\""
        })
final class TestCommand {
    static String user() {
        return System.getProperty("user.name", "unknown");
    }

    @Command(
            name = "start",
            mixinStandardHelpOptions = true,
            description = {
                "Starts one test for each point, all or none.",
                "A point is a time with a zone, a checkpoint's name, seq:N, -90s, -15m, -6h, -1d, or latest."
            })
    int start(
            @Mixin Connection connection,
            @Mixin GroupOption group,
            @Option(
                            names = "--at",
                            required = true,
                            paramLabel = "POINT",
                            description = "A point; may be given up to 64 times.")
                    List<String> at,
            @Option(names = "--note", paramLabel = "TEXT", description = "What the drill is for.")
                    @Nullable String note,
            @Option(
                            names = "--by",
                            paramLabel = "NAME",
                            description = "Who starts it (default: this user).")
                    @Nullable String by) {
        StartTests request = new StartTests(group.name(), at, note, by == null ? user() : by);
        Answer answer = connection.client().post("/tests", request);
        return connection.print(
                answer,
                out -> {
                    DrillDocument drill = answer.as(DrillDocument.class);
                    out.println("drill " + drill.id() + " of group " + drill.group());
                    drill.tests().forEach(test -> show(test, out));
                });
    }

    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Lists tests, newest first.")
    int list(
            @Mixin Connection connection,
            @Option(names = "--running", description = "Only those that run.") boolean running,
            @Option(names = "--drills", description = "Drills instead of single tests.")
                    boolean drills,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            description = "At most this many (default: ${DEFAULT-VALUE}).",
                            defaultValue = "100")
                    int limit) {
        return drills ? listDrills(connection, limit) : listTests(connection, running, limit);
    }

    private static int listTests(Connection connection, boolean running, int limit) {
        Answer answer = connection.client().get("/tests?limit=" + limit + "&running=" + running);
        return connection.print(
                answer,
                out -> {
                    Table table =
                            new Table(
                                    "ID",
                                    "RESULT",
                                    "GROUP",
                                    "POINT",
                                    "",
                                    "STARTED",
                                    "DURATION",
                                    "WRITTEN",
                                    "BY",
                                    "NOTE");
                    for (TestDocument test : answer.asList(TestDocument.class)) {
                        table.row(
                                test.id(),
                                result(test),
                                test.group(),
                                Formats.time(test.point().time()),
                                test.point().checkpoint() == null
                                        ? test.point().name()
                                        : test.point().checkpoint(),
                                Formats.time(test.started()),
                                Formats.seconds(test.durationSeconds()),
                                ByteSize.format(test.writtenBytes()),
                                test.stoppedBy().isEmpty() ? test.startedBy() : test.stoppedBy(),
                                Formats.orDash(test.note()));
                    }
                    table.print(out);
                });
    }

    private static int listDrills(Connection connection, int limit) {
        Answer answer = connection.client().get("/drills?limit=" + limit);
        return connection.print(
                answer,
                out -> {
                    Table table =
                            new Table(
                                    "DRILL",
                                    "GROUP",
                                    "STARTED",
                                    "BY",
                                    "RUNNING",
                                    "PASSED",
                                    "FAILED",
                                    "INCONCLUSIVE",
                                    "NOTE");
                    for (DrillDocument drill : answer.asList(DrillDocument.class)) {
                        table.row(
                                drill.id(),
                                drill.group(),
                                Formats.time(drill.started()),
                                drill.startedBy(),
                                drill.running(),
                                drill.passed(),
                                drill.failed(),
                                drill.inconclusive(),
                                Formats.orDash(drill.note()));
                    }
                    table.print(out);
                });
    }

    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = "Shows one test and its disks.")
    int show(
            @Mixin Connection connection,
            @Parameters(paramLabel = "ID", description = "Number of the test.") long id) {
        Answer answer = connection.client().get("/tests/" + id);
        return connection.print(answer, out -> show(answer.as(TestDocument.class), out));
    }

    @Command(
            name = "purge",
            mixinStandardHelpOptions = true,
            description =
                    "Deletes records of ended tests, oldest first: those older than a time, beyond a number, so many, or what is all of that.")
    int purge(
            @Mixin Connection connection,
            @Option(names = "--keep", paramLabel = "N", description = "Keep the newest N.")
                    @Nullable Integer keep,
            @Option(
                            names = "--older-than",
                            paramLabel = "TIME",
                            description = "Only those that ended longer ago, such as 90d.")
                    @Nullable String olderThan,
            @Option(names = "--oldest", paramLabel = "N", description = "The oldest N.")
                    @Nullable Integer oldest,
            @Option(
                            names = "--group",
                            paramLabel = "GROUP",
                            description = "Only tests of this group.")
                    @Nullable String group) {
        Answer answer =
                connection
                        .client()
                        .post("/tests/purge", new PurgeTests(keep, olderThan, oldest, group));
        return connection.print(
                answer,
                out -> out.println(answer.as(PurgeDocument.class).purged() + " records purged"));
    }

    /** How a test ended: exactly one of them is said. */
    static final class VerdictOptions {
        @Option(names = "--passed", required = true, description = "It passed.")
        private boolean passed;

        @Option(names = "--failed", required = true, description = "It failed.")
        private boolean failed;

        @Option(names = "--inconclusive", required = true, description = "Neither can be said.")
        private boolean inconclusive;

        String text() {
            if (inconclusive) {
                return "inconclusive";
            }
            return passed ? "passed" : failed ? "failed" : "";
        }
    }

    /** {@code tidemark test stop}. */
    @Command(
            name = "stop",
            mixinStandardHelpOptions = true,
            description =
                    "Ends a test with a verdict; its writes are discarded and their space returns.")
    static final class Stop implements java.util.concurrent.Callable<Integer> {
        @Mixin private Connection connection = new Connection();

        @Parameters(paramLabel = "ID", description = "Number of the test.")
        private long id;

        @ArgGroup(multiplicity = "1")
        private VerdictOptions verdict = new VerdictOptions();

        @Option(names = "--note", paramLabel = "TEXT", description = "What was seen.")
        private @Nullable String note;

        @Option(
                names = "--by",
                paramLabel = "NAME",
                description = "Who ends it (default: this user).")
        private @Nullable String by;

        @Option(
                names = "--force",
                description = "Also while hosts have its disks open; they then see errors.")
        private boolean force;

        @Override
        public Integer call() {
            StopTest request = new StopTest(verdict.text(), note, by == null ? user() : by, force);
            Answer answer = connection.client().post("/tests/" + id + "/stop", request);
            return connection.print(answer, out -> show(answer.as(TestDocument.class), out));
        }
    }

    static void show(TestDocument test, PrintWriter out) {
        out.println(
                "test "
                        + test.id()
                        + " "
                        + result(test)
                        + " at "
                        + Formats.point(test.point())
                        + ", opened in "
                        + Formats.seconds(test.openSeconds()));
        out.println(
                "  started "
                        + Formats.time(test.started())
                        + " by "
                        + test.startedBy()
                        + ", "
                        + (test.stopped() == null
                                ? "runs for "
                                : "stopped "
                                        + Formats.time(test.stopped())
                                        + " by "
                                        + test.stoppedBy()
                                        + " after ")
                        + Formats.seconds(test.durationSeconds())
                        + ", "
                        + ByteSize.format(test.writtenBytes())
                        + " written");
        if (!test.failure().isEmpty()) {
            out.println("  cannot be opened: " + test.failure());
        }
        if (!test.note().isEmpty()) {
            out.println("  " + test.note());
        }
        for (ExportDocument export : test.exports()) {
            export.uris().forEach(uri -> out.println("  " + uri));
        }
    }

    /** The verdict, or that there is none yet and whether its disks can be had. */
    private static String result(TestDocument test) {
        String verdict = test.verdict();
        return verdict != null
                ? verdict
                : test.failure().isEmpty() ? test.state() : "cannot be opened";
    }

    static String path(long id) {
        return "/tests/" + ApiClient.encode(Long.toString(id));
    }
}
