package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** Undo segments in memory that forget at a crash what was not forced. */
final class MemoryUndoSegments implements UndoSegments {
    private static final int HEADER_BYTES = 4096;

    private final int capacityBytes;
    private final NavigableMap<Integer, byte[]> contents = new ConcurrentSkipListMap<>();
    private final NavigableMap<Integer, byte[]> durable = new TreeMap<>();
    private volatile boolean cold;

    MemoryUndoSegments(int capacityBytes) {
        this.capacityBytes = capacityBytes;
    }

    /** While set, reads that may not wait fail to. */
    void setCold(boolean cold) {
        this.cold = cold;
    }

    synchronized void crash() {
        contents.clear();
        durable.forEach((number, bytes) -> contents.put(number, bytes.clone()));
    }

    NavigableMap<Integer, byte[]> contents() {
        return contents;
    }

    @Override
    public synchronized int next(int segment) {
        int number = Math.max(segment, contents.isEmpty() ? 0 : contents.lastKey()) + 1;
        contents.put(number, new byte[capacityBytes]);
        durable.put(number, new byte[capacityBytes]);
        return number;
    }

    @Override
    public synchronized void discard(int segment) {
        contents.remove(segment);
        durable.remove(segment);
    }

    @Override
    public int headerBytes() {
        return HEADER_BYTES;
    }

    @Override
    public int capacityBytes(int segment) {
        return capacityBytes;
    }

    @Override
    public void write(int segment, int position, ByteBuffer source) throws JournalException {
        byte[] bytes = held(segment);
        assert position >= HEADER_BYTES && position + source.remaining() <= capacityBytes;
        source.get(bytes, position, source.remaining());
    }

    @Override
    public synchronized void force(int segment) throws JournalException {
        durable.put(segment, held(segment).clone());
    }

    @Override
    public boolean read(int segment, int position, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        if (cachedOnly && cold) {
            return false;
        }
        target.put(held(segment), position, target.remaining());
        return true;
    }

    private byte[] held(int segment) throws JournalException {
        byte[] bytes = contents.get(segment);
        if (bytes == null) {
            throw corrupt(segment, 0, "missing");
        }
        return bytes;
    }

    @Override
    public int oldest() {
        return contents.isEmpty() ? 0 : contents.firstKey();
    }

    @Override
    public synchronized int retireBefore(int segment) {
        int count = contents.headMap(segment).size();
        contents.headMap(segment).values().forEach(bytes -> Arrays.fill(bytes, (byte) 0x5a));
        contents.headMap(segment).clear();
        durable.headMap(segment).clear();
        return count;
    }

    @Override
    public synchronized void retireAfter(int segment) {
        contents.tailMap(segment, false).clear();
        durable.tailMap(segment, false).clear();
    }

    @Override
    public JournalException corrupt(int segment, int position, String detail) {
        return new JournalException(
                JournalException.Kind.CORRUPT,
                "undo segment " + segment + " at position " + position + ": " + detail);
    }
}
