package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.ReverseDocument;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tidemark reverse}. */
@Command(
        name = "reverse",
        description = {
            "Protects a group in the other direction: copies it to the site that it was taken over from.",
            "That site sets its disks back to where both histories agree, keeps what only it has as a test, and gets what was written since."
        },
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {"  tidemark reverse --group shop"})
final class ReverseCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Mixin private GroupOption group = new GroupOption();

    @Option(
            names = "--show",
            description = "Only tell how it would be done, and whether it can be.")
    private boolean show;

    @Override
    public Integer call() {
        ApiClient client = connection.client();
        if (show) {
            Answer settings = client.get(group.path(client) + "/reverse");
            return connection.print(settings, out -> show(settings.as(ReverseDocument.class), out));
        }
        Answer answer = client.post(group.path(client) + "/reverse", Map.of());
        return connection.print(
                answer,
                out ->
                        out.println(
                                "group "
                                        + answer.as(GroupDocument.class).name()
                                        + " is protected in the other direction; see tidemark group show"));
    }

    private static void show(ReverseDocument reverse, PrintWriter out) {
        out.println(
                "group "
                        + reverse.group()
                        + " to "
                        + reverse.site()
                        + (reverse.connected() ? ", connected" : ", not connected"));
        out.println(
                "  "
                        + (reverse.prepared()
                                ? "records after seq:"
                                        + reverse.from()
                                        + " are held for it, "
                                        + ByteSize.format(reverse.heldBytes())
                                        + " of "
                                        + ByteSize.format(reverse.heldLimitBytes())
                                : "no records are held for it"));
        if (reverse.protecting()) {
            out.println("  it is done already");
        }
        if (!reverse.hindrance().isEmpty()) {
            out.println("  not now: " + reverse.hindrance());
        }
    }
}
