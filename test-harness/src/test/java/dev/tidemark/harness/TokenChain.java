package dev.tidemark.harness;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * Numbered tokens at the beginning of several disks, each written to the next disk once the one
 * before is acknowledged. No token is ever overwritten, so that at any point of time at which the
 * disks are consistent with each other they hold the tokens from 1 to some number and no other.
 *
 * <p>Token n lies in slot n / disks of disk n % disks: its number and the number's complement, each
 * a 64-bit word, and zeros.
 */
final class TokenChain implements AutoCloseable {
    /** The part of each disk that nobody else writes. */
    static final int AREA_BYTES = 4 << 20;

    private static final int SLOT_BYTES = 256;
    private static final int PAUSE_MILLIS = 4;

    private final List<NbdTestClient> disks;
    private final ScheduledExecutorService pace = Executors.newSingleThreadScheduledExecutor();
    private final ScheduledFuture<?> writing;
    private volatile long acknowledged;

    /** Begins to write; the disks are the caller's. */
    TokenChain(List<NbdTestClient> disks) {
        this.disks = List.copyOf(disks);
        writing =
                pace.scheduleWithFixedDelay(
                        this::writeNext, 0, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void writeNext() {
        long token = acknowledged + 1;
        long offsetBytes = token / disks.size() * SLOT_BYTES;
        if (offsetBytes >= AREA_BYTES) {
            throw new IllegalStateException("no room for token " + token);
        }
        try {
            disks.get((int) (token % disks.size())).write(offsetBytes, slot(token));
        } catch (IOException e) {
            throw new AssertionError("token " + token + " is not written", e);
        }
        acknowledged = token;
    }

    private static byte[] slot(long token) {
        return ByteBuffer.allocate(SLOT_BYTES).putLong(token).putLong(~token).array();
    }

    /** All tokens up to this one are acknowledged. */
    long acknowledged() {
        return acknowledged;
    }

    /** Ends when a write has failed, and says which. */
    Future<?> writing() {
        return writing;
    }

    /** Waits for the write in flight, and begins no other. */
    void stop() throws InterruptedException {
        writing.cancel(false);
        pace.shutdown();
        if (!pace.awaitTermination(30, TimeUnit.SECONDS)) {
            throw new AssertionError("the write of a token has no end");
        }
    }

    /**
     * Returns the last token; fails if one before it is missing, or something else is there.
     *
     * @param areas the beginnings of all disks at the same point
     */
    static long last(String point, List<byte[]> areas) {
        BitSet found = new BitSet();
        for (int disk = 0; disk < areas.size(); disk++) {
            byte[] area = areas.get(disk);
            for (int slot = 0; slot < area.length / SLOT_BYTES; slot++) {
                ByteBuffer content = ByteBuffer.wrap(area, slot * SLOT_BYTES, SLOT_BYTES);
                long token = (long) slot * areas.size() + disk;
                if (content.mismatch(ByteBuffer.allocate(SLOT_BYTES)) == -1) {
                    continue;
                }
                if (content.mismatch(ByteBuffer.wrap(slot(token))) != -1) {
                    throw new AssertionError(
                            "%s: slot %d of disk %d does not hold token %d"
                                    .formatted(point, slot, disk, token));
                }
                found.set((int) token);
            }
        }
        found.set(0); // There is no such token.
        int missing = found.nextClearBit(0);
        if (missing < found.length()) {
            throw new AssertionError(
                    "%s: token %d is missing and token %d is there"
                            .formatted(point, missing, found.length() - 1));
        }
        return missing - 1L;
    }

    @Override
    public void close() {
        pace.shutdownNow();
    }
}
