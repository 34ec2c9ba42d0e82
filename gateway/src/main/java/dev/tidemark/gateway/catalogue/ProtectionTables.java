package dev.tidemark.gateway.catalogue;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Which groups are copied where, and which are changing sites, in the catalogue. Thread-safe; every
 * change is durable when its method returns.
 */
public final class ProtectionTables {
    static final List<String> SCHEMA =
            List.of(
                    """
                    CREATE TABLE protections (
                        group_id TEXT NOT NULL,
                        peer TEXT NOT NULL,
                        created_micros INTEGER NOT NULL,
                        paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
                        known INTEGER NOT NULL,
                        limit_bytes INTEGER NOT NULL,
                        PRIMARY KEY (group_id, peer)
                    ) STRICT, WITHOUT ROWID\
                    """,
                    """
                    CREATE TABLE peer_limits (
                        peer TEXT PRIMARY KEY,
                        limit_bytes INTEGER NOT NULL
                    ) STRICT\
                    """,
                    """
                    CREATE TABLE arrivals (
                        group_id TEXT PRIMARY KEY,
                        name TEXT NOT NULL UNIQUE,
                        peer TEXT NOT NULL,
                        started_micros INTEGER NOT NULL
                    ) STRICT\
                    """,
                    """
                    CREATE TABLE handovers (
                        group_id TEXT PRIMARY KEY,
                        peer TEXT NOT NULL,
                        phase TEXT NOT NULL,
                        tenure INTEGER NOT NULL,
                        point TEXT NOT NULL,
                        policy TEXT NOT NULL,
                        after_millis INTEGER NOT NULL,
                        deadline_micros INTEGER,
                        started_micros INTEGER NOT NULL
                    ) STRICT\
                    """);

    /** Version 2 of these tables: copies that are to be deleted. */
    static final List<String> REMOVALS =
            List.of(
                    """
                    CREATE TABLE removals (
                        group_id TEXT NOT NULL,
                        name TEXT NOT NULL,
                        peer TEXT NOT NULL,
                        tenure INTEGER NOT NULL,
                        started_micros INTEGER NOT NULL,
                        PRIMARY KEY (group_id, peer)
                    ) STRICT, WITHOUT ROWID\
                    """);

    private final Database database;

    ProtectionTables(Database database) {
        this.database = database;
    }

    public List<ProtectionRow> protections() {
        return database.query(
                "SELECT * FROM protections ORDER BY created_micros, peer",
                ProtectionTables::protection);
    }

    private static ProtectionRow protection(ResultSet row) throws SQLException {
        return new ProtectionRow(
                UUID.fromString(row.getString("group_id")),
                UUID.fromString(row.getString("peer")),
                row.getLong("created_micros"),
                row.getInt("paused") == 1,
                row.getLong("known"),
                row.getLong("limit_bytes"));
    }

    /** Writes a protection down; the one of this group and peer is replaced. */
    public void keep(ProtectionRow row) {
        database.update(
                "INSERT OR REPLACE INTO protections VALUES (?, ?, ?, ?, ?, ?)",
                row.group().toString(),
                row.peer().toString(),
                row.createdMicros(),
                row.paused() ? 1 : 0,
                row.known(),
                row.limitBytes());
    }

    public void removeProtection(UUID group, UUID peer) {
        database.update(
                "DELETE FROM protections WHERE group_id = ? AND peer = ?",
                group.toString(),
                peer.toString());
    }

    /** What is sent a second at most over the link to each peer that has a limit. */
    public Map<UUID, Long> peerLimits() {
        Map<UUID, Long> limits = new HashMap<>();
        database.query(
                        "SELECT peer, limit_bytes FROM peer_limits",
                        row ->
                                Map.entry(
                                        UUID.fromString(row.getString("peer")),
                                        row.getLong("limit_bytes")))
                .forEach(entry -> limits.put(entry.getKey(), entry.getValue()));
        return limits;
    }

    /** Limits the link to a peer; 0 for no limit. */
    public void keepPeerLimit(UUID peer, long limitBytes) {
        if (limitBytes == 0) {
            database.update("DELETE FROM peer_limits WHERE peer = ?", peer.toString());
        } else {
            database.update(
                    "INSERT OR REPLACE INTO peer_limits VALUES (?, ?)",
                    peer.toString(),
                    limitBytes);
        }
    }

    /** Copies that are being made here. */
    public List<ArrivalRow> arrivals() {
        return database.query(
                "SELECT * FROM arrivals ORDER BY name",
                row ->
                        new ArrivalRow(
                                UUID.fromString(row.getString("group_id")),
                                row.getString("name"),
                                UUID.fromString(row.getString("peer")),
                                row.getLong("started_micros")));
    }

    public void addArrival(ArrivalRow row) {
        database.update(
                "INSERT INTO arrivals VALUES (?, ?, ?, ?)",
                row.group().toString(),
                row.name(),
                row.peer().toString(),
                row.startedMicros());
    }

    public void removeArrival(UUID group) {
        database.update("DELETE FROM arrivals WHERE group_id = ?", group.toString());
    }

    /** Copies at peers that are to be deleted there, oldest first. */
    public List<RemovalRow> removals() {
        return database.query(
                "SELECT * FROM removals ORDER BY started_micros, peer",
                row ->
                        new RemovalRow(
                                UUID.fromString(row.getString("group_id")),
                                row.getString("name"),
                                UUID.fromString(row.getString("peer")),
                                row.getInt("tenure"),
                                row.getLong("started_micros")));
    }

    /** Writes down that a copy is to be deleted, and is kept up no longer. */
    public void remove(RemovalRow row) {
        database.transaction(() -> {
            removeProtection(row.group(), row.peer());
            return database.update(
                    "INSERT OR REPLACE INTO removals VALUES (?, ?, ?, ?, ?)",
                    row.group().toString(),
                    row.name(),
                    row.peer().toString(),
                    row.tenure(),
                    row.startedMicros());
        });
    }

    public void removeRemoval(UUID group, UUID peer) {
        database.update(
                "DELETE FROM removals WHERE group_id = ? AND peer = ?",
                group.toString(),
                peer.toString());
    }

    public List<HandoverRow> handovers() {
        return database.query("SELECT * FROM handovers", ProtectionTables::handover);
    }

    private static HandoverRow handover(ResultSet row) throws SQLException {
        @Nullable Long deadline =
                row.getObject("deadline_micros") == null
                        ? null
                        : (Long) row.getLong("deadline_micros");
        return new HandoverRow(
                UUID.fromString(row.getString("group_id")),
                UUID.fromString(row.getString("peer")),
                HandoverRow.Phase.valueOf(row.getString("phase")),
                row.getInt("tenure"),
                row.getString("point"),
                row.getString("policy"),
                row.getLong("after_millis"),
                deadline,
                row.getLong("started_micros"));
    }

    /** Writes down how a group changes sites; what was written of this group is replaced. */
    public void keep(HandoverRow row) {
        database.update(
                "INSERT OR REPLACE INTO handovers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row.group().toString(),
                row.peer().toString(),
                row.phase().name(),
                row.tenure(),
                row.point(),
                row.policy(),
                row.afterMillis(),
                row.deadlineMicros(),
                row.startedMicros());
    }

    public void removeHandover(UUID group) {
        database.update("DELETE FROM handovers WHERE group_id = ?", group.toString());
    }
}
