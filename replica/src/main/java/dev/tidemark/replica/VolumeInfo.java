package dev.tidemark.replica;

/**
 * A volume of a protection group at one moment.
 *
 * @param id stable within the group, from 1, never given twice
 * @param createdSequence the volume exists in points from this sequence number on
 * @param createdMicros wall clock, microseconds since 1970
 * @param allocatedBytes disk space of the gold replica (holes excluded)
 * @param openHandles live handles open now
 */
public record VolumeInfo(
        int id,
        String name,
        long sizeBytes,
        long createdSequence,
        long createdMicros,
        long allocatedBytes,
        int openHandles) {}
