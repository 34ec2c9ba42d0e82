package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark task}. */
@Command(
        name = "task",
        description = "Long work: imports, rollbacks, promotions.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {"  tidemark task list", "  tidemark task wait 3"})
final class TaskCommand {
    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Lists tasks, newest first.")
    int list(
            @Mixin Connection connection,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            description = "At most this many (default: ${DEFAULT-VALUE}).",
                            defaultValue = "100")
                    int limit) {
        Answer answer = connection.client().get("/tasks?limit=" + limit);
        return connection.print(
                answer,
                out -> {
                    Table table =
                            new Table(
                                    "ID", "KIND", "SUBJECT", "STATE", "DONE", "STARTED", "ENDED",
                                    "DETAIL");
                    for (TaskDocument task : answer.asList(TaskDocument.class)) {
                        table.row(
                                task.id(),
                                task.kind(),
                                task.subject(),
                                task.state(),
                                String.format(Locale.ROOT, "%.0f %%", task.progress() * 100),
                                Formats.time(task.started()),
                                Formats.time(task.ended()),
                                task.problem() == null
                                        ? Formats.orDash(task.detail())
                                        : task.problem().detail());
                    }
                    table.print(out);
                });
    }

    @Command(
            name = "wait",
            mixinStandardHelpOptions = true,
            description = "Waits until a task has ended; exit code 1 when it failed.")
    int await(
            @Mixin Connection connection,
            @Parameters(paramLabel = "ID", description = "Number of the task.") long id) {
        Answer started = connection.client().get("/tasks/" + id);
        return connection.await(started, true, out -> out.println("task " + id + " has ended"));
    }
}
