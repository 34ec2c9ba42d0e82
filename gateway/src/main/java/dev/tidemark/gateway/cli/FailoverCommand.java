package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.wire.Requests.FailOver;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tidemark failover}. */
@Command(
        name = "failover",
        description = {
            "Makes this site's copy of a group the active one, set to a point. Its disks can be used at once; the copying goes on in the background.",
            "The other site is fenced if it can be reached, else as soon as it can. Until the failover is committed, it can be rolled back: the group then belongs to the other site again, as it was."
        },
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark failover --group shop --at latest --yes",
            "  tidemark failover --group shop --at before-upgrade --policy rollback --after 10m --yes",
            "  tidemark failover --group shop --commit",
            "  tidemark failover --group shop --rollback"
        })
final class FailoverCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Mixin private GroupOption group = new GroupOption();

    @Mixin private TaskOptions task = new TaskOptions();

    @Option(names = "--at", paramLabel = "POINT", description = "The point, such as latest.")
    private @Nullable String point;

    @Option(
            names = "--policy",
            paramLabel = "POLICY",
            description = "What happens by itself afterwards: none (default), commit or rollback.")
    private @Nullable String policy;

    @Option(
            names = "--after",
            paramLabel = "TIME",
            description = "How long afterwards that is, such as 10m.")
    private @Nullable String after;

    @Option(
            names = "--force",
            description =
                    "Also where another copy has been failed over to already: hosts are refused there then, and what they wrote is kept as a branch.")
    private boolean force;

    @Option(names = "--commit", description = "Make the failover final.")
    private boolean commit;

    @Option(names = "--rollback", description = "Give the group back to the other site.")
    private boolean rollback;

    @Override
    public Integer call() {
        ApiClient client = connection.client();
        String path = group.path(client);
        if ((commit ? 1 : 0) + (rollback ? 1 : 0) + (point == null ? 0 : 1) != 1) {
            throw ProblemException.invalid(
                    "what is to be done?", "", "one of --at, --commit and --rollback", "");
        }
        if (commit) {
            Answer answer = client.post(path + "/failover/commit", Map.of());
            return connection.print(
                    answer,
                    out ->
                            out.println(
                                    "the failover of "
                                            + answer.as(GroupDocument.class).name()
                                            + " is final; copy it back with: tidemark reverse"));
        }
        if (rollback) {
            return connection.await(
                    client.post(path + "/failover/rollback", Map.of()),
                    task.waits(),
                    out -> out.println("the group is given back"));
        }
        return start(client, path, String.valueOf(point));
    }

    private int start(ApiClient client, String path, String at) {
        PointDocument target =
                client.get(path + "/point?at=" + ApiClient.encode(at)).as(PointDocument.class);
        if (!task.isConfirmed()) {
            throw ProblemException.invalid(
                    "this site would take the group over at " + Formats.point(target),
                    at,
                    "what the other site has written since is not served; it is kept there",
                    "say --yes to do it");
        }
        String asked = at.equals("latest") ? at : target.name();
        return connection.await(
                client.post(path + "/failover", new FailOver(asked, policy, after, force)),
                task.waits(),
                out -> out.println("this site has taken the group over"));
    }
}
