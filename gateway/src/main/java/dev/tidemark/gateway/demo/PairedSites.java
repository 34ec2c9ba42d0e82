package dev.tidemark.gateway.demo;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.SettingsReader;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.wire.Requests.InviteSite;
import dev.tidemark.gateway.wire.Requests.PairSite;
import dev.tidemark.gateway.wire.Wire.InvitationDocument;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Two gateways that know each other: paris in this process, and berlin as a process that can be
 * killed. paris listens, berlin dials. Not thread-safe.
 */
final class PairedSites implements AutoCloseable {
    static final String BERLIN = "berlin";
    static final String PARIS = "paris";

    private final SiteProcess process;
    private final Gateway gateway;
    private final Site paris;
    private Site berlin;

    private PairedSites(SiteProcess process, Gateway gateway, Site berlin, Site paris) {
        this.process = process;
        this.gateway = gateway;
        this.berlin = berlin;
        this.paris = paris;
    }

    /** Starts and pairs them. */
    static PairedSites start(Scratch scratch)
            throws IOException, InterruptedException, ConfigurationException {
        SiteProcess process =
                new SiteProcess(
                        BERLIN,
                        scratch.path(),
                        settings(BERLIN).entrySet().stream()
                                .map(entry -> entry.getKey() + "=" + entry.getValue())
                                .toList());
        scratch.atSignal(process::kill);
        process.launch();
        try {
            SettingsReader reader = new SettingsReader();
            settings(PARIS).forEach(reader::override);
            Path data = scratch.path().resolve(PARIS);
            Gateway gateway =
                    Gateway.start(
                            reader.override(Keys.DATA_DIRECTORY.name(), data.toString())
                                    .override(Keys.SITE_LISTEN.name(), "127.0.0.1:" + freePort())
                                    .seal());
            try {
                Site paris =
                        new Site(PARIS, data, new ApiClient(gateway.apiUri(), gateway.token()));
                PairedSites sites =
                        new PairedSites(process, gateway, process.awaitServing(), paris);
                sites.pair();
                return sites;
            } catch (IOException | InterruptedException | RuntimeException e) {
                gateway.close();
                throw e;
            }
        } catch (IOException | InterruptedException | ConfigurationException | RuntimeException e) {
            process.kill();
            throw e;
        }
    }

    private static Map<String, String> settings(String name) {
        return new TreeMap<>(
                Map.of(
                        Keys.SITE_NAME.name(), name,
                        Keys.NBD_LISTEN.name(), "127.0.0.1:0",
                        Keys.API_LISTEN.name(), "127.0.0.1:0",
                        Keys.JOURNAL_UNIT_BYTES.name(), "4MiB",
                        Keys.JOURNAL_POOL_BYTES.name(), "1GiB",
                        Keys.LOG_LEVEL.name(), "warn"));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void pair() throws IOException, InterruptedException {
        InvitationDocument invitation =
                paris.api()
                        .post("/site/invitations", new InviteSite("10m"))
                        .as(InvitationDocument.class);
        berlin.api().post("/site/peers", new PairSite(invitation.token(), null));
        awaitConnected();
    }

    double awaitConnected() throws IOException, InterruptedException {
        return Site.await(
                "both sites to be connected",
                () -> paris.isConnected(BERLIN) && berlin.isConnected(PARIS),
                () -> paris.peer(BERLIN).toString());
    }

    Site berlin() {
        return berlin;
    }

    Site paris() {
        return paris;
    }

    long berlinPid() {
        return process.pid();
    }

    /** Ends berlin as a power switch does. */
    void killBerlin() {
        process.kill();
    }

    /** Starts berlin again, on what it had on its disk. */
    void startBerlin() throws IOException, InterruptedException {
        process.launch();
        berlin = process.awaitServing();
    }

    /** Says what berlin complained of, for those who look for the reason of a failure. */
    void complaints(PrintWriter out) throws IOException {
        List<String> lines = process.lastWords();
        if (!lines.isEmpty()) {
            out.println("berlin said last:");
            lines.forEach(line -> out.println("  " + line));
            out.flush();
        }
    }

    /** Stops both cleanly. */
    @Override
    public void close() {
        try {
            gateway.stop();
        } finally {
            process.stop();
        }
    }
}
