package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.ChangeGroup;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark group}. */
@Command(
        name = "group",
        description = "Protection groups: disks that share one write order and one history.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark group create shop --window 7d --bytes 200G",
            "  tidemark group set shop --checkpoint-interval 5s"
        })
final class GroupCommand {
    /** How a group keeps history. */
    static final class History {
        @Option(
                names = "--window",
                paramLabel = "TIME",
                description = "How far back checkpoints reach, such as 7d.")
        private @Nullable String window;

        @Option(
                names = "--bytes",
                paramLabel = "SIZE",
                description = "Byte budget of the history, such as 200G, or unlimited.")
        private @Nullable String bytes;

        @Option(
                names = "--fine-window",
                paramLabel = "TIME",
                description = "How far back every single write is a point.")
        private @Nullable String fineWindow;

        @Option(
                names = "--checkpoint-interval",
                paramLabel = "TIME",
                description = "Time between automatic checkpoints, 100ms to 60s.")
        private @Nullable String checkpointInterval;
    }

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description =
                    "Makes an empty group; the configuration's history settings hold where none are given.")
    int create(
            @Mixin Connection connection,
            @Mixin History history,
            @Parameters(paramLabel = "NAME", description = "Name of the group.") String name) {
        CreateGroup request =
                new CreateGroup(
                        name,
                        history.window,
                        history.bytes,
                        history.fineWindow,
                        history.checkpointInterval);
        return show(connection, connection.client().post("/groups", request));
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists all groups.")
    int list(@Mixin Connection connection) {
        Answer answer = connection.client().get("/groups");
        return connection.print(
                answer,
                out -> {
                    Table table =
                            new Table(
                                    "NAME", "STATE", "WINDOW", "HEAD", "TESTS", "VIEWS", "VOLUMES");
                    for (GroupDocument group : answer.asList(GroupDocument.class)) {
                        table.row(
                                group.name(),
                                group.state(),
                                group.history().window(),
                                group.headSequence(),
                                group.runningTests(),
                                group.openViews(),
                                Formats.orDash(String.join(", ", group.volumes())));
                    }
                    table.print(out);
                });
    }

    @Command(name = "show", mixinStandardHelpOptions = true, description = "Shows one group.")
    int show(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group.") String name) {
        return show(connection, connection.client().get(path(name)));
    }

    @Command(
            name = "set",
            mixinStandardHelpOptions = true,
            description = "Changes how a group keeps history, or its name.")
    int set(
            @Mixin Connection connection,
            @Mixin History history,
            @Parameters(paramLabel = "NAME", description = "The group.") String name,
            @Option(names = "--rename", paramLabel = "NEW", description = "A new name.")
                    @Nullable String rename) {
        ChangeGroup request =
                new ChangeGroup(
                        rename,
                        history.window,
                        history.bytes,
                        history.fineWindow,
                        history.checkpointInterval);
        return show(connection, connection.client().patch(path(name), request));
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes an empty group and its history.")
    int delete(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group.") String name) {
        Answer answer = connection.client().delete(path(name));
        return connection.print(
                answer, out -> out.println("group " + name + " deleted with its history"));
    }

    private static String path(String name) {
        return "/groups/" + ApiClient.encode(name);
    }

    private static int show(Connection connection, Answer answer) {
        return connection.print(answer, out -> show(answer.as(GroupDocument.class), out));
    }

    private static void show(GroupDocument group, PrintWriter out) {
        out.println(
                "group "
                        + group.name()
                        + ", "
                        + group.state()
                        + (group.reason().isEmpty() ? "" : ": " + group.reason()));
        out.println(
                "  id        "
                        + group.id()
                        + ", epoch "
                        + group.epoch()
                        + ", since "
                        + Formats.time(group.created()));
        out.println("  volumes   " + Formats.orDash(String.join(", ", group.volumes())));
        out.println(
                "  history   window "
                        + group.history().window()
                        + ", bytes "
                        + group.history().bytes()
                        + ", fine window "
                        + group.history().fineWindow()
                        + ", checkpoint each "
                        + group.history().checkpointInterval());
        out.println(
                "  head      seq:"
                        + group.headSequence()
                        + " at "
                        + Formats.time(group.headTime())
                        + ", durable seq:"
                        + group.durableSequence()
                        + ", gold seq:"
                        + group.goldSequence());
        out.println(
                "  unfolded  "
                        + ByteSize.format(group.unfoldedBytes())
                        + " of "
                        + ByteSize.format(group.unfoldedLimitBytes())
                        + ", "
                        + group.waitingWrites()
                        + " writes wait");
        out.println(
                "  open      " + group.runningTests() + " tests, " + group.openViews() + " views");
    }
}
