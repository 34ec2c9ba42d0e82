package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.GapDocument;
import dev.tidemark.gateway.wire.Wire.HistoryDocument;
import java.util.ArrayDeque;
import java.util.Deque;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark checkpoint}. */
@Command(
        name = "checkpoint",
        description = "Marks moments with a name, and lists them.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark checkpoint add before-upgrade --description \"kernel 6.12\"",
            "  tidemark checkpoint list --tagged"
        })
final class CheckpointCommand {
    @Command(
            name = "add",
            mixinStandardHelpOptions = true,
            description = "Marks this moment; durable when the command returns.")
    int add(
            @Mixin Connection connection,
            @Mixin GroupOption group,
            @Parameters(paramLabel = "NAME", description = "Name of the checkpoint.") String name,
            @Option(
                            names = "--description",
                            paramLabel = "TEXT",
                            description = "What it is for.",
                            defaultValue = "")
                    String description) {
        AddCheckpoint request = new AddCheckpoint(name, description);
        Answer answer =
                connection.client().post(group.path(connection.client()) + "/checkpoints", request);
        return connection.print(
                answer,
                out -> {
                    CheckpointDocument checkpoint = answer.as(CheckpointDocument.class);
                    out.println(
                            "checkpoint "
                                    + checkpoint.name()
                                    + " at "
                                    + checkpoint.time()
                                    + " (seq:"
                                    + checkpoint.sequence()
                                    + ")");
                });
    }

    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = {
                "Lists checkpoints, oldest first, and where no point can be had in between.",
                "With --json: the checkpoints; the gaps are in tidemark history --json."
            })
    int list(
            @Mixin Connection connection,
            @Mixin GroupOption group,
            @Option(names = "--tagged", description = "Only those with a name.") boolean tagged,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            description =
                                    "At most this many, the newest (default: ${DEFAULT-VALUE}).",
                            defaultValue = "100")
                    int limit) {
        ApiClient client = connection.client();
        Answer answer =
                client.get(
                        group.path(client) + "/checkpoints?limit=" + limit + "&tagged=" + tagged);
        return connection.print(
                answer,
                out -> {
                    HistoryDocument history =
                            client.get(group.path(client) + "/history").as(HistoryDocument.class);
                    Deque<GapDocument> gaps = new ArrayDeque<>(history.gaps());
                    Table table = new Table("TIME", "AGE", "POINT", "NAME", "DESCRIPTION");
                    for (CheckpointDocument checkpoint : answer.asList(CheckpointDocument.class)) {
                        while (!gaps.isEmpty()
                                && gaps.element().before().sequence() < checkpoint.sequence()) {
                            gap(gaps.remove(), table);
                        }
                        table.row(
                                Formats.time(checkpoint.time()),
                                Formats.age(checkpoint.time()),
                                "seq:" + checkpoint.sequence(),
                                Formats.orDash(checkpoint.name()),
                                Formats.orDash(checkpoint.description()));
                    }
                    gaps.forEach(gap -> gap(gap, table));
                    table.print(out);
                });
    }

    private static void gap(GapDocument gap, Table table) {
        table.row(
                Formats.time(gap.before().time()),
                Formats.age(gap.before().time()),
                "no points",
                gap.after() == null
                        ? "-"
                        : "until " + gap.after().name() + ", " + Formats.time(gap.after().time()),
                gap.why());
    }
}
