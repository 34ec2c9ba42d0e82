package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.client.GatewayFinder;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of every command that talks to a gateway, and how it prints. */
final class Connection {
    @Spec(Target.MIXEE)
    private @Nullable CommandSpec spec;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Data directory of the gateway on this machine (or TIDEMARK_DATA).")
    private @Nullable Path data;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description =
                    "Address of its API (or TIDEMARK_URL); found in the data directory by default.")
    private @Nullable String url;

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            description = "File with its token; the one in the data directory by default.")
    private @Nullable Path tokenFile;

    @Option(names = "--json", description = "Print the API's answer as JSON.")
    private boolean json;

    private @Nullable ApiClient client;

    ApiClient client() {
        ApiClient known = client;
        if (known == null) {
            Map<String, String> environment = System.getenv();
            Path directory =
                    data != null
                            ? data
                            : Path.of(
                                    environment.getOrDefault(
                                            "TIDEMARK_DATA", Keys.DATA_DIRECTORY.defaultText()));
            String address = url != null ? url : environment.get("TIDEMARK_URL");
            known = GatewayFinder.find(directory, address, tokenFile);
            client = known;
        }
        return known;
    }

    PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }

    PrintWriter err() {
        return Objects.requireNonNull(spec).commandLine().getErr();
    }

    /** Prints the answer as JSON, or what {@code text} makes of it. */
    int print(Answer answer, Consumer<PrintWriter> text) {
        if (json) {
            out().println(answer.json().isEmpty() ? "{}" : Json.pretty(answer.as(Object.class)));
        } else {
            text.accept(out());
        }
        out().flush();
        return 0;
    }

    @SuppressWarnings("SystemConsoleNull") // Null is still possible: -Djdk.console=java.base
    private static boolean watched() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    /** Waits for a task, with a bar when somebody watches, and prints how it ended. */
    int await(Answer started, boolean wait, Consumer<PrintWriter> text) {
        TaskDocument task = started.as(TaskDocument.class);
        if (!wait) {
            return print(
                    started,
                    out ->
                            out.println(
                                    "task "
                                            + task.id()
                                            + " runs; wait for it with: tidemark task wait "
                                            + task.id()));
        }
        ProgressBar bar = new ProgressBar(err(), !json && watched());
        try {
            return print(client().await(task.id(), bar::show), text);
        } finally {
            bar.end();
        }
    }
}
