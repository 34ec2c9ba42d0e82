package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.wire.Requests.Rollback;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tidemark rollback}. */
@Command(
        name = "rollback",
        description = {
            "Sets the live disks of a group back to a point, in place. They are usable at once; the copying goes on in the background.",
            "What was written since stays in the history: a rollback can be rolled back."
        },
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark rollback --to before-upgrade --yes",
            "  tidemark rollback --group shop --to -15m --yes"
        })
final class RollbackCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Mixin private GroupOption group = new GroupOption();

    @Mixin private TaskOptions task = new TaskOptions();

    @Option(names = "--to", required = true, paramLabel = "POINT", description = "The point.")
    private String point = "";

    @Override
    public Integer call() {
        ApiClient client = connection.client();
        String path = group.path(client);
        Answer exact = client.get(path + "/point?at=" + ApiClient.encode(point));
        PointDocument target = exact.as(PointDocument.class);
        if (!task.isConfirmed()) {
            throw ProblemException.invalid(
                    "the live disks of "
                            + path.substring("/groups/".length())
                            + " would be set back to "
                            + Formats.point(target),
                    point,
                    "hosts must not have them mounted",
                    "say --yes to do it");
        }
        Answer started = client.post(path + "/rollback", new Rollback(target.name()));
        return connection.await(
                started,
                task.waits(),
                out -> out.println("rolled back to " + Formats.point(target)));
    }
}
