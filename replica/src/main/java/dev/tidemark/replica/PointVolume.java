package dev.tidemark.replica;

/** A volume as it was at a point in time: its size may differ from today's. */
public record PointVolume(int id, String name, long sizeBytes) {}
