package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;

/**
 * Writes numbers to the disks of a group, one only after the one before was acknowledged on the
 * other disk, and large random blocks in between; says how far the numbers on a pair of disks go.
 * One thread writes; {@link #acknowledged} is for any.
 */
final class SiteTokens {
    static final int BLOCKS = 64;
    static final int BLOCK_BYTES = 4096;
    static final int DISK_BYTES = BLOCKS * BLOCK_BYTES;
    static final int BULK_BYTES = 32 << 20;

    /** The first has odd numbers, the second even ones. */
    static final String[] DISKS = {"even", "odd"};

    static final String BULK = "bulk";
    private static final int BULK_WRITE_BYTES = 128 << 10;

    private final GatewayProcess gateway;
    private final Random random;
    private final long first;
    private final Thread thread;
    private volatile boolean stopped;
    private volatile long acknowledged;

    /** Writes from {@code first + 1} on until it is stopped or the gateway is gone. */
    SiteTokens(GatewayProcess gateway, long first, Random random) {
        this.gateway = gateway;
        this.random = random;
        this.first = first;
        this.acknowledged = first;
        this.thread = Thread.ofPlatform().name("tokens").start(this::run);
    }

    private void run() {
        try (NbdTestClient even = gateway.connect(DISKS[0]);
                NbdTestClient odd = gateway.connect(DISKS[1]);
                NbdTestClient bulk = gateway.connect(BULK)) {
            byte[] noise = new byte[BULK_WRITE_BYTES];
            while (!stopped) {
                long next = acknowledged + 1;
                (next % 2 == 0 ? even : odd).write(offset(next), content(next));
                acknowledged = next;
                if (next % 4 == 0) {
                    random.nextBytes(noise);
                    int places = BULK_BYTES / BULK_WRITE_BYTES;
                    bulk.write((long) random.nextInt(places) * BULK_WRITE_BYTES, noise);
                }
            }
        } catch (IOException gone) {
            // The gateway was killed, or the group fenced: what was acknowledged counts.
        }
    }

    private static long offset(long token) {
        return token / 2 % BLOCKS * BLOCK_BYTES;
    }

    private static byte[] content(long token) {
        ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES);
        while (bytes.hasRemaining()) {
            bytes.putLong(token);
        }
        return bytes.array();
    }

    /** The newest number that a host knows to be written. */
    long acknowledged() {
        return acknowledged;
    }

    /** Waits until so many more are acknowledged than there were at first. */
    void awaitMore(int count) throws Exception {
        Await.until(
                count + " more numbers to be written",
                TwoSites.LIMIT,
                () -> acknowledged >= first + count || !thread.isAlive());
    }

    /** Ends the writing; returns the newest number acknowledged. */
    long stop() throws InterruptedException {
        stopped = true;
        thread.join();
        return acknowledged;
    }

    /**
     * How far the numbers go on the disks with these exports; fails when they are no prefix of what
     * was written.
     */
    static long prefix(GatewayProcess gateway, String even, String odd) throws Exception {
        long[] values = new long[2 * BLOCKS];
        try (NbdTestClient first = gateway.connect(even);
                NbdTestClient second = gateway.connect(odd)) {
            read(first, 0, values);
            read(second, BLOCKS, values);
        }
        long last = 0;
        for (long value : values) {
            last = Math.max(last, value);
        }
        for (int place = 0; place < values.length; place++) {
            assertThat(values[place])
                    .as("block %d of %s; the newest number is %d", place % BLOCKS, even, last)
                    .isEqualTo(expected(place, last));
        }
        return last;
    }

    private static void read(NbdTestClient disk, int from, long[] into) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(disk.read(0, DISK_BYTES));
        for (int block = 0; block < BLOCKS; block++) {
            long value = bytes.getLong(block * BLOCK_BYTES);
            assertThat(bytes.getLong((block + 1) * BLOCK_BYTES - 8))
                    .as("a block is written whole")
                    .isEqualTo(value);
            into[from + block] = value;
        }
    }

    /** The newest number up to {@code last} that belongs into a place; 0 when there is none. */
    private static long expected(int place, long last) {
        int parity = place / BLOCKS;
        int block = place % BLOCKS;
        for (long token = last; token > Math.max(0, last - 2 * BLOCKS); token--) {
            if (token % 2 == parity && token / 2 % BLOCKS == block) {
                return token;
            }
        }
        return 0;
    }
}
