package dev.tidemark.gateway.sites;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.catalogue.PeerRow;
import dev.tidemark.gateway.catalogue.SiteRow;
import dev.tidemark.gateway.pki.SiteAuthority;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.replica.link.PeerRefusedException;
import dev.tidemark.replica.link.Refusal;
import dev.tidemark.replica.link.SiteCard;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose certificates are accepted. */
final class SiteCredentialsTest {
    private static final UUID OWN = new UUID(1, 1);
    private static final UUID PEER = new UUID(2, 2);

    @TempDir private Path folder;

    private final Clock clock = Clock.systemUTC();
    private Catalogue catalogue;
    private Peers peers;
    private SiteAuthority peer;

    @BeforeEach
    void pair() throws Exception {
        catalogue = Catalogue.open(folder.resolve("catalogue.sqlite"));
        peers = new Peers(catalogue.sites());
        peer = SiteAuthority.init(folder.resolve("peer"), PEER, clock);
        peers.keep(row(peer));
    }

    @AfterEach
    void close() {
        catalogue.close();
    }

    private static SiteCard card(SiteAuthority authority) throws Exception {
        return new SiteCard(
                PEER, "peer", authority.leaf().authority().getEncoded(), List.of("a:1"));
    }

    private PeerRow row(SiteAuthority authority) throws Exception {
        return peers.row(card(authority), null, 5, true);
    }

    private SiteCredentials credentials(Clock at) {
        return new SiteCredentials(
                new SiteRow(OWN, "own", "", List.of(), 1),
                SiteAuthority.init(folder.resolve("own"), OWN, clock),
                peers,
                "1",
                at);
    }

    private void assertRefused(SiteAuthority shown, Clock at, Refusal refusal) {
        assertThatThrownBy(() -> credentials(at).verified(List.of(shown.leaf().certificate())))
                .isInstanceOfSatisfying(
                        PeerRefusedException.class,
                        e -> assertThat(e.refusal()).isEqualTo(refusal));
    }

    @Test
    void a_peers_certificate_proves_the_peer() throws Exception {
        SiteCredentials credentials = credentials(clock);
        assertThat(credentials.verified(List.of(peer.leaf().certificate()))).isEqualTo(PEER);
        assertThat(credentials.shown(PEER)).isEqualTo(peer.leaf().certificate());
    }

    @Test
    void a_site_that_is_not_paired_is_unknown() {
        SiteAuthority stranger =
                SiteAuthority.init(folder.resolve("stranger"), new UUID(3, 3), clock);
        assertRefused(stranger, clock, Refusal.UNKNOWN_SITE);
    }

    @Test
    void a_stranger_that_names_itself_like_a_peer_is_unknown() {
        SiteAuthority stranger = SiteAuthority.init(folder.resolve("stranger"), PEER, clock);
        assertRefused(stranger, clock, Refusal.UNKNOWN_SITE);
    }

    @Test
    void a_certificate_whose_time_is_over_or_has_not_begun_is_refused() {
        assertRefused(peer, Clock.offset(clock, Duration.ofDays(31)), Refusal.EXPIRED);
        assertRefused(peer, Clock.offset(clock, Duration.ofDays(-1)), Refusal.EXPIRED);
    }

    @Test
    void a_revoked_certificate_is_refused_after_a_restart_too() {
        peers.revoke(PEER, peer.leaf().serial());
        peers = new Peers(catalogue.sites());
        assertRefused(peer, clock, Refusal.REVOKED);
    }

    @Test
    void an_authority_is_no_site() {
        assertThatThrownBy(() -> credentials(clock).verified(List.of(peer.leaf().authority())))
                .isInstanceOf(PeerRefusedException.class);
    }

    @Test
    void the_identity_is_the_same_object_until_it_is_renewed() {
        SiteAuthority own = SiteAuthority.init(folder.resolve("own"), OWN, clock);
        SiteCredentials credentials =
                new SiteCredentials(
                        new SiteRow(OWN, "own", "", List.of(), 1), own, peers, "1", clock);
        var first = credentials.identity();
        assertThat(credentials.identity()).isSameAs(first);
        own.renew();
        assertThat(credentials.identity()).isNotSameAs(first);
        assertThat(credentials.identity().chain().getFirst()).isEqualTo(own.leaf().certificate());
    }

    @Test
    void a_card_with_the_id_of_a_peer_and_another_authority_is_refused() {
        SiteAuthority stranger = SiteAuthority.init(folder.resolve("stranger"), PEER, clock);
        assertThatThrownBy(() -> row(stranger))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("with another authority");
    }

    @Test
    void addresses_and_names_from_a_peer_are_made_harmless() throws Exception {
        SiteCard card =
                new SiteCard(
                        new UUID(9, 9),
                        "two\nlines",
                        SiteAuthority.init(folder.resolve("x"), new UUID(9, 9), clock)
                                .leaf()
                                .authority()
                                .getEncoded(),
                        List.of("a b:1", "no-port", "host:0", "good.example:7"));
        PeerRow row = peers.row(card, null, 1, true);
        assertThat(row.addresses()).containsExactly("good.example:7");
        assertThat(row.name()).isEqualTo("site-00000000");
        assertThat(row.calls()).isEqualTo("two?lines");
    }
}
