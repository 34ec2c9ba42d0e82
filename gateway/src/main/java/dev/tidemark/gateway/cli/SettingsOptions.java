package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.config.SettingsReader;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that make settings: a file, then what the command line says. */
final class SettingsOptions {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "Configuration file; /etc/tidemark/tidemark.toml as root, ~/.config/tidemark/tidemark.toml otherwise, when it exists.")
    private @Nullable Path config;

    @Option(names = "--data", paramLabel = "DIR", description = "Data directory (data.directory).")
    private @Nullable String data;

    @Option(
            names = "--nbd",
            paramLabel = "HOST:PORT",
            description = "Serve NBD here (nbd.listen); may be given several times.")
    private List<String> nbd = List.of();

    @Option(
            names = "--api",
            paramLabel = "HOST:PORT",
            description = "Serve the API here (api.listen).")
    private @Nullable String api;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Set any key of the configuration; wins over the file.")
    private List<String> assignments = List.of();

    Settings read() throws ConfigurationException {
        SettingsReader reader = new SettingsReader().file(config);
        String fromEnvironment = System.getenv("TIDEMARK_DATA");
        if (data != null) {
            reader.override(Keys.DATA_DIRECTORY.name(), data);
        } else if (fromEnvironment != null) {
            reader.override(Keys.DATA_DIRECTORY.name(), fromEnvironment);
        }
        if (!nbd.isEmpty()) {
            reader.override(Keys.NBD_LISTEN.name(), String.join(",", nbd));
        }
        if (api != null) {
            reader.override(Keys.API_LISTEN.name(), api);
        }
        assignments.forEach(reader::override);
        return reader.seal();
    }
}
