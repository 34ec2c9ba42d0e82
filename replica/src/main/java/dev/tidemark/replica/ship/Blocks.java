package dev.tidemark.replica.ship;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Blocks of 64 KiB and their hashes (SHA-256), by which two sites compare what both have. */
final class Blocks {
    static final int BLOCK_BYTES = 64 << 10;
    static final int HASH_BYTES = 32;

    private Blocks() {}

    static int count(long lengthBytes) {
        return Math.toIntExact((lengthBytes + BLOCK_BYTES - 1) / BLOCK_BYTES);
    }

    /** Length of a block of a range that begins at one: all but the last are whole. */
    static int length(int block, long rangeBytes) {
        return (int) Math.min(BLOCK_BYTES, rangeBytes - (long) block * BLOCK_BYTES);
    }

    static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException("every Java has SHA-256", missing);
        }
    }

    /** The hash of bytes of a buffer, whose indexes stay where they are. */
    static byte[] hash(MessageDigest digest, ByteBuf bytes, int index, int length) {
        for (ByteBuffer part : bytes.nioBuffers(index, length)) {
            digest.update(part);
        }
        return digest.digest();
    }

    static boolean isZero(ByteBuf bytes, int index, int length) {
        int end = index + length;
        int at = index;
        while (at + Long.BYTES <= end) {
            if (bytes.getLong(at) != 0) {
                return false;
            }
            at += Long.BYTES;
        }
        while (at < end) {
            if (bytes.getByte(at++) != 0) {
                return false;
            }
        }
        return true;
    }
}
