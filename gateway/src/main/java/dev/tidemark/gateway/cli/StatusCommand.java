package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Wire.AlertDocument;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tidemark status}. */
@Command(
        name = "status",
        description = "Shows the gateway at this moment: groups, journal space, tests, alerts.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {"  tidemark status", "  tidemark status --json"})
final class StatusCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Override
    public Integer call() {
        Answer answer = connection.client().get("/status");
        return connection.print(answer, out -> print(answer.as(StatusDocument.class), out));
    }

    private static String health(StatusDocument status) {
        boolean failed = status.groups().stream().anyMatch(group -> group.state().equals("failed"));
        return !status.ready() ? ", NOT READY" : failed ? ", DEGRADED" : "";
    }

    private static void print(StatusDocument status, PrintWriter out) {
        out.println(
                "Tidemark "
                        + status.version()
                        + ", process "
                        + status.pid()
                        + ", up "
                        + Formats.seconds(status.uptimeSeconds())
                        + health(status));
        out.println(
                "data   "
                        + status.dataDirectory()
                        + ", "
                        + ByteSize.format(status.freeBytes())
                        + " free");
        status.nbd().forEach(uri -> out.println("nbd    " + uri));
        status.iscsi().forEach(uri -> out.println("iscsi  " + uri));
        status.disks().forEach(disk -> disk.uris().forEach(uri -> out.println("disk   " + uri)));
        out.println("api    " + status.api());
        out.println(
                "pool   "
                        + ByteSize.format(status.poolUsedBytes())
                        + " of "
                        + ByteSize.format(status.poolBudgetBytes())
                        + " used by journals");
        out.println(
                "disks  "
                        + status.volumes()
                        + " volumes, "
                        + status.runningTests()
                        + " running tests, "
                        + status.openViews()
                        + " open views");
        if (!status.groups().isEmpty()) {
            out.println();
            Table table =
                    new Table("GROUP", "STATE", "HEAD", "DURABLE", "GOLD", "UNFOLDED", "VOLUMES");
            for (GroupDocument group : status.groups()) {
                table.row(
                        group.name(),
                        group.reason().isEmpty()
                                ? group.state()
                                : group.state() + ": " + group.reason(),
                        group.headSequence(),
                        group.durableSequence(),
                        group.goldSequence(),
                        ByteSize.format(group.unfoldedBytes()),
                        String.join(", ", group.volumes()));
            }
            table.print(out);
        }
        if (!status.alerts().isEmpty()) {
            out.println();
            Table table = new Table("ALERT", "TIME", "GROUP", "WHAT");
            for (AlertDocument alert : status.alerts()) {
                table.row(
                        alert.severity(),
                        Formats.time(alert.time()),
                        alert.group(),
                        alert.kind() + ": " + alert.message());
            }
            table.print(out);
        }
    }
}
