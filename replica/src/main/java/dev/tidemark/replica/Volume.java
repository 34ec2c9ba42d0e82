package dev.tidemark.replica;

import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** A live volume: its gold image, its sizes in history, its handles and counters. Thread-safe. */
final class Volume {
    private final int id;
    private final long createdSequence;
    private final long createdMicros;
    private final GoldImage gold;
    private final AllocationMap allocation = new AllocationMap();
    private final AtomicInteger handles = new AtomicInteger();
    private volatile boolean unsavedSizes;

    /** The record after which it has content that is in no record; -1 when all of it is. */
    private volatile long importedSequence = -1;

    private volatile String name;

    /** From which sequence number on the volume has which size; replaced, never changed. */
    private volatile TreeMap<Long, Long> sizes;

    private volatile long sizeBytes;
    final LongAdder reads = new LongAdder();
    final LongAdder readBytes = new LongAdder();
    final LongAdder writes = new LongAdder();
    final LongAdder writtenBytes = new LongAdder();
    final LongAdder zeroes = new LongAdder();
    final LongAdder zeroedBytes = new LongAdder();
    final LongAdder flushes = new LongAdder();

    Volume(VolumeRecord record, GoldImage gold) {
        this.id = record.id();
        this.name = record.name();
        this.createdSequence = record.createdSequence();
        this.createdMicros = record.createdMicros();
        this.sizes = new TreeMap<>(record.sizes());
        this.sizeBytes = sizes.lastEntry().getValue();
        this.gold = gold;
    }

    int id() {
        return id;
    }

    String name() {
        return name;
    }

    void rename(String newName) {
        name = newName;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    long createdSequence() {
        return createdSequence;
    }

    long importedAt() {
        return importedSequence;
    }

    void importedAt(long sequence) {
        importedSequence = sequence;
    }

    GoldImage gold() {
        return gold;
    }

    AllocationMap allocation() {
        return allocation;
    }

    AtomicInteger handles() {
        return handles;
    }

    boolean existedAt(long sequence) {
        return sequence >= createdSequence;
    }

    /** The size after the record with this sequence number; 0 before the volume existed. */
    long sizeAt(long sequence) {
        Map.Entry<Long, Long> entry = sizes.floorEntry(sequence);
        return entry == null ? 0 : entry.getValue();
    }

    /** The oldest size in history. */
    long firstSizeBytes() {
        return sizes.firstEntry().getValue();
    }

    /**
     * A RESIZE record: the history knows the size from {@code sequence} on. Under the redo log's
     * lock, or before the group is open.
     */
    void resizeInHistory(long sequence, long newSizeBytes) {
        unsavedSizes = true;
        TreeMap<Long, Long> changed = new TreeMap<>(sizes);
        changed.put(sequence, newSizeBytes);
        sizes = changed;
    }

    /** Hosts see the newest size in history. */
    void publishSize() {
        sizeBytes = sizes.lastEntry().getValue();
    }

    /** Forgets sizes that no point at or after {@code sequence} has. */
    void forgetSizesBefore(long sequence) {
        Long first = sizes.floorKey(sequence);
        if (first != null && !first.equals(sizes.firstKey())) {
            sizes = new TreeMap<>(sizes.tailMap(first, true));
        }
    }

    /** Puts the volume's record into the manifest. On the maintenance executor. */
    void save(Journal journal, boolean force) throws JournalException {
        unsavedSizes = false;
        VolumeRecord record = record();
        boolean saved = false;
        try {
            journal.putAttribute(record.key(), record.encode(), force);
            saved = true;
        } finally {
            unsavedSizes |= !saved;
        }
    }

    /**
     * A RESIZE record is in the log that the manifest does not know: it must, before gold passes
     * it.
     */
    boolean hasUnsavedSizes() {
        return unsavedSizes;
    }

    VolumeRecord record() {
        return new VolumeRecord(id, name, createdSequence, createdMicros, sizes);
    }

    VolumeInfo info(long allocatedBytes) {
        return new VolumeInfo(
                id, name, sizeBytes, createdSequence, createdMicros, allocatedBytes, handles.get());
    }

    VolumeCounters counters() {
        return new VolumeCounters(
                id,
                reads.sum(),
                readBytes.sum(),
                writes.sum(),
                writtenBytes.sum(),
                zeroes.sum(),
                zeroedBytes.sum(),
                flushes.sum());
    }
}
