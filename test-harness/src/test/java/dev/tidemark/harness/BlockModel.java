package dev.tidemark.harness;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What a disk of self-describing blocks must hold. Every write has a number of its own; a block's
 * content follows from the disk, the block and the number of its last write, so that the whole disk
 * is remembered as one number per block. Some numbers stand for trims and zeroes. A block has one
 * write in flight at most; after a crash it holds either that one or the acknowledged one before.
 *
 * <p>Threads: each block belongs to one writer; {@link #snapshot} and {@link #check} want all
 * writers at rest.
 *
 * <pre>
 *   offset size field
 *   0      4    disk number
 *   4      4    block index
 *   8      4    write number
 *   12     4    CRC-32C of the rest
 *   16     ...  64-bit words from a generator seeded with the three
 * </pre>
 */
final class BlockModel {
    static final int BLOCK_BYTES = 4096;

    private static final int HEADER_BYTES = 16;
    private static final int NEVER = 0;

    /** How a write is sent. */
    enum Kind {
        WRITE,
        ZERO,
        TRIM
    }

    /** All blocks at a moment. */
    static final class Snapshot {
        private final BlockModel disk;
        private final int[] writes;

        private Snapshot(BlockModel disk, int[] writes) {
            this.disk = disk;
            this.writes = writes;
        }

        BlockModel disk() {
            return disk;
        }

        byte[] block(int index) {
            return disk.content(index, writes[index]);
        }
    }

    private final String name;
    private final int number;
    private final @Nullable Snapshot base;
    private final int[] acknowledged;
    private final int[] sent;
    private final AtomicInteger lastWrite = new AtomicInteger(NEVER);

    /**
     * A disk that holds zeros, or the base's content.
     *
     * @param name for messages
     * @param number sets its content apart from other disks'
     */
    BlockModel(String name, int number, int blockCount, @Nullable Snapshot base) {
        this.name = name;
        this.number = number;
        this.base = base;
        acknowledged = new int[blockCount];
        sent = new int[blockCount];
    }

    String name() {
        return name;
    }

    int blockCount() {
        return sent.length;
    }

    /** A number for the next write. */
    int nextWrite() {
        return lastWrite.incrementAndGet();
    }

    static Kind kind(int write) {
        return switch (write % 16) {
            case 11 -> Kind.ZERO;
            case 13 -> Kind.TRIM;
            default -> Kind.WRITE;
        };
    }

    /**
     * The payload of a write that covers several blocks: zeros for a number that stands for zeroes.
     */
    byte[] payload(int firstBlock, int blockCount, int write) {
        ByteBuffer payload = ByteBuffer.allocate(blockCount * BLOCK_BYTES);
        for (int i = 0; i < blockCount; i++) {
            payload.put(content(firstBlock + i, write));
        }
        return payload.array();
    }

    void sent(int firstBlock, int blockCount, int write) {
        Arrays.fill(sent, firstBlock, firstBlock + blockCount, write);
    }

    void acknowledged(int firstBlock, int blockCount, int write) {
        Arrays.fill(acknowledged, firstBlock, firstBlock + blockCount, write);
    }

    /** Whether a write of the block is sent and not acknowledged. */
    boolean inFlight(int block) {
        return sent[block] != acknowledged[block];
    }

    /** The acknowledged content; nothing may be in flight. */
    Snapshot snapshot() {
        if (!Arrays.equals(sent, acknowledged)) {
            throw new IllegalStateException("writes of " + name + " are in flight");
        }
        return new Snapshot(this, acknowledged.clone());
    }

    /** The disk was set back. */
    void rolledBack(Snapshot target) {
        if (target.disk != this) {
            throw new IllegalArgumentException("a snapshot of " + target.disk.name);
        }
        System.arraycopy(target.writes, 0, acknowledged, 0, acknowledged.length);
        System.arraycopy(target.writes, 0, sent, 0, sent.length);
    }

    byte[] content(int block, int write) {
        if (write == NEVER) {
            return base == null ? new byte[BLOCK_BYTES] : base.block(block);
        }
        if (kind(write) != Kind.WRITE) {
            return new byte[BLOCK_BYTES];
        }
        ByteBuffer content = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        content.putInt(number).putInt(block).putInt(write).putInt(0);
        long state = ((long) number << 48) ^ ((long) block << 28) ^ write;
        while (content.hasRemaining()) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            content.putLong(state ^ (state >>> 31));
        }
        return content.putInt(12, checksum(content.array())).array();
    }

    private static int checksum(byte[] block) {
        CRC32C crc = new CRC32C();
        crc.update(block, HEADER_BYTES, BLOCK_BYTES - HEADER_BYTES);
        return (int) crc.getValue();
    }

    /**
     * Compares what was read with what must be there after a crash, and settles on what is there.
     *
     * @param content from this offset on, whole blocks
     */
    void settle(long offsetBytes, byte[] content) {
        for (int at = 0; at < content.length; at += BLOCK_BYTES) {
            int block = (int) ((offsetBytes + at) / BLOCK_BYTES);
            if (holds(content, at, content(block, acknowledged[block]))) {
                sent[block] = acknowledged[block];
            } else if (inFlight(block) && holds(content, at, content(block, sent[block]))) {
                acknowledged[block] = sent[block];
            } else {
                throw wrong(name, block, acknowledged[block], sent[block], content, at);
            }
        }
    }

    /** Compares what was read while writes are in flight. */
    void expectPossible(long offsetBytes, byte[] content) {
        for (int at = 0; at < content.length; at += BLOCK_BYTES) {
            int block = (int) ((offsetBytes + at) / BLOCK_BYTES);
            if (!holds(content, at, content(block, acknowledged[block]))
                    && !holds(content, at, content(block, sent[block]))) {
                throw wrong(name, block, acknowledged[block], sent[block], content, at);
            }
        }
    }

    /** Compares what was read at a point with what it was. */
    static void check(Snapshot expected, String where, long offsetBytes, byte[] content) {
        for (int at = 0; at < content.length; at += BLOCK_BYTES) {
            int block = (int) ((offsetBytes + at) / BLOCK_BYTES);
            if (!holds(content, at, expected.block(block))) {
                int write = expected.writes[block];
                throw wrong(where, block, write, write, content, at);
            }
        }
    }

    private static boolean holds(byte[] content, int at, byte[] block) {
        return Arrays.equals(content, at, at + BLOCK_BYTES, block, 0, BLOCK_BYTES);
    }

    private static AssertionError wrong(
            String where, int block, int acknowledged, int sent, byte[] content, int at) {
        byte[] found = Arrays.copyOfRange(content, at, at + BLOCK_BYTES);
        return new AssertionError(
                "%s block %d: write %d is acknowledged, %d was sent; found %s"
                        .formatted(where, block, acknowledged, sent, describe(found)));
    }

    private static String describe(byte[] block) {
        ByteBuffer fields = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
        String origin =
                "disk %d block %d write %d"
                        .formatted(fields.getInt(0), fields.getInt(4), fields.getInt(8));
        if (Arrays.equals(block, new byte[BLOCK_BYTES])) {
            return "zeros";
        }
        return fields.getInt(12) == checksum(block)
                ? origin
                : "a torn block that begins as " + origin;
    }
}
