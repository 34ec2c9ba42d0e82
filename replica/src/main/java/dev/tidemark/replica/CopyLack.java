package dev.tidemark.replica;

/**
 * What a copy may lack, by what was written where since the newest record that it is known to have.
 *
 * @param sinceMicros time of that record, or a little earlier
 * @param dirtyBytes of blocks of 64 KiB with changes that were folded; all of the volumes when
 *     nobody knows
 * @param lost why nobody knows, so that all has to be compared; empty when it is known
 */
public record CopyLack(long sinceMicros, long dirtyBytes, String lost) {}
