package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.ArrivalRow;
import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.catalogue.GroupRow;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Copies of other sites' groups that are being made here: kept in memory as the catalogue has them,
 * which only this class changes. Thread-safe; a change is durable when its method returns.
 */
final class Arrivals {
    private final Catalogue catalogue;
    private final Map<UUID, ArrivalRow> rows = new ConcurrentHashMap<>();

    Arrivals(Catalogue catalogue) {
        this.catalogue = catalogue;
        catalogue.protections().arrivals().forEach(row -> rows.put(row.group(), row));
    }

    /** By name. */
    List<ArrivalRow> all() {
        return rows.values().stream().sorted(Comparator.comparing(ArrivalRow::name)).toList();
    }

    Optional<ArrivalRow> of(UUID group) {
        return Optional.ofNullable(rows.get(group));
    }

    void add(ArrivalRow row) {
        catalogue.protections().addArrival(row);
        rows.put(row.group(), row);
    }

    /** It is a group from now on. */
    void arrived(GroupRow group) {
        catalogue.arrived(group);
        rows.remove(group.id());
    }

    void remove(UUID group) {
        catalogue.protections().removeArrival(group);
        rows.remove(group);
    }
}
