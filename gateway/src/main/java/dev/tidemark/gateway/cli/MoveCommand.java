package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.wire.Requests.Move;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tidemark move}. */
@Command(
        name = "move",
        description = {
            "Gives a group to another site that has a copy of it, without losing a write: hosts are refused here, the last records are shipped, and the other site takes over."
        },
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark move --group shop --to berlin --yes",
            "  tidemark move --group shop --to berlin --policy rollback --after 10m --yes"
        })
final class MoveCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Mixin private GroupOption group = new GroupOption();

    @Mixin private TaskOptions task = new TaskOptions();

    @Option(names = "--to", required = true, paramLabel = "SITE", description = "The other site.")
    private String site = "";

    @Option(
            names = "--policy",
            paramLabel = "POLICY",
            description = "What happens by itself afterwards: commit (default), none or rollback.")
    private @Nullable String policy;

    @Option(
            names = "--after",
            paramLabel = "TIME",
            description = "How long afterwards that is, such as 10m.")
    private @Nullable String after;

    @Override
    public Integer call() {
        ApiClient client = connection.client();
        String path = group.path(client);
        if (!task.isConfirmed()) {
            throw ProblemException.invalid(
                    "hosts would be refused here, and served at " + site,
                    path.substring("/groups/".length()),
                    "hosts must not have its disks mounted here",
                    "say --yes to do it");
        }
        return connection.await(
                client.post(path + "/move", new Move(site, policy, after)),
                task.waits(),
                out -> out.println("the group is active at " + site));
    }
}
