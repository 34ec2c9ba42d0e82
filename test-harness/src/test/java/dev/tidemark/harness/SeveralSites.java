package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Any number of gateways as processes, each paired with each. A site is dialled by those before it,
 * through a network of its own that can be cut: the first one only dials. Not thread-safe, but for
 * the gateways.
 */
final class SeveralSites implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(60);

    private final Map<String, GatewayProcess> gateways = new LinkedHashMap<>();
    private final Map<String, ChaosProxy> networks = new LinkedHashMap<>();

    private SeveralSites() {}

    /** Starts and pairs them; everything they keep and print lies below scratch. */
    static SeveralSites start(Path scratch, String... names) throws Exception {
        SeveralSites sites = new SeveralSites();
        try {
            for (String name : names) {
                sites.add(scratch.resolve(name), name);
            }
            sites.awaitConnected();
            return sites;
        } catch (Exception | AssertionError e) {
            sites.close();
            throw e;
        }
    }

    private void add(Path home, String name) throws Exception {
        GatewayProcess gateway =
                new GatewayProcess(home)
                        .set("site.name", GatewayProcess.quoted(name))
                        .set("journal.storage_unit", GatewayProcess.quoted("8MiB"));
        if (!gateways.isEmpty()) {
            InetSocketAddress listen = GatewayProcess.freeAddress();
            ChaosProxy network = new ChaosProxy();
            networks.put(name, network);
            InetSocketAddress dialled =
                    network.route(listen.getAddress(), listen, ChaosProxy.Way.THERE);
            gateway.set("site.listen", GatewayProcess.quoted(GatewayProcess.text(listen)))
                    .set(
                            "site.advertise",
                            "[" + GatewayProcess.quoted(GatewayProcess.text(dialled)) + "]");
        }
        List<GatewayProcess> earlier = List.copyOf(gateways.values());
        gateways.put(name, gateway);
        gateway.start();
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

    /** Waits until each has a link with each. */
    void awaitConnected() throws Exception {
        Await.until("all sites to be connected", LIMIT, this::connected);
    }

    private boolean connected() throws Exception {
        for (GatewayProcess gateway : gateways.values()) {
            for (var peer : gateway.api().tree("/api/v1/site/peers")) {
                if (!peer.path("state").asText().equals("connected")) {
                    return false;
                }
            }
        }
        return true;
    }

    // What a test does to them

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

    /** The process does nothing any more; its sockets stay. */
    void freeze(String name) throws Exception {
        signal("STOP", name);
    }

    /** The end of {@link #freeze}. */
    void thaw(String name) throws Exception {
        signal("CONT", name);
    }

    private void signal(String signal, String name) throws Exception {
        String pid = Long.toString(gateway(name).pid());
        assertThat(new ProcessBuilder("kill", "-" + signal, pid).start().waitFor()).isZero();
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
                () -> {
                    GroupDocument now = gateway(site).api().group(group);
                    return now.protections().stream()
                            .allMatch(copy ->
                                    copy.state().equals("shipping")
                                            && copy.acknowledgedSequence() == now.headSequence());
                });
    }

    private void await(String what, String site, String group, Await.Condition condition)
            throws Exception {
        await(what, site, group, LIMIT, condition);
    }

    /** Says what all sites printed when it does not come true. */
    private void await(
            String what, String site, String group, Duration limit, Await.Condition condition)
            throws Exception {
        try {
            Await.until(what, limit, condition);
        } catch (AssertionError late) {
            StringBuilder told = new StringBuilder();
            told.append(late.getMessage()).append(": ");
            told.append(gateway(site).api().group(group));
            for (Map.Entry<String, GatewayProcess> each : gateways.entrySet()) {
                told.append("%n%s printed:%n%s".formatted(each.getKey(), each.getValue().log()));
            }
            throw new AssertionError(told.toString(), late);
        }
    }

    @Override
    public void close() throws IOException {
        gateways.values().forEach(GatewayProcess::close);
        for (ChaosProxy network : networks.values()) {
            network.close();
        }
    }

    /** All names, in the order in which they were started. */
    List<String> names() {
        return new ArrayList<>(gateways.keySet());
    }
}
