package dev.tidemark.gateway.catalogue;

import java.util.List;
import java.util.UUID;

/**
 * This site.
 *
 * @param listen {@code host:port}; empty when it does not listen
 * @param advertise {@code host:port} each: where peers dial it
 */
public record SiteRow(
        UUID id, String name, String listen, List<String> advertise, long createdMicros) {
    public SiteRow {
        advertise = List.copyOf(advertise);
    }
}
