package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.pki.Authority;
import dev.tidemark.gateway.wire.Json;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of every {@code tidemark pki} command, and how it prints. */
final class PkiOptions {
    @Spec(Target.MIXEE)
    private @Nullable CommandSpec spec;

    @Option(
            names = "--pki",
            paramLabel = "DIR",
            description =
                    "The authority's folder (or TIDEMARK_PKI); \"pki\" in the data directory by default.")
    private @Nullable Path folder;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Data directory of the gateway on this machine (or TIDEMARK_DATA).")
    private @Nullable Path data;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    Path folder() {
        if (folder != null) {
            return folder;
        }
        Map<String, String> environment = System.getenv();
        if (data != null) {
            return data.resolve("pki");
        }
        String named = environment.get("TIDEMARK_PKI");
        return named != null
                ? Path.of(named)
                : Path.of(
                                environment.getOrDefault(
                                        "TIDEMARK_DATA", Keys.DATA_DIRECTORY.defaultText()))
                        .resolve("pki");
    }

    Authority authority() {
        return Authority.at(folder(), Clock.systemUTC());
    }

    /** Prints a document as JSON, or what {@code text} makes of it. */
    int print(Object document, Consumer<PrintWriter> text) {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        if (json) {
            out.println(Json.pretty(document));
        } else {
            text.accept(out);
        }
        out.flush();
        return 0;
    }
}
