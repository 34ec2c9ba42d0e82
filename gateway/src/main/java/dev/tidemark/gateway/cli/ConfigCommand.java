package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.config.SettingsReader;
import dev.tidemark.gateway.config.TlsMode;
import dev.tidemark.gateway.tls.ServerTls;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tidemark config}. */
@Command(
        name = "config",
        description =
                "Checks a configuration and prints what it amounts to, every key with its range and effect.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark config --print-default > /etc/tidemark/tidemark.toml",
            "  tidemark config --config /etc/tidemark/tidemark.toml"
        })
final class ConfigCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Mixin private SettingsOptions options = new SettingsOptions();

    @Option(
            names = "--print-default",
            description =
                    "Print the defaults, whatever file there is: a configuration file to start from.")
    private boolean printDefault;

    @Override
    public Integer call() throws ConfigurationException {
        Settings settings = printDefault ? SettingsReader.defaults() : options.read();
        if (settings.get(Keys.NBD_TLS_MODE) != TlsMode.OFF) {
            checkCertificates(settings);
        }
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        out.print(settings.toToml());
        out.flush();
        return 0;
    }

    /** Reads them once, as the gateway would. */
    private static void checkCertificates(Settings settings) {
        new ServerTls(
                new ServerTls.Terms(
                        settings.nbdCertificates(),
                        false,
                        settings.get(Keys.NBD_TLS_CLIENTS),
                        false),
                Runnable::run);
    }
}
