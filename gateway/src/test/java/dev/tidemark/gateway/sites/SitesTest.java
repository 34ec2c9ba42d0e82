package dev.tidemark.gateway.sites;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.wire.Requests.InitSite;
import dev.tidemark.gateway.wire.Requests.InviteSite;
import dev.tidemark.gateway.wire.Requests.PairSite;
import dev.tidemark.gateway.wire.Requests.RevokePeer;
import dev.tidemark.gateway.wire.Wire.PeerDocument;
import dev.tidemark.gateway.wire.Wire.SiteCertificateDocument;
import dev.tidemark.gateway.wire.Wire.SiteDocument;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.PairingToken;
import io.netty.buffer.Unpooled;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two sites on a fake network, told what an administrator tells them. */
final class SitesTest {
    private final SimulatedScheduler scheduler = new SimulatedScheduler(7);
    private final FakeNetwork network = new FakeNetwork(scheduler);
    private TestSite berlin;
    private TestSite paris;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        scheduler.jumpWallClock(Duration.ofDays(20_000).toSeconds() * 1_000_000);
        berlin = new TestSite(Files.createDirectory(folder.resolve("b")), scheduler, network);
        paris = new TestSite(Files.createDirectory(folder.resolve("p")), scheduler, network);
        berlin.sites.init(new InitSite("berlin", "127.0.0.1:7118", null));
        paris.sites.init(new InitSite("paris", null, null));
    }

    @AfterEach
    void stop() {
        berlin.close();
        paris.close();
    }

    private String token() {
        return berlin.sites.invite(new InviteSite(null)).token();
    }

    private void pair() {
        paris.sites.pair(new PairSite(token(), "capital"));
        network.beat();
    }

    private PeerDocument parisAtBerlin() {
        return berlin.sites.peer("paris");
    }

    private PeerDocument berlinAtParis() {
        return paris.sites.peer("capital");
    }

    private void pass(Duration time) {
        scheduler.jumpWallClock(time.toSeconds() * 1_000_000);
        scheduler.runFor(2_000_000_000L);
    }

    private static long alerts(TestSite site, String kind) {
        return site.alerts.counts().getOrDefault(kind, 0L);
    }

    @Test
    void a_pairing_connects_two_sites_of_which_one_is_never_dialled() {
        pair();

        assertThat(berlinAtParis().state()).isEqualTo("connected");
        assertThat(berlinAtParis().calls()).isEqualTo("berlin");
        assertThat(berlinAtParis().version()).isEqualTo("1.0-test");
        assertThat(berlinAtParis().addresses()).containsExactly("127.0.0.1:7118");
        assertThat(parisAtBerlin().state()).isEqualTo("connected");
        assertThat(parisAtBerlin().addresses()).isEmpty();
        assertThat(parisAtBerlin().confirmed()).isTrue();
        assertThat(parisAtBerlin().certificate())
                .extracting(SiteCertificateDocument::serial)
                .isEqualTo(paris.sites.site().certificate().serial());
    }

    @Test
    void a_peer_tells_its_topology() {
        pair();

        assertThat(paris.sites.topology("capital").name()).isEqualTo("berlin");
        assertThat(paris.sites.topology("capital").groups().getFirst().name()).isEqualTo("shop");
        assertThat(berlin.sites.topology("paris").site()).isEqualTo(paris.sites.site().id());
    }

    @Test
    void a_method_that_nobody_serves_is_refused_politely() {
        pair();
        UUID peer = UUID.fromString(paris.sites.site().id());

        assertThat(berlin.sites.link(peer).orElseThrow().request(9, Unpooled.EMPTY_BUFFER))
                .failsWithin(Duration.ofSeconds(1))
                .withThrowableOfType(java.util.concurrent.ExecutionException.class)
                .withCauseInstanceOf(LinkException.class)
                .withMessageContaining("not known here: method 9");
    }

    @Test
    void a_token_pairs_once() {
        String token = token();
        paris.sites.pair(new PairSite(token, null));
        paris.sites.unpair("berlin", false);

        assertThatThrownBy(() -> paris.sites.pair(new PairSite(token, null)))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("make a new invitation there");
        assertThat(paris.sites.list()).isEmpty();
    }

    @Test
    void a_token_is_over_after_its_time() {
        String token = token();
        pass(Duration.ofMinutes(11));

        assertThatThrownBy(() -> paris.sites.pair(new PairSite(token, null)))
                .hasMessageContaining("the invitation has expired");
        assertThat(berlin.sites.site().invitations()).isZero();
        assertThat(berlin.catalogue.sites().invitations()).isEmpty();
    }

    @Test
    void a_token_whose_end_was_changed_is_over_all_the_same() {
        PairingToken token = PairingToken.parse(token());
        String later =
                new PairingToken(
                                token.expirySeconds() + 3600,
                                token.secret(),
                                token.fingerprint(),
                                token.addresses())
                        .text();
        scheduler.jumpWallClock(Duration.ofMinutes(11).toSeconds() * 1_000_000);

        assertThatThrownBy(() -> paris.sites.pair(new PairSite(later, null)))
                .hasMessageContaining("make a new invitation there");
        assertThat(berlin.sites.list()).isEmpty();
    }

    @Test
    void an_invitation_outlives_a_restart() {
        String token = token();
        berlin = berlin.again();

        paris.sites.pair(new PairSite(token, null));
        assertThat(berlin.sites.list()).hasSize(1);
    }

    @Test
    void text_that_is_no_token_is_refused_without_being_repeated() {
        assertThatThrownBy(() -> paris.sites.pair(new PairSite("tmk1.c2VjcmV0", null)))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("copy it whole")
                .hasMessageNotContaining("c2VjcmV0");
    }

    @Test
    void a_site_that_does_not_listen_cannot_invite() {
        assertThatThrownBy(() -> paris.sites.invite(new InviteSite(null)))
                .hasMessageContaining("does not listen");
    }

    @Test
    void a_site_cannot_be_paired_with_itself() {
        assertThatThrownBy(() -> berlin.sites.pair(new PairSite(token(), null)))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("this is the same site");
        assertThat(berlin.sites.list()).isEmpty();
    }

    @Test
    void a_gateway_becomes_a_site_once() {
        assertThatThrownBy(() -> berlin.sites.init(new InitSite("rome", null, null)))
                .hasMessageContaining("is a site already");
    }

    @Test
    void peers_and_identity_are_there_after_a_restart_of_either() {
        pair();
        SiteDocument before = berlin.sites.site();
        berlin = berlin.again();
        paris = paris.again();
        network.beat();

        assertThat(berlin.sites.site()).isEqualTo(before);
        assertThat(berlinAtParis().state()).isEqualTo("connected");
    }

    @Test
    void a_site_that_was_not_finished_is_made_anew() throws Exception {
        TestSite rome =
                new TestSite(
                        Files.createDirectory(berlin.folder.resolve("rome")), scheduler, network);
        Files.createDirectory(rome.keys());
        Files.writeString(rome.keys().resolve("ca-key.pem"), "half");
        Files.writeString(rome.keys().resolve("site.pem"), "half");
        rome.sites.init(new InitSite("rome", null, null));
        rome = rome.again();

        assertThat(rome.sites.site().name()).isEqualTo("rome");
        rome.close();
    }

    @Test
    void the_configuration_makes_a_site_and_overrules_what_it_was_called() throws Exception {
        Path folder = Files.createDirectory(berlin.folder.resolve("oslo"));
        SiteSettings first = new SiteSettings("oslo", "127.0.0.1:9", List.of("oslo.example:9"));
        TestSite oslo = new TestSite(folder, scheduler, network, first);
        String id = oslo.sites.site().id();
        assertThat(oslo.sites.site().addresses()).containsExactly("oslo.example:9");
        oslo.close();
        oslo = new TestSite(folder, scheduler, network, new SiteSettings("bergen", "", List.of()));

        assertThat(oslo.sites.site().id()).isEqualTo(id);
        assertThat(oslo.sites.site().name()).isEqualTo("bergen");
        assertThat(oslo.sites.site().listen()).isEqualTo("127.0.0.1:9");
        oslo.close();
    }

    @Test
    void a_site_that_listens_everywhere_has_to_say_how_it_is_reached() throws Exception {
        TestSite rome =
                new TestSite(
                        Files.createDirectory(berlin.folder.resolve("rome")), scheduler, network);
        assertThatThrownBy(() -> rome.sites.init(new InitSite("rome", "0.0.0.0:7119", null)))
                .hasMessageContaining("--advertise");
        assertThatThrownBy(rome.sites::site).hasMessageContaining("tidemark site init");
        rome.close();
    }

    @Test
    void unpairing_is_told_to_the_peer() {
        pair();
        berlin.sites.unpair("paris", false);
        scheduler.runFor(1_000_000_000L);

        assertThat(berlin.sites.list()).isEmpty();
        assertThat(paris.sites.list()).isEmpty();
    }

    @Test
    void a_peer_in_use_is_unpaired_by_force_only_and_stays_at_a_side_that_uses_it() {
        pair();
        berlin.sites.uses(peer -> List.of("shop"));
        paris.sites.uses(peer -> List.of("shop"));

        assertThatThrownBy(() -> berlin.sites.unpair("paris", false))
                .hasMessageContaining("protected")
                .hasMessageContaining("shop");
        berlin.sites.unpair("paris", true);
        network.beat();
        assertThat(berlin.sites.list()).isEmpty();
        assertThat(berlinAtParis().state()).isEqualTo("refused");
        assertThat(berlinAtParis().reason()).contains("not paired");
    }

    @Test
    void a_revoked_certificate_ends_the_link_and_a_new_one_brings_it_back() {
        pair();
        String serial = paris.sites.site().certificate().serial();
        assertThat(berlin.sites.revoke("paris", new RevokePeer(serial, null)).revoked())
                .containsExactly(serial);
        network.beat();
        assertThat(parisAtBerlin().state()).isEqualTo("refused");
        assertThat(berlinAtParis().reason()).contains("is revoked").contains("site renew");

        paris.sites.renew();
        network.beat();
        assertThat(parisAtBerlin().state()).isEqualTo("connected");
    }

    @Test
    void a_peer_that_is_refused_altogether_comes_back_by_pairing_only() {
        pair();
        berlin.sites.revoke("paris", new RevokePeer(null, true));
        paris.sites.renew();
        network.beat();
        assertThat(parisAtBerlin().state()).isEqualTo("refused");

        pair();
        assertThat(parisAtBerlin().state()).isEqualTo("connected");
    }

    @Test
    void one_certificate_or_all_are_revoked_not_both_and_not_neither() {
        pair();
        for (RevokePeer wrong :
                List.of(
                        new RevokePeer(null, null),
                        new RevokePeer("1f", true),
                        new RevokePeer("xyz", null))) {
            assertThatThrownBy(() -> berlin.sites.revoke("paris", wrong))
                    .isInstanceOf(ProblemException.class);
        }
    }

    @Test
    void a_certificate_is_renewed_at_half_of_its_life_while_the_link_stays() {
        pair();
        String serial = berlin.sites.site().certificate().serial();
        pass(Duration.ofDays(14));
        assertThat(berlin.sites.site().certificate().serial()).isEqualTo(serial);

        pass(Duration.ofDays(2));
        network.beat();
        assertThat(berlin.sites.site().certificate().serial()).isNotEqualTo(serial);
        assertThat(berlinAtParis().state()).isEqualTo("connected");
    }

    @Test
    void a_certificate_that_cannot_be_renewed_is_an_alert_before_it_ends() throws Exception {
        Files.delete(berlin.keys().resolve("ca-key.pem"));
        pass(Duration.ofDays(16));
        assertThat(alerts(berlin, Alerts.SITE_CERTIFICATE_ENDS)).isZero();

        pass(Duration.ofDays(8));
        pass(Duration.ofHours(1));
        assertThat(alerts(berlin, Alerts.SITE_CERTIFICATE_ENDS)).isEqualTo(1);
    }

    @Test
    void a_peer_that_is_down_for_half_a_minute_is_an_alert_and_its_return_another() {
        pair();
        paris.close();
        scheduler.runFor(29_000_000_000L);
        assertThat(alerts(berlin, Alerts.SITE_PEER_DOWN)).isZero();
        scheduler.runFor(5_000_000_000L);
        assertThat(alerts(berlin, Alerts.SITE_PEER_DOWN)).isEqualTo(1);

        paris = new TestSite(paris.folder, scheduler, network);
        network.beat();
        scheduler.runFor(2_000_000_000L);
        assertThat(alerts(berlin, Alerts.SITE_PEER_UP)).isEqualTo(1);
    }

    @Test
    void a_pairing_that_no_link_confirms_is_forgotten() {
        paris.sites.pair(new PairSite(token(), null));
        paris.close();
        assertThat(parisAtBerlin().confirmed()).isFalse();
        pass(Duration.ofMinutes(59));
        assertThat(berlin.sites.list()).hasSize(1);

        pass(Duration.ofMinutes(2));
        assertThat(berlin.sites.list()).isEmpty();
        paris = new TestSite(paris.folder, scheduler, network);
    }

    @Test
    void two_peers_that_call_themselves_alike_get_different_names() throws Exception {
        pair();
        TestSite other =
                new TestSite(Files.createDirectory(berlin.folder.resolve("o")), scheduler, network);
        other.sites.init(new InitSite("paris", null, null));
        other.sites.pair(new PairSite(token(), null));

        assertThat(berlin.sites.list())
                .extracting(PeerDocument::name)
                .containsExactly("paris", "paris-2");
        other.close();
    }

    @Test
    void a_peers_numbers_are_measured_until_it_is_gone() {
        pair();
        scheduler.runFor(2_000_000_000L);
        assertThat(berlin.metrics.scrape())
                .contains("tidemark_site_link_up{peer=\"paris\"} 1.0")
                .contains("tidemark_site_link_sent_bytes_total{peer=\"paris\"} 20.0");

        berlin.sites.unpair("paris", false);
        scheduler.runFor(2_000_000_000L);
        assertThat(berlin.metrics.scrape()).doesNotContain("peer=\"paris\"");
    }
}
