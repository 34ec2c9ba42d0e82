package dev.tidemark.journal;

/**
 * Where the bytes lie that an interval overwrote.
 *
 * @param offsetBytes where in the volume the whole entry begins
 * @param lengthBytes length of the whole entry; at most 16 KiB unless it is zeros
 * @param zero all zeros, no bytes are stored; segment, position and checksum are 0
 * @param segment undo segment of the bytes
 * @param position byte offset in that segment
 * @param checksum CRC-32C of the whole entry's bytes
 */
public record BeforeImage(
        int volume,
        long offsetBytes,
        long lengthBytes,
        boolean zero,
        long segment,
        long position,
        int checksum) {}
