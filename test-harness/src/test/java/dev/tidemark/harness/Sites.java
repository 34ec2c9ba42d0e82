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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Gateways as processes, each paired with each, and what tests ask of such. A site is dialled by
 * those before it; the first one only dials. Not thread-safe, but for the gateways.
 */
final class Sites implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(60);

    private final Map<String, GatewayProcess> gateways = new LinkedHashMap<>();
    private final Map<String, ChaosProxy> networks = new LinkedHashMap<>();
    private @Nullable RecordingProxy recording;

    /** Where a site is dialled, of what it listens on. */
    private interface Road {
        String to(String name, InetSocketAddress listen) throws IOException;
    }

    /** Paris, and berlin, which it dials; all that they keep and print lies below scratch. */
    static Sites two(Path scratch) throws Exception {
        return new Sites().start(scratch, Sites::directly, "paris", "berlin");
    }

    /** The same, with all that crosses the link kept for a look. */
    static Sites recorded(Path scratch) throws Exception {
        Sites sites = new Sites();
        return sites.start(scratch, sites::throughRecording, "paris", "berlin");
    }

    /** Berlin, paris and oslo, with a network before each of the latter that can be cut. */
    static Sites three(Path scratch) throws Exception {
        Sites sites = new Sites();
        return sites.start(scratch, sites::throughNetwork, "berlin", "paris", "oslo");
    }

    private static String directly(String name, InetSocketAddress listen) {
        return GatewayProcess.text(listen);
    }

    private String throughRecording(String name, InetSocketAddress listen) throws IOException {
        recording = new RecordingProxy(listen);
        return recording.address();
    }

    private String throughNetwork(String name, InetSocketAddress listen) throws IOException {
        ChaosProxy network = new ChaosProxy();
        networks.put(name, network);
        return GatewayProcess.text(
                network.route(listen.getAddress(), listen, ChaosProxy.Way.THERE));
    }

    private Sites start(Path scratch, Road road, String... names) throws Exception {
        try {
            for (String name : names) {
                GatewayProcess gateway =
                        new GatewayProcess(scratch.resolve(name))
                                .set("journal.storage_unit", GatewayProcess.quoted("8MiB"));
                if (!gateways.isEmpty()) {
                    InetSocketAddress listen = GatewayProcess.freeAddress();
                    reach(gateway, listen, road.to(name, listen));
                }
                join(name, gateway);
            }
            awaitConnected(LIMIT);
            return this;
        } catch (Exception | AssertionError e) {
            close();
            throw e;
        }
    }

    /** Says where a gateway listens for other sites, and what these dial. */
    static void reach(GatewayProcess gateway, InetSocketAddress listen, String dialled) {
        gateway.set("site.listen", GatewayProcess.quoted(GatewayProcess.text(listen)))
                .set("site.advertise", "[" + GatewayProcess.quoted(dialled) + "]");
    }

    /** Starts a gateway under a name, and pairs all that are there with it. */
    void join(String name, GatewayProcess gateway) throws Exception {
        List<GatewayProcess> earlier = List.copyOf(gateways.values());
        gateways.put(name, gateway);
        gateway.set("site.name", GatewayProcess.quoted(name)).start();
        for (GatewayProcess other : earlier) {
            String made =
                    gateway.api().post("/api/v1/site/invitations", new Requests.InviteSite("10m"));
            String token = Json.MAPPER.readTree(made).path("token").asText();
            other.api().post("/api/v1/site/peers", new Requests.PairSite(token, null));
        }
    }

    GatewayProcess gateway(String name) {
        return Objects.requireNonNull(gateways.get(name), name);
    }

    GatewayProcess berlin() {
        return gateway("berlin");
    }

    GatewayProcess paris() {
        return gateway("paris");
    }

    /** All names, in the order in which they were started. */
    List<String> names() {
        return List.copyOf(gateways.keySet());
    }

    /** What all of them printed since they were last started. */
    String logs() throws IOException {
        StringBuilder told = new StringBuilder();
        for (Map.Entry<String, GatewayProcess> each : gateways.entrySet()) {
            told.append("%n%s printed:%n%s".formatted(each.getKey(), each.getValue().log()));
        }
        return told.toString();
    }

    // Links

    /** What a gateway says of another site. */
    static JsonNode peer(GatewayProcess gateway, String name) throws Exception {
        return gateway.api().tree("/api/v1/site/peers/" + name);
    }

    static boolean connected(GatewayProcess gateway, String peer) throws Exception {
        return peer(gateway, peer).path("state").asText().equals("connected");
    }

    /** How many sites say of how many others that they are connected. */
    private int connections() throws Exception {
        int count = 0;
        for (String name : gateways.keySet()) {
            for (String peer : gateways.keySet()) {
                if (!peer.equals(name) && connected(gateway(name), peer)) {
                    count++;
                }
            }
        }
        return count;
    }

    boolean anyConnected() throws Exception {
        return connections() > 0;
    }

    /** Waits until each has a link with each. */
    void awaitConnected(Duration limit) throws Exception {
        int all = gateways.size() * (gateways.size() - 1);
        Await.until("all sites to be connected", limit, () -> connections() == all);
    }

    void awaitConnected() throws Exception {
        awaitConnected(LIMIT);
    }

    /** What went over the link. */
    RecordingProxy recording() {
        return Objects.requireNonNull(recording);
    }

    /** From now on nobody reaches a site, nor it those before it. */
    void cut(String name) {
        ChaosProxy network = Objects.requireNonNull(networks.get(name), name);
        network.refuse(true);
        network.cut();
    }

    /** The end of {@link #cut}. */
    void heal(String name) {
        Objects.requireNonNull(networks.get(name), name).heal();
    }

    // One gateway

    /** Runs a command that must succeed. */
    static String run(GatewayProcess gateway, String... arguments) throws Exception {
        return run(0, gateway, arguments);
    }

    /** Runs a command that must be refused. */
    static String refused(GatewayProcess gateway, String... arguments) throws Exception {
        return run(1, gateway, arguments);
    }

    private static String run(int status, GatewayProcess gateway, String... arguments)
            throws Exception {
        GatewayProcess.Outcome outcome = gateway.command(List.of(arguments));
        assertThat(outcome.status()).as(outcome.printed()).isEqualTo(status);
        return outcome.printed();
    }

    static void post(GatewayProcess gateway, String path) throws Exception {
        var _ = gateway.api().post("/api/v1" + path, Map.of());
    }

    /** Sends a signal, such as STOP or CONT. */
    static void signal(String signal, GatewayProcess gateway) throws Exception {
        String pid = Long.toString(gateway.pid());
        assertThat(new ProcessBuilder("kill", "-" + signal, pid).start().waitFor()).isZero();
    }

    /** The tasks of a kind, newest first. */
    static JsonNode tasks(GatewayProcess gateway) throws Exception {
        return gateway.api().tree("/api/v1/tasks");
    }

    /** The process does nothing any more; its sockets stay. */
    void freeze(String name) throws Exception {
        signal("STOP", gateway(name));
    }

    /** The end of {@link #freeze}. */
    void thaw(String name) throws Exception {
        signal("CONT", gateway(name));
    }

    // Groups

    /** Makes a group with volumes of the same size. */
    void group(String site, String group, long sizeBytes, List<String> volumes) throws Exception {
        GatewayApi api = gateway(site).api();
        api.createGroup(new Requests.CreateGroup(group, null, null, null, null));
        for (String volume : volumes) {
            var _ = api.createVolume(volume, sizeBytes, group);
        }
    }

    /** Begins to copy a group from a site to others. */
    void protect(String site, String group, String... to) throws Exception {
        var _ =
                gateway(site)
                        .api()
                        .post(
                                "/api/v1/groups/" + group + "/protections",
                                new Requests.ProtectGroup(List.of(to)));
    }

    /**
     * The same, and waits until the copies are made: the past of each begins only then, so that
     * what is asked of it has to be written later.
     */
    void protectAndAwait(String site, String group, String... to) throws Exception {
        protect(site, group, to);
        for (String at : to) {
            awaitState(site, group, at, "shipping");
        }
    }

    ProtectionDocument copy(String site, String group, String at) throws Exception {
        return gateway(site).api().group(group).protections().stream()
                .filter(copy -> copy.site().equals(at))
                .findFirst()
                .orElseThrow(() -> new AssertionError(group + " of " + site + " is not at " + at));
    }

    void awaitState(String site, String group, String at, String state) throws Exception {
        await(
                "the copy of %s at %s to be %s".formatted(group, at, state),
                site,
                group,
                LIMIT,
                () -> copy(site, group, at).state().equals(state));
    }

    /** Waits until a copy has all up to a record; others of the group do not matter. */
    void awaitHas(String site, String group, String at, long sequence, Duration limit)
            throws Exception {
        await(
                "%s to have seq:%d of %s".formatted(at, sequence, group),
                site,
                group,
                limit,
                () -> copy(site, group, at).acknowledgedSequence() >= sequence);
    }

    /** Waits until all copies of a group have all that the site has; nobody writes. */
    void awaitEven(String site, String group) throws Exception {
        await(
                "the copies of " + group + " to have everything",
                site,
                group,
                LIMIT,
                () -> isEven(gateway(site), group));
    }

    /** Says what all sites printed when it does not come true. */
    private void await(
            String what, String site, String group, Duration limit, Await.Condition condition)
            throws Exception {
        try {
            Await.until(what, limit, condition);
        } catch (AssertionError late) {
            throw late(late, gateway(site), group, logs());
        }
    }

    private static AssertionError late(
            AssertionError late, GatewayProcess gateway, String group, String logs)
            throws Exception {
        return new AssertionError(
                late.getMessage() + ": " + gateway.api().group(group) + "\n" + logs, late);
    }

    /** The same where the other sites are not at hand. */
    static void awaitEven(GatewayProcess active, String group) throws Exception {
        try {
            Await.until(
                    "the copies of " + group + " to have everything",
                    LIMIT,
                    () -> isEven(active, group));
        } catch (AssertionError late) {
            throw late(late, active, group, active.log());
        }
    }

    private static boolean isEven(GatewayProcess active, String group) throws Exception {
        GroupDocument now = active.api().group(group);
        return now.protections().stream()
                .allMatch(copy ->
                        copy.state().equals("shipping")
                                && copy.acknowledgedSequence() == now.headSequence());
    }

    /** The only copy of a group. */
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
            throw late(late, gateway, group, gateway.log());
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

    @Override
    public void close() throws IOException {
        gateways.values().forEach(GatewayProcess::close);
        for (ChaosProxy network : networks.values()) {
            network.close();
        }
        if (recording != null) {
            recording.close();
        }
    }
}
