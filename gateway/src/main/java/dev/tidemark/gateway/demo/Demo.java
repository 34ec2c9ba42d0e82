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
import java.nio.file.Path;
import java.util.List;
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
        return run(this::oneSite);
    }

    /** The same at two sites: a copy, a disaster, a failover and the way back. */
    public int runTwoSites() throws IOException, InterruptedException, ConfigurationException {
        return run(this::twoSites);
    }

    /** A story with its stage; returns whether everything was proven. */
    @FunctionalInterface
    private interface Play {
        boolean perform(Scratch scratch)
                throws IOException, InterruptedException, ConfigurationException;
    }

    private int run(Play play) throws IOException, InterruptedException, ConfigurationException {
        List<String> missing = Tools.missing();
        if (!missing.isEmpty()) {
            out.println("The demo works with ordinary programs, and some are not here:");
            missing.forEach(line -> out.println("  " + line));
            out.flush();
            return 1;
        }
        boolean proven;
        try (Scratch scratch = Scratch.open(folder)) {
            out.println("Tidemark demo in " + scratch.path());
            out.flush();
            try {
                proven = play.perform(scratch);
            } finally {
                scratch.awaitNoEnd();
            }
        }
        out.flush();
        return proven ? 0 : 1;
    }

    private boolean oneSite(Scratch scratch)
            throws IOException, InterruptedException, ConfigurationException {
        Logging.level("warn");
        boolean proven;
        try (StopSignals signals = keep ? StopSignals.install() : null) {
            Gateway gateway = Gateway.start(settings(scratch.path()));
            try {
                Story story = new Story(gateway, scratch.path(), out);
                proven = story.tell();
                if (signals != null) {
                    hints(gateway);
                    signals.await();
                }
            } finally {
                gateway.stop();
            }
        }
        return proven;
    }

    /** That the link breaks off is part of the story, and no warning. */
    private boolean twoSites(Scratch scratch)
            throws IOException, InterruptedException, ConfigurationException {
        Logging.level("error");
        Telling telling = new Telling(out);
        telling.line("two gateways start, and are paired");
        try (PairedSites sites = PairedSites.start(scratch)) {
            boolean proven = false;
            try {
                proven = new SiteStory(sites, scratch.path(), telling).tell();
            } finally {
                scratch.awaitNoEnd();
                if (!proven) {
                    sites.complaints(out);
                }
            }
            if (keep) {
                try (StopSignals signals = StopSignals.install()) {
                    siteHints(sites);
                    signals.await();
                }
            }
            return proven;
        }
    }

    private void siteHints(PairedSites sites) {
        out.println();
        out.println("Both sites go on until Ctrl-C. Look around from another terminal:");
        for (Site site : List.of(sites.berlin(), sites.paris())) {
            out.println("  tidemark group show " + SiteStory.GROUP + " --data " + site.data());
            out.println("  tidemark test list --data " + site.data());
        }
        out.flush();
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
}
