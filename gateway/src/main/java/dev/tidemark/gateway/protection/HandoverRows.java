package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.catalogue.ProtectionTables;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Group;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Which groups are changing sites, as the catalogue has it. Thread-safe. */
final class HandoverRows {
    private final ProtectionTables tables;
    private final Map<UUID, HandoverRow> rows = new ConcurrentHashMap<>();

    HandoverRows(ProtectionTables tables) {
        this.tables = tables;
    }

    /** What is known of a group's handover. */
    Optional<HandoverRow> of(UUID group) {
        return Optional.ofNullable(rows.get(group));
    }

    /** What an earlier process left. */
    List<HandoverRow> kept() {
        return tables.handovers();
    }

    /** What an earlier process left is known from now on. */
    void adopt(HandoverRow row) {
        rows.put(row.group(), row);
    }

    /** Durable when it returns. */
    void keep(HandoverRow row) {
        tables.keep(row);
        rows.put(row.group(), row);
    }

    void end(UUID group) {
        tables.removeHandover(group);
        rows.remove(group);
    }

    /** The group has left for good, or stays for good. */
    void endLeaving(@Nullable HandoverRow row) {
        if (row != null && row.phase() == Phase.LEAVING) {
            end(row.group());
        }
    }

    /** Another site has the group: what was taken over cannot be given back any more. */
    void endTaken(UUID group) {
        HandoverRow row = rows.get(group);
        if (row != null && row.phase() == Phase.TAKEN) {
            end(group);
        }
    }

    /** Writes down that something begins, unless something is going on. */
    synchronized void begin(Group group, HandoverRow row) {
        requireNone(group);
        keep(row);
    }

    /** Refuses what cannot be done while a group changes sites. */
    void requireNone(Group group) {
        HandoverRow before = rows.get(group.row().id());
        if (before != null) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "group " + group.name() + " is changing sites already",
                            GroupDocuments.text(before.phase()),
                            null,
                            before.phase() == Phase.TAKEN
                                    ? "commit or roll back first: tidemark failover --group "
                                            + group.name()
                                            + " --commit"
                                    : "see tidemark group show " + group.name()));
        }
    }
}
