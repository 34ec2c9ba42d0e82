package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two gateways as processes, paired and connected by the command line. Paris does not listen: all
 * links are dialled from there, through a proxy that keeps what it sees.
 */
final class SitePairingIT {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** A heartbeat a second, and as much again for the machine. */
    private static final Duration HEARTBEAT = Duration.ofSeconds(2);

    private static final String MARKER = "marker-of-a-group";

    private GatewayProcess berlin;
    private GatewayProcess paris;
    private RecordingProxy proxy;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        InetSocketAddress listen = GatewayProcess.freeAddress();
        proxy = new RecordingProxy(listen);
        berlin = new GatewayProcess(scratch.resolve("berlin")).start();
        paris = new GatewayProcess(scratch.resolve("paris")).start();
        Sites.run(
                berlin,
                "site",
                "init",
                "--name",
                "berlin",
                "--listen",
                "127.0.0.1:" + listen.getPort(),
                "--advertise",
                proxy.address());
        Sites.run(paris, "site", "init", "--name", "paris");
    }

    @AfterEach
    void stop() throws Exception {
        berlin.close();
        paris.close();
        proxy.close();
    }

    private String token(String valid) throws Exception {
        String made = berlin.api().post("/api/v1/site/invitations", new Requests.InviteSite(valid));
        return Json.MAPPER.readTree(made).path("token").asText();
    }

    private void pair() throws Exception {
        Sites.run(paris, "site", "pair", token("10m"), "--name", "capital");
        awaitConnected(LIMIT);
    }

    private void awaitConnected(Duration limit) throws Exception {
        Await.until(
                "both sites to be connected",
                limit,
                () -> Sites.connected(paris, "capital") && Sites.connected(berlin, "paris"));
    }

    @Test
    void two_sites_pair_and_list_each_other_and_nothing_readable_crosses_the_wire()
            throws Exception {
        Sites.run(berlin, "group", "create", MARKER);
        berlin.api().createVolume("disk", 1 << 20, MARKER);
        String invitation = Sites.run(berlin, "site", "invite").lines().findFirst().orElse("");
        assertThat(invitation).startsWith("tmk1.");
        Sites.run(paris, "site", "pair", invitation, "--name", "capital");
        awaitConnected(LIMIT);

        assertThat(Sites.run(paris, "site", "list")).contains("capital", "connected");
        assertThat(Sites.run(berlin, "site", "list")).contains("paris", "connected");
        assertThat(Sites.run(paris, "site", "show", "capital")).contains(MARKER, "disk");
        assertThat(Sites.peer(berlin, "paris").path("dialled").asBoolean()).isFalse();
        assertThat(Sites.peer(paris, "capital").path("dialled").asBoolean()).isTrue();
        assertThat(paris.api().metric("tidemark_site_link_up", "peer=\"capital\"")).isOne();
        assertThat(proxy.bytes()).isGreaterThan(1000);
        assertThat(proxy.saw(MARKER)).isFalse();
        assertThat(proxy.saw("TLNK")).isFalse();
    }

    @Test
    void tokens_that_are_wrong_used_or_over_pair_nobody() throws Exception {
        String used = token("10m");
        Sites.run(paris, "site", "pair", used);
        Sites.run(paris, "site", "unpair", "berlin", "--force");
        assertThat(Sites.refused(paris, "site", "pair", used))
                .contains("make a new invitation there");

        String wrong = Tokens.withOtherSecret(token("10m"));
        assertThat(Sites.refused(paris, "site", "pair", wrong))
                .contains("make a new invitation there");

        String over = token("1s");
        Await.until(
                "the invitation to be over",
                LIMIT,
                () -> berlin.api().tree("/api/v1/site").path("invitations").asInt() == 1);
        assertThat(Sites.refused(paris, "site", "pair", over)).contains("has expired");
        assertThat(Sites.refused(paris, "site", "pair", Tokens.withLaterEnd(over)))
                .contains("make a new invitation there");

        assertThat(paris.api().tree("/api/v1/site/peers")).isEmpty();
    }

    @Test
    void a_token_of_another_authority_is_found_out_before_anything_is_sent() throws Exception {
        String other = Tokens.withOtherFingerprint(token("10m"));
        Sites.refused(paris, "site", "pair", other);
        assertThat(berlin.api().tree("/api/v1/site/peers")).isEmpty();
    }

    @Test
    void a_revoked_certificate_is_refused_within_a_heartbeat_and_a_new_one_is_not()
            throws Exception {
        pair();
        String serial = Sites.peer(berlin, "paris").path("certificate").path("serial").asText();
        Sites.run(berlin, "site", "revoke", "paris", "--certificate", serial);
        Await.until("the link to end", HEARTBEAT, () -> !Sites.connected(berlin, "paris"));
        Await.until(
                "paris to know why",
                LIMIT,
                () -> Sites.peer(paris, "capital").path("reason").asText().contains("is revoked"));

        Sites.run(paris, "site", "renew");
        awaitConnected(Duration.ofSeconds(40)); // refused peers are dialled at the slowest pace
    }

    @Test
    void a_renewal_keeps_the_link_and_is_used_by_the_next_one() throws Exception {
        pair();
        String since = Sites.peer(paris, "capital").path("since").asText();
        Sites.run(berlin, "site", "renew");
        Sites.run(paris, "site", "renew");
        Sites.run(paris, "site", "show", "capital");
        assertThat(Sites.peer(paris, "capital").path("since").asText()).isEqualTo(since);

        berlin.stop();
        berlin.start();
        awaitConnected(LIMIT);
        assertThat(Sites.peer(berlin, "paris").path("certificate").path("serial").asText())
                .isEqualTo(
                        paris.api()
                                .tree("/api/v1/site")
                                .path("certificate")
                                .path("serial")
                                .asText());
    }

    @Test
    void a_restart_of_either_brings_the_link_back() throws Exception {
        pair();
        berlin.kill();
        berlin.start();
        awaitConnected(LIMIT);
        paris.kill();
        paris.start();
        awaitConnected(LIMIT);
    }

    @Test
    void unpairing_is_told_to_the_other_side() throws Exception {
        pair();
        Sites.run(berlin, "site", "unpair", "paris");
        assertThat(berlin.api().tree("/api/v1/site/peers")).isEmpty();
        Await.until(
                "paris to forget", LIMIT, () -> paris.api().tree("/api/v1/site/peers").isEmpty());
    }

    /** Tokens that were changed on the way. */
    private static final class Tokens {
        private static final int EXPIRY = 0;
        private static final int SECRET = 8;
        private static final int FINGERPRINT = 24;

        static String withOtherSecret(String token) {
            return with(token, SECRET);
        }

        static String withOtherFingerprint(String token) {
            return with(token, FINGERPRINT);
        }

        /** Its fourth byte: half a year later. */
        static String withLaterEnd(String token) {
            return with(token, EXPIRY + 3);
        }

        private static String with(String token, int offset) {
            byte[] bytes = java.util.Base64.getUrlDecoder().decode(token.substring(5));
            bytes[offset]++;
            return "tmk1."
                    + java.util.Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        }
    }
}
