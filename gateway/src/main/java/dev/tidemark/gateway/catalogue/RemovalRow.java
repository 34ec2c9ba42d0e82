package dev.tidemark.gateway.catalogue;

import java.util.UUID;

/**
 * That a copy at a peer is to be deleted there.
 *
 * @param name of the group, which may be gone here
 * @param tenure the newest that this site knew of
 */
public record RemovalRow(UUID group, String name, UUID peer, int tenure, long startedMicros) {}
