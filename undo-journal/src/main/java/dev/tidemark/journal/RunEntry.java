package dev.tidemark.journal;

/**
 * A run as the manifest knows it.
 *
 * @param epoch the group's epoch at the boundary
 */
record RunEntry(Boundary boundary, int epoch, SpanDescriptor run) {}
