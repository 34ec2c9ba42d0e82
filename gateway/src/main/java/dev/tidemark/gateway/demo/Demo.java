package dev.tidemark.gateway.demo;

import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.config.SettingsReader;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.Logging;
import dev.tidemark.gateway.server.StopSignals;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The product in a minute: sets the stage, runs the story, cleans up. */
public final class Demo {
    private final PrintWriter out;
    private final @Nullable Path folder;
    private final boolean keep;

    /**
     * A demo that prints to {@code out}.
     *
     * @param folder scratch folder, empty or missing; null: a temporary one
     * @param keep leave the gateway running at the end until a signal comes
     */
    public Demo(PrintWriter out, @Nullable Path folder, boolean keep) {
        this.out = out;
        this.folder = folder;
        this.keep = keep;
    }

    /** Returns the exit code: 0 when everything was proven. */
    public int run() throws IOException, InterruptedException, ConfigurationException {
        List<String> missing = Tools.missing();
        if (!missing.isEmpty()) {
            out.println("The demo works with ordinary programs, and some are not here:");
            missing.forEach(line -> out.println("  " + line));
            out.flush();
            return 1;
        }
        Path scratch = scratch();
        Logging.level("warn");
        Settings settings = settings(scratch);
        out.println("Tidemark demo in " + scratch);
        boolean proven = false;
        try (StopSignals signals = keep ? StopSignals.install() : null) {
            Gateway gateway = Gateway.start(settings);
            try {
                Story story = new Story(gateway, scratch, out);
                proven = story.tell();
                if (signals != null) {
                    hints(gateway);
                    signals.await();
                }
            } finally {
                gateway.stop();
            }
        } finally {
            if (folder == null) {
                delete(scratch);
            }
        }
        out.flush();
        return proven ? 0 : 1;
    }

    private Path scratch() throws IOException {
        Path asked = folder;
        if (asked == null) {
            return Files.createTempDirectory("tidemark-demo-").toRealPath();
        }
        Files.createDirectories(asked);
        try (Stream<Path> content = Files.list(asked)) {
            if (content.findAny().isPresent()) {
                throw new IOException("the folder " + asked + " is not empty; name another");
            }
        }
        return asked.toRealPath();
    }

    private static Settings settings(Path scratch) throws ConfigurationException {
        return new SettingsReader()
                .override(Keys.DATA_DIRECTORY.name(), scratch.resolve("data").toString())
                .override(Keys.NBD_LISTEN.name(), "127.0.0.1:0")
                .override(Keys.API_LISTEN.name(), "127.0.0.1:0")
                .override(Keys.JOURNAL_UNIT_BYTES.name(), "4MiB")
                .override(Keys.JOURNAL_POOL_BYTES.name(), "1GiB")
                .override(Keys.LOG_LEVEL.name(), "warn")
                .seal();
    }

    private void hints(Gateway gateway) {
        String data = gateway.dataDirectory().toString();
        String tcp = gateway.nbdUris().getFirst();
        String port = tcp.replaceAll(".*:(\\d+)/", "$1");
        String socket = "?socket=" + gateway.dataDirectory().resolve("nbd.sock");
        out.println();
        out.println("The gateway goes on until Ctrl-C. Look around from another terminal:");
        out.println("  tidemark status --data " + data);
        out.println("  tidemark checkpoint list --tagged --data " + data);
        out.println("  tidemark test start --at v2 --at latest --data " + data);
        out.println("Mount the live disk, or a past moment of it (read-only):");
        out.println(
                "  nbd-client -N "
                        + Story.DISK
                        + " 127.0.0.1 "
                        + port
                        + " /dev/nbd0 && mount /dev/nbd0 /mnt");
        out.println(
                "  nbd-client -N "
                        + Story.DISK
                        + "@v2 127.0.0.1 "
                        + port
                        + " /dev/nbd1 && mount -o ro,noload /dev/nbd1 /mnt");
        out.println(
                "  nbdfuse /some/folder/disk 'nbd+unix:///" + Story.DISK + "@v2" + socket + "'");
        out.println(
                "  qemu-system-x86_64 -drive file="
                        + tcp
                        + Story.DISK
                        + ",format=raw,if=virtio ...");
        out.flush();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
