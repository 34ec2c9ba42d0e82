package dev.tidemark.replica;

import java.util.UUID;

/**
 * Where a copy begins.
 *
 * @param position the source's record that its images show
 * @param tenure in force at the source
 * @param source the source's site
 */
public record StandbyStart(StreamPosition position, int tenure, UUID source) {}
