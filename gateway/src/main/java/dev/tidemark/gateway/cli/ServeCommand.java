package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.Logging;
import dev.tidemark.gateway.server.StopSignals;
import dev.tidemark.gateway.server.Version;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code tidemark serve}. */
@Command(
        name = "serve",
        description = {
            "Runs the gateway until SIGTERM or SIGINT; a second signal ends it at once.",
            "A clean stop asks clients to leave, marks a checkpoint and folds everything; gold images are then plain raw disks."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped cleanly",
            "2:cannot start; the message says why, nothing was changed"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark serve",
            "  tidemark serve --data /srv/tidemark --nbd 0.0.0.0:10809",
            "  tidemark serve --config /etc/tidemark/tidemark.toml --set history.window=7d"
        })
final class ServeCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Mixin private SettingsOptions options = new SettingsOptions();

    @Override
    public Integer call() throws ConfigurationException, InterruptedException {
        Settings settings = options.read();
        Logging.level(settings.get(Keys.LOG_LEVEL));
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        try (StopSignals signals = StopSignals.install()) {
            Gateway gateway = Gateway.start(settings);
            out.println("Tidemark " + Version.text() + " serves " + gateway.dataDirectory());
            gateway.nbdUris().forEach(uri -> out.println("  NBD  " + uri));
            out.println(
                    "  API  "
                            + gateway.apiUri()
                            + "  (token in "
                            + gateway.dataDirectory().resolve("token")
                            + ")");
            gateway.volumes()
                    .all()
                    .forEach(found ->
                            gateway.volumes()
                                    .document(found)
                                    .uris()
                                    .forEach(uri -> out.println("  disk " + uri)));
            if (gateway.volumes().all().isEmpty()) {
                out.println("No disk yet; make one with: tidemark volume create mydisk --size 10G");
            }
            out.flush();
            signals.await();
            gateway.stop();
        }
        return 0;
    }
}
