package dev.tidemark.replica;

import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.LogFollower;

/**
 * Counts the writes that one copy has got, from the newest record at its beginning on: each once,
 * however often it is sent. What the log has taken since then is got, left out, or on its way.
 * Thread-safe.
 */
public final class CopyTally {
    /**
     * Records that a copy does not get as records; none when {@code last} is before {@code first}.
     */
    record LeftOut(long first, long last, long writes, long bytes) {}

    private final Engine engine;
    private final WriteTally.At begin;
    private long countedSequence; // guarded by this
    private long records; // guarded by this
    private long bytes; // guarded by this
    private long leftOutRecords; // guarded by this
    private long leftOutBytes; // guarded by this

    CopyTally(Engine engine) {
        this.engine = engine;
        this.begin = engine.tally.now();
        this.countedSequence = begin.sequence();
    }

    long beginSequence() {
        return begin.sequence();
    }

    /** No record up to this one is counted any more. */
    public synchronized long countedSequence() {
        return countedSequence;
    }

    /** The copy has these writes, the last of them or a later record being {@code last}. */
    public synchronized void got(long last, long writes, long writeBytes) {
        countedSequence = Math.max(countedSequence, last);
        records += writes;
        bytes += writeBytes;
    }

    /**
     * The copy says that it has everything up to a record, of which it has not been counted what
     * was on its way when a link ended. Blocking.
     */
    public void gotUpTo(long last) {
        long counted = countedSequence();
        if (last <= counted) {
            return;
        }
        long writes = 0;
        long writeBytes = 0;
        try (LogFollower from = engine.journal.redo().follow(counted)) {
            while (from.next(last)) {
                if (WriteTally.counts(from.kind(), from.flags())) {
                    writes++;
                    writeBytes += from.lengthBytes();
                }
            }
        } catch (JournalException gone) {
            // Nobody knows any more how many they were: they will count as left out.
            return;
        }
        got(last, writes, writeBytes);
    }

    /** The copy gets what is not counted by now in another way, or never. */
    public synchronized void leaveOut() {
        var _ = leftOut();
    }

    synchronized LeftOut leftOut() {
        WriteTally.At now = engine.tally.now();
        long writes = now.records() - begin.records() - records - leftOutRecords;
        long writeBytes = now.bytes() - begin.bytes() - bytes - leftOutBytes;
        LeftOut left = new LeftOut(countedSequence + 1, now.sequence(), writes, writeBytes);
        countedSequence = Math.max(countedSequence, now.sequence());
        leftOutRecords += writes;
        leftOutBytes += writeBytes;
        return left;
    }

    public synchronized CopyCounters counters() {
        return new CopyCounters(records, bytes, leftOutRecords);
    }
}
