package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.InheritedSockets;
import dev.tidemark.gateway.server.Logging;
import dev.tidemark.gateway.server.StandardStreams;
import dev.tidemark.gateway.server.StopSignals;
import dev.tidemark.gateway.server.Version;
import dev.tidemark.nbd.ListenAddress;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tidemark serve}. */
@Command(
        name = "serve",
        description = {
            "Runs the gateway until SIGTERM or SIGINT; a second signal ends it at once.",
            "Sockets that the process was started with (LISTEN_FDS, as systemd and libnbd set it) are served instead of nbd.listen and nbd.unix_socket.",
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
            "  tidemark serve --data /srv/tidemark --nbd 0.0.0.0:10809 --set nbd.tls.mode=require --set nbd.tls.certificates=pki/servers/gw",
            "  tidemark serve --config /etc/tidemark/tidemark.toml --set history.window=7d",
            "  nbdsh -c 'h.connect_command([\"tidemark\", \"serve\", \"--stdio\"])'"
        })
final class ServeCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Mixin private SettingsOptions options = new SettingsOptions();

    @Option(
            names = "--stdio",
            description =
                    "Serve one NBD client on standard input and output, and nobody else, and stop when it leaves; messages go to standard error.")
    private boolean stdio;

    @Override
    public Integer call() throws ConfigurationException, InterruptedException, IOException {
        Settings settings = options.read();
        Logging.level(settings.get(Keys.LOG_LEVEL));
        try (StopSignals signals = StopSignals.install()) {
            if (stdio) {
                serveStreams(settings, signals);
            } else {
                CommandLine line = Objects.requireNonNull(spec).commandLine();
                List<ListenAddress> inherited =
                        InheritedSockets.of(System.getenv(), ProcessHandle.current().pid());
                Gateway gateway = Gateway.start(settings, inherited);
                announce(gateway, line.getOut());
                signals.await();
                gateway.stop();
            }
        }
        return 0;
    }

    private void serveStreams(Settings settings, StopSignals signals)
            throws IOException, InterruptedException {
        try (StandardStreams streams = new StandardStreams()) {
            Gateway gateway = Gateway.start(settings, List.of(streams.address()));
            announce(gateway, Objects.requireNonNull(spec).commandLine().getErr());
            OutputStream output = new FileOutputStream(FileDescriptor.out);
            streams.carry(System.in, output, signals::stop);
            signals.await();
            gateway.stop();
        }
    }

    private void announce(Gateway gateway, PrintWriter out) {
        out.println("Tidemark " + Version.text() + " serves " + gateway.dataDirectory());
        if (!stdio) {
            gateway.nbdUris().forEach(uri -> out.println("  NBD  " + uri));
            gateway.iscsiUris().forEach(uri -> out.println("  iSCSI " + uri));
        }
        out.println(
                "  API  "
                        + gateway.apiUri()
                        + "  (token in "
                        + gateway.dataDirectory().resolve("token")
                        + ")");
        if (!stdio) {
            gateway.status()
                    .disks()
                    .forEach(disk -> disk.uris().forEach(uri -> out.println("  disk " + uri)));
        }
        if (gateway.volumes().all().isEmpty()) {
            out.println("No disk yet; make one with: tidemark volume create mydisk --size 10G");
        }
        out.flush();
    }
}
