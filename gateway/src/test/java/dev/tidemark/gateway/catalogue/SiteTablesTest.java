package dev.tidemark.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.problem.ProblemException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SiteTablesTest {
    private static final UUID PEER = new UUID(5, 6);

    @TempDir private Path folder;

    private Catalogue open() {
        return Catalogue.open(folder.resolve("catalogue.sqlite"));
    }

    private static PeerRow peer(UUID id, String name) {
        return new PeerRow(
                id,
                name,
                "calls",
                new byte[] {1, 2},
                List.of("a:1", "[::1]:2"),
                7,
                false,
                true,
                Set.of("1f", "2e"));
    }

    @Test
    void site_peers_and_invitations_are_there_after_a_reopen() {
        SiteRow site = new SiteRow(new UUID(1, 2), "berlin", "a:1", List.of("b:2", "c:3"), 9);
        try (Catalogue catalogue = open()) {
            catalogue.sites().keepSite(site);
            catalogue.sites().keepPeer(peer(PEER, "paris"));
            catalogue.sites().addInvitation(new InvitationRow(-3, new byte[] {4}, 8));
        }
        try (Catalogue catalogue = open()) {
            assertThat(catalogue.sites().site()).contains(site);
            assertThat(catalogue.sites().peers())
                    .usingRecursiveComparison()
                    .isEqualTo(List.of(peer(PEER, "paris")));
            assertThat(catalogue.sites().invitations())
                    .usingRecursiveComparison()
                    .isEqualTo(List.of(new InvitationRow(-3, new byte[] {4}, 8)));
        }
    }

    @Test
    void an_invitation_is_used_once() {
        try (Catalogue catalogue = open()) {
            SiteTables sites = catalogue.sites();
            sites.addInvitation(new InvitationRow(3, new byte[16], 8));
            assertThat(sites.acceptPeer(3, peer(PEER, "paris"))).isTrue();
            assertThat(sites.acceptPeer(3, peer(new UUID(7, 7), "rome"))).isFalse();
            assertThat(sites.peers()).extracting(PeerRow::name).containsExactly("paris");
        }
    }

    @Test
    void a_peer_that_cannot_be_written_down_uses_no_invitation_up() {
        try (Catalogue catalogue = open()) {
            SiteTables sites = catalogue.sites();
            sites.keepPeer(peer(PEER, "paris"));
            sites.addInvitation(new InvitationRow(3, new byte[16], 8));
            assertThatThrownBy(() -> sites.acceptPeer(3, peer(new UUID(7, 7), "paris")))
                    .isInstanceOf(ProblemException.class);
            assertThat(sites.invitations()).hasSize(1);
            assertThat(sites.peers()).hasSize(1);
        }
    }

    @Test
    void what_was_revoked_of_a_peer_goes_with_it() {
        try (Catalogue catalogue = open()) {
            catalogue.sites().keepPeer(peer(PEER, "paris"));
            catalogue.sites().removePeer(PEER);
            catalogue
                    .sites()
                    .keepPeer(
                            new PeerRow(
                                    PEER,
                                    "paris",
                                    "",
                                    new byte[0],
                                    List.of(),
                                    1,
                                    true,
                                    false,
                                    Set.of()));
            assertThat(catalogue.sites().peers().getFirst().revoked()).isEmpty();
        }
    }

    @Test
    void a_catalogue_of_the_version_before_is_brought_up() throws Exception {
        open().close();
        try (Connection connection =
                        DriverManager.getConnection(
                                "jdbc:sqlite:" + folder.resolve("catalogue.sqlite"));
                Statement statement = connection.createStatement()) {
            for (String table :
                    List.of(
                            "revoked_certificates",
                            "peers",
                            "site",
                            "invitations",
                            "protections",
                            "peer_limits",
                            "arrivals",
                            "handovers",
                            "removals")) {
                statement.execute("DROP TABLE " + table);
            }
            statement.execute("PRAGMA user_version = 3");
        }
        try (Catalogue catalogue = open()) {
            assertThat(catalogue.sites().peers()).isEmpty();
        }
    }
}
