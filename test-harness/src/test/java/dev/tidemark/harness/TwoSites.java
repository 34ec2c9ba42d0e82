package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Two paired gateways as processes: berlin listens, paris dials. Not thread-safe. */
final class TwoSites implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(60);

    final GatewayProcess berlin;
    final GatewayProcess paris;

    /** What paris dials berlin through, if that is recorded. */
    final @Nullable RecordingProxy proxy;

    private TwoSites(GatewayProcess berlin, GatewayProcess paris, @Nullable RecordingProxy proxy) {
        this.proxy = proxy;
        this.berlin = berlin;
        this.paris = paris;
    }

    /** Starts and pairs them. */
    static TwoSites start(Path scratch) throws Exception {
        return start(scratch, false);
    }

    /** The same, with all that crosses the link kept for a look. */
    static TwoSites recorded(Path scratch) throws Exception {
        return start(scratch, true);
    }

    private static TwoSites start(Path scratch, boolean recorded) throws Exception {
        InetSocketAddress listen = GatewayProcess.freeAddress();
        RecordingProxy proxy = recorded ? new RecordingProxy(listen) : null;
        String dialled = proxy == null ? "127.0.0.1:" + listen.getPort() : proxy.address();
        GatewayProcess berlin =
                new GatewayProcess(scratch.resolve("berlin"))
                        .set("site.name", GatewayProcess.quoted("berlin"))
                        .set("site.listen", GatewayProcess.quoted("127.0.0.1:" + listen.getPort()))
                        .set("site.advertise", "[" + GatewayProcess.quoted(dialled) + "]")
                        .set("journal.storage_unit", GatewayProcess.quoted("8MiB"))
                        .start();
        GatewayProcess paris =
                new GatewayProcess(scratch.resolve("paris"))
                        .set("site.name", GatewayProcess.quoted("paris"))
                        .set("journal.storage_unit", GatewayProcess.quoted("8MiB"))
                        .start();
        TwoSites sites = new TwoSites(berlin, paris, proxy);
        String made = berlin.api().post("/api/v1/site/invitations", new Requests.InviteSite("10m"));
        String token = Json.MAPPER.readTree(made).path("token").asText();
        paris.api().post("/api/v1/site/peers", new Requests.PairSite(token, null));
        sites.awaitConnected();
        return sites;
    }

    void awaitConnected() throws Exception {
        Await.until(
                "both sites to be connected",
                LIMIT,
                () -> connected(paris, "berlin") && connected(berlin, "paris"));
    }

    private static boolean connected(GatewayProcess gateway, String peer) throws Exception {
        return gateway.api()
                .tree("/api/v1/site/peers/" + peer)
                .path("state")
                .asText()
                .equals("connected");
    }

    /** Runs a command that must succeed. */
    static String run(GatewayProcess gateway, String... arguments) throws Exception {
        GatewayProcess.Outcome outcome = gateway.command(new ArrayList<>(List.of(arguments)));
        assertThat(outcome.status()).as(outcome.printed()).isZero();
        return outcome.printed();
    }

    /** Runs a command that must be refused. */
    static String refused(GatewayProcess gateway, String... arguments) throws Exception {
        GatewayProcess.Outcome outcome = gateway.command(new ArrayList<>(List.of(arguments)));
        assertThat(outcome.status()).as(outcome.printed()).isEqualTo(1);
        return outcome.printed();
    }

    /** Sends a signal, such as STOP or CONT. */
    static void signal(String signal, GatewayProcess gateway) throws Exception {
        int status =
                new ProcessBuilder("kill", "-" + signal, Long.toString(gateway.pid()))
                        .start()
                        .waitFor();
        assertThat(status).isZero();
    }

    /** Waits until the only copy of a group has all that its active site has. */
    static void awaitEven(GatewayProcess active, String group) throws Exception {
        try {
            Await.until(
                    "the copy of " + group + " to have everything",
                    LIMIT,
                    () -> isEven(active, group));
        } catch (AssertionError late) {
            throw new AssertionError(
                    late.getMessage() + ": " + active.api().group(group) + "\n" + active.log(),
                    late);
        }
    }

    private static boolean isEven(GatewayProcess active, String group) throws Exception {
        GroupDocument now = active.api().group(group);
        return now.protections().stream()
                .allMatch(copy ->
                        copy.state().equals("shipping")
                                && copy.acknowledgedSequence() == now.headSequence());
    }

    static ProtectionDocument copy(GatewayProcess active, String group) throws Exception {
        return active.api().group(group).protections().getFirst();
    }

    static void awaitRole(GatewayProcess gateway, String group, String role) throws Exception {
        try {
            Await.until(
                    group + " to be " + role,
                    LIMIT,
                    () -> gateway.api().group(group).role().equals(role));
        } catch (AssertionError late) {
            throw new AssertionError(
                    late.getMessage() + ": " + gateway.api().group(group) + "\n" + gateway.log(),
                    late);
        }
    }

    /**
     * The suffix of exports at a group's newest record. Not {@code latest}: who asks for that again
     * soon is given the same moment again.
     */
    static String newest(GatewayProcess gateway, String group) throws Exception {
        return "@seq:" + gateway.api().group(group).headSequence();
    }

    /** The SHA-256 of an export's content. */
    static String hash(GatewayProcess gateway, String export) throws Exception {
        try (NbdTestClient client = gateway.connect(export)) {
            return client.sha256();
        }
    }

    /** The tasks of a kind, newest first. */
    static JsonNode tasks(GatewayProcess gateway) throws Exception {
        return gateway.api().tree("/api/v1/tasks");
    }

    static void post(GatewayProcess gateway, String path) throws Exception {
        var _ = gateway.api().post("/api/v1" + path, Map.of());
    }

    @Override
    public void close() throws IOException {
        berlin.close();
        paris.close();
        if (proxy != null) {
            proxy.close();
        }
    }
}
