package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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

    @Override
    public Integer call() {
        ApiClient client = connection.client();
        Answer answer = client.post(group.path(client) + "/reverse", Map.of());
        return connection.print(
                answer,
                out ->
                        out.println(
                                "group "
                                        + answer.as(GroupDocument.class).name()
                                        + " is protected in the other direction; see tidemark group show"));
    }
}
