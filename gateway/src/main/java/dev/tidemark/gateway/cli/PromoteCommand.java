package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.wire.Requests.PromoteTest;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark promote}. */
@Command(
        name = "promote",
        description = {
            "Makes a test's disks, with what was written to them, the live disks of its group: usable at once, copied in the background.",
            "The test ends with it. What the live disks held stays in the history."
        },
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = "  tidemark promote 7 --passed --note \"orders complete, fail over\"")
final class PromoteCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Parameters(paramLabel = "TEST", description = "Number of the running test.")
    private long test;

    @ArgGroup private TestCommand.@Nullable VerdictOptions verdict;

    @Option(names = "--note", paramLabel = "TEXT", description = "What was seen.")
    private @Nullable String note;

    @Option(names = "--by", paramLabel = "NAME", description = "Who does it (default: this user).")
    private @Nullable String by;

    @Option(names = "--no-wait", description = "Return at once; the task goes on.")
    private boolean noWait;

    @Override
    public Integer call() {
        PromoteTest request =
                new PromoteTest(
                        verdict == null ? null : verdict.text(),
                        note,
                        by == null ? TestCommand.user() : by);
        Answer started = connection.client().post(TestCommand.path(test) + "/promote", request);
        return connection.await(
                started, !noWait, out -> out.println("test " + test + " is the live disk now"));
    }
}
