package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code tidemark point}. */
@Command(
        name = "point",
        description = {
            "Says which exact point a text means.",
            "A point is a time with a zone, a checkpoint's name, seq:N, -90s, -15m, -6h, -1d, or latest."
        },
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark point 2026-11-21T03:04:05Z",
            "  tidemark point before-upgrade",
            "  tidemark point -- -15m"
        })
final class PointCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Mixin private GroupOption group = new GroupOption();

    @Parameters(
            arity = "0..1",
            paramLabel = "POINT",
            description = "The point; after -- when it begins with a minus. Latest when not given.")
    private String point = "latest";

    @Override
    public Integer call() {
        ApiClient client = connection.client();
        Answer answer = client.get(group.path(client) + "/point?at=" + ApiClient.encode(point));
        return connection.print(
                answer, out -> out.println(Formats.point(answer.as(PointDocument.class))));
    }
}
