package dev.tidemark.journal;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Storage units shared by the groups of a gateway: an account of bytes against a budget, and the
 * order in which groups give units back when it is used up. Thread-safe.
 */
public final class SegmentPool {
    /** Percentage of the budget from which on the pool counts as nearly full. */
    public static final int HIGH_WATER_PERCENT = 90;

    /**
     * Units that redo may not take: with them the fold can always go on, and so redo can be freed.
     */
    static final int RESERVED_UNDO_UNITS = 2;

    /** Hears when the account passes the high-water mark, once each time, on any thread. */
    public interface Alert {
        Alert NONE = (usedBytes, budgetBytes) -> {};

        void highWater(long usedBytes, long budgetBytes);
    }

    /** How much a group is asked to give. */
    enum Level {
        /** Redo that is folded and pinned by nobody: only the fine window shrinks. */
        FOLDED_REDO,
        /** Redo held for copies, when that is a large part of what is used: a copy loses order. */
        MUCH_HELD_REDO,
        /** The oldest undo segment: history shrinks. */
        OLDEST_HISTORY,
        /** Redo held for copies, however little: before hosts' writes fail. */
        HELD_REDO
    }

    /** A group that can give units back. */
    interface Reclaimer {
        /** Gives a unit back if it can. Blocking. */
        boolean reclaim(Level level);

        /** There may be room now. On any thread, under any lock: cheap, and waits for nothing. */
        void roomMade();
    }

    private final long budgetBytes;
    private final Alert alert;
    private final List<Reclaimer> reclaimers = new CopyOnWriteArrayList<>();
    private long usedBytes;
    private boolean high;

    /**
     * @param budgetBytes most bytes all segments together may occupy; {@link Long#MAX_VALUE} for an
     *     account without a limit
     */
    public SegmentPool(long budgetBytes) {
        this(budgetBytes, Alert.NONE);
    }

    public SegmentPool(long budgetBytes, Alert alert) {
        if (budgetBytes <= 0) {
            throw new IllegalArgumentException("pool budget " + budgetBytes + " is not positive");
        }
        this.budgetBytes = budgetBytes;
        this.alert = alert;
    }

    public long budgetBytes() {
        return budgetBytes;
    }

    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** Takes a unit's bytes; false when the budget does not hold them. */
    boolean tryAcquire(SegmentKind kind, long bytes) {
        synchronized (this) {
            long reserve = kind == SegmentKind.UNDO ? 0 : RESERVED_UNDO_UNITS * bytes;
            if (usedBytes + bytes + reserve > budgetBytes && budgetBytes != Long.MAX_VALUE) {
                return false;
            }
        }
        adopt(bytes);
        return true;
    }

    /** Takes bytes that are on disk already, budget or not. */
    void adopt(long bytes) {
        long used;
        synchronized (this) {
            usedBytes += bytes;
            used = usedBytes;
            if (high || used <= budgetBytes / 100 * HIGH_WATER_PERCENT) {
                return;
            }
            high = true;
        }
        alert.highWater(used, budgetBytes);
    }

    /** Gives back bytes; {@link #roomMade} says so when they had been a segment's. */
    synchronized void release(long bytes) {
        usedBytes -= bytes;
        assert usedBytes >= 0 : "pool account is " + usedBytes;
        high = usedBytes > budgetBytes / 100 * HIGH_WATER_PERCENT;
    }

    /** A segment has gone, or could go now: whoever waits for a unit tries again. */
    void roomMade() {
        reclaimers.forEach(Reclaimer::roomMade);
    }

    void register(Reclaimer reclaimer) {
        reclaimers.add(reclaimer);
    }

    void unregister(Reclaimer reclaimer) {
        reclaimers.remove(reclaimer);
    }

    /**
     * Asks for one unit back: folded redo of any group first, the asking one's before the others',
     * then the further levels in the same order. The caller holds no journal lock. Blocking.
     */
    boolean reclaim(Reclaimer asking) {
        for (Level level : Level.values()) {
            if (asking.reclaim(level)) {
                return true;
            }
            for (Reclaimer other : reclaimers) {
                if (!other.equals(asking) && other.reclaim(level)) {
                    return true;
                }
            }
        }
        return false;
    }
}
