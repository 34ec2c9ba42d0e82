package dev.tidemark.gateway.catalogue;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * This site, its peers and its invitations, in the catalogue. Thread-safe; every change is durable
 * when its method returns.
 */
public final class SiteTables {
    /** Between addresses; no address has one. */
    private static final String SEPARATOR = " ";

    static final List<String> SCHEMA =
            List.of(
                    """
                    CREATE TABLE site (
                        one INTEGER PRIMARY KEY CHECK (one = 1),
                        id TEXT NOT NULL,
                        name TEXT NOT NULL,
                        listen TEXT NOT NULL,
                        advertise TEXT NOT NULL,
                        created_micros INTEGER NOT NULL
                    ) STRICT\
                    """,
                    """
                    CREATE TABLE peers (
                        id TEXT PRIMARY KEY,
                        name TEXT NOT NULL UNIQUE,
                        calls TEXT NOT NULL,
                        authority BLOB NOT NULL,
                        addresses TEXT NOT NULL,
                        paired_micros INTEGER NOT NULL,
                        confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
                        refused INTEGER NOT NULL CHECK (refused IN (0, 1))
                    ) STRICT\
                    """,
                    """
                    CREATE TABLE revoked_certificates (
                        peer TEXT NOT NULL REFERENCES peers (id) ON DELETE CASCADE,
                        serial TEXT NOT NULL,
                        PRIMARY KEY (peer, serial)
                    ) STRICT, WITHOUT ROWID\
                    """,
                    """
                    CREATE TABLE invitations (
                        secret_id INTEGER PRIMARY KEY,
                        secret BLOB NOT NULL,
                        expires_micros INTEGER NOT NULL
                    ) STRICT\
                    """);

    private final Database database;

    SiteTables(Database database) {
        this.database = database;
    }

    /** This site, when it has been made. */
    public Optional<SiteRow> site() {
        return database
                .query(
                        "SELECT * FROM site",
                        row ->
                                new SiteRow(
                                        UUID.fromString(row.getString("id")),
                                        row.getString("name"),
                                        row.getString("listen"),
                                        split(row.getString("advertise")),
                                        row.getLong("created_micros")))
                .stream()
                .findFirst();
    }

    /** Makes this site, or changes how it is called and reached. */
    public void keepSite(SiteRow row) {
        database.update(
                "INSERT OR REPLACE INTO site VALUES (1, ?, ?, ?, ?, ?)",
                row.id().toString(),
                row.name(),
                row.listen(),
                String.join(SEPARATOR, row.advertise()),
                row.createdMicros());
    }

    /** All peers, by name. */
    public List<PeerRow> peers() {
        return database.query("SELECT * FROM peers ORDER BY name", this::peer);
    }

    private PeerRow peer(ResultSet row) throws SQLException {
        String id = row.getString("id");
        return new PeerRow(
                UUID.fromString(id),
                row.getString("name"),
                row.getString("calls"),
                row.getBytes("authority"),
                split(row.getString("addresses")),
                row.getLong("paired_micros"),
                row.getInt("confirmed") == 1,
                row.getInt("refused") == 1,
                Set.copyOf(
                        database.query(
                                "SELECT serial FROM revoked_certificates WHERE peer = ?",
                                revoked -> revoked.getString("serial"),
                                id)));
    }

    /** Writes a peer down; one with this id is replaced. */
    public void keepPeer(PeerRow row) {
        database.transaction(() -> insert(row));
    }

    /**
     * Uses an invitation up and writes the peer down, both or neither; returns false, and changes
     * nothing, when there is no such invitation.
     */
    public boolean acceptPeer(long secretId, PeerRow row) {
        return database.transaction(() -> {
            if (database.update("DELETE FROM invitations WHERE secret_id = ?", secretId) == 0) {
                return false;
            }
            insert(row);
            return true;
        });
    }

    private int insert(PeerRow row) {
        String id = row.id().toString();
        database.update("DELETE FROM peers WHERE id = ?", id);
        int inserted =
                database.update(
                        "INSERT INTO peers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        id,
                        row.name(),
                        row.calls(),
                        row.authority(),
                        String.join(SEPARATOR, row.addresses()),
                        row.pairedMicros(),
                        row.confirmed() ? 1 : 0,
                        row.refused() ? 1 : 0);
        row.revoked()
                .forEach(serial ->
                        database.update(
                                "INSERT INTO revoked_certificates VALUES (?, ?)", id, serial));
        return inserted;
    }

    /** Forgets a peer and what was revoked of it. */
    public void removePeer(UUID id) {
        database.update("DELETE FROM peers WHERE id = ?", id.toString());
    }

    /** All invitations, those that are over too. */
    public List<InvitationRow> invitations() {
        return database.query(
                "SELECT * FROM invitations",
                row ->
                        new InvitationRow(
                                row.getLong("secret_id"),
                                row.getBytes("secret"),
                                row.getLong("expires_micros")));
    }

    public void addInvitation(InvitationRow row) {
        database.update(
                "INSERT INTO invitations VALUES (?, ?, ?)",
                row.secretId(),
                row.secret(),
                row.expiresMicros());
    }

    public void removeInvitation(long secretId) {
        database.update("DELETE FROM invitations WHERE secret_id = ?", secretId);
    }

    private static List<String> split(String text) {
        return text.isEmpty() ? List.of() : List.of(text.split(SEPARATOR, -1));
    }
}
