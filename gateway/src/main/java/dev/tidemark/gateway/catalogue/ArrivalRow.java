package dev.tidemark.gateway.catalogue;

import java.util.UUID;

/**
 * A copy whose images come from another site: it has a directory and is no group yet.
 *
 * @param name what the group will be called here
 * @param peer where it comes from
 */
public record ArrivalRow(UUID group, String name, UUID peer, long startedMicros) {}
