package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import dev.tidemark.storage.simulation.SimulatedDisk;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A journal with the least of an owner around it: one small volume, gold in a file, folds of
 * everything since the last one. Beside it the volume's content after each record.
 */
final class JournalWorld implements JournalListener {
    static final UUID GROUP = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    static final int VOLUME_BYTES = 256 << 10;
    private static final String GOLD = "gold.raw";

    final Random random;
    final SimulatedDisk disk;
    final SimulatedScheduler scheduler;
    final IndexCache cache = new IndexCache(1 << 20);
    final List<String> alerts = new ArrayList<>();
    final List<DropReason> drops = new ArrayList<>();
    JournalOptions options = JournalOptions.DEFAULT.withUnitBytes(1 << 20);
    SegmentPool pool = new SegmentPool(Long.MAX_VALUE);

    /** Content after each record; the first is the empty volume. */
    final List<byte[]> history = new ArrayList<>();

    /** Checkpoints that were acknowledged as durable. */
    final List<TestRecord> named = new ArrayList<>();

    private @Nullable TestRecord unsure;
    long acknowledged;
    StorageDirectory directory;
    private @Nullable Journal journal;
    private @Nullable StorageFile gold;

    JournalWorld(long seed) {
        random = new Random(seed);
        disk = new SimulatedDisk(random.nextLong());
        scheduler = new SimulatedScheduler(random.nextLong());
        directory = disk.root();
        history.add(new byte[VOLUME_BYTES]);
    }

    @Override
    public void poolFull(String detail) {
        alerts.add(detail);
    }

    @Override
    public void historyDropped(Boundary from, Boundary to, DropReason reason) {
        drops.add(reason);
    }

    Journal journal() {
        return Objects.requireNonNull(journal);
    }

    private StorageFile gold() {
        return Objects.requireNonNull(gold);
    }

    void create() throws JournalException, StorageException {
        StorageFile file = directory.create(GOLD);
        file.preallocate(VOLUME_BYTES);
        file.force();
        gold = file;
        directory.force();
        journal = Journal.create(options, GROUP, directory, scheduler, pool, cache, this);
        journal().start();
    }

    void open() throws JournalException, StorageException {
        journal = Journal.open(options, directory, scheduler, pool, cache, this);
        gold = directory.open(GOLD);
        Boundary pending = journal().pendingRun();
        if (pending != null) {
            writeGold(journal().goldBoundary(), pending);
        }
    }

    void crash() {
        directory = disk.crash(random);
        scheduler.discardAll();
        pool = new SegmentPool(pool.budgetBytes());
    }

    /** The process goes; nothing written is lost. */
    void kill() {
        directory = disk.kill();
        scheduler.discardAll();
        pool = new SegmentPool(pool.budgetBytes());
    }

    /** Writes random bytes over a random range and submits; they count once appended. */
    TestRecord write(int maximumBytes, boolean force) {
        int length = 1 + random.nextInt(maximumBytes);
        int offset = random.nextInt(VOLUME_BYTES - length);
        byte[] bytes = new byte[length];
        if (random.nextInt(4) > 0) {
            random.nextBytes(bytes);
        }
        TestRecord record = TestRecord.write(1, offset, Unpooled.wrappedBuffer(bytes), force);
        record.whenAppended =
                () -> {
                    byte[] after = history.getLast().clone();
                    System.arraycopy(bytes, 0, after, offset, length);
                    history.add(after);
                };
        submit(record);
        return uncertain(record);
    }

    TestRecord checkpoint(String name) {
        TestRecord record =
                name.isEmpty() ? TestRecord.checkpoint() : TestRecord.checkpoint(name, "why");
        record.whenAppended = () -> history.add(history.getLast());
        submit(record);
        return uncertain(record);
    }

    /** A record whose write failed when power went may be found, if nothing came after it. */
    private TestRecord uncertain(TestRecord record) {
        if (record.failedWith != null
                && record.appendedCalls == 0
                && record.sequence() == history.size()) {
            unsure = record;
        }
        return record;
    }

    TestRecord submit(TestRecord record) {
        journal().redo().stage(record);
        journal().redo().submit();
        return record;
    }

    /** Everything forced up to now is acknowledged. */
    void force() throws JournalException {
        long last = journal().redo().lastSequence();
        journal().redo().forceNow(last);
        acknowledged = Math.max(acknowledged, last);
    }

    /** Moves everything up to the next checkpoint, or to the end, into undo run and gold(). */
    void fold() throws JournalException, StorageException {
        Boundary from = journal().goldBoundary();
        Boundary to = next(from);
        if (to.sequence() == from.sequence()) {
            return;
        }
        long last = to.sequence();
        UndoRunBuilder builder = journal().beginRun(to);
        boolean committed = false;
        try {
            byte[] before = history.get(Math.toIntExact(from.sequence()));
            byte[] after = history.get(Math.toIntExact(last));
            for (int at = 0; at < VOLUME_BYTES; at += 4096) {
                if (!java.util.Arrays.equals(before, at, at + 4096, after, at, at + 4096)) {
                    builder.add(1, at, goldBytes(at));
                }
            }
            builder.commit();
            committed = true;
        } finally {
            if (!committed) {
                builder.abandon();
            }
        }
        writeGold(from, to);
    }

    private Boundary next(Boundary from) throws JournalException {
        Boundary to = from;
        try (RecordCursor cursor = journal().redo().cursor(from.redo())) {
            while (cursor.next()) {
                to =
                        new Boundary(
                                from.run() + 1,
                                cursor.sequence(),
                                cursor.timeMicros(),
                                cursor.end(),
                                null);
                if (cursor.kind() == RecordKind.CHECKPOINT) {
                    break;
                }
            }
        }
        return to;
    }

    private ByteBuffer goldBytes(int at) throws StorageException {
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        gold().read(at, bytes);
        return bytes.flip();
    }

    private void writeGold(Boundary from, Boundary to) throws JournalException, StorageException {
        try (RecordCursor cursor = journal().redo().cursor(from.redo(), to.sequence())) {
            while (cursor.next()) {
                if (cursor.kind() == RecordKind.WRITE) {
                    gold().write(cursor.offsetBytes(), payload(cursor));
                }
            }
        }
        gold().force();
        journal().goldAt(to);
    }

    private ByteBuffer payload(RecordCursor cursor) throws JournalException {
        ByteBuffer payload = ByteBuffer.allocate(Math.toIntExact(cursor.lengthBytes()));
        journal()
                .redo()
                .read(
                        cursor.segment(),
                        cursor.position(),
                        1,
                        cursor.offsetBytes(),
                        cursor.offsetBytes(),
                        payload,
                        false);
        return payload.flip();
    }

    /** Reads the whole volume as of a point. */
    byte[] view(Point point) throws JournalException, StorageException {
        ByteBuffer content = ByteBuffer.allocate(VOLUME_BYTES);
        gold().read(0, content);
        try (UndoLookup lookup = journal().lookup(point.base())) {
            List<BeforeImage> images = new ArrayList<>();
            List<long[]> ranges = new ArrayList<>();
            lookup.resolve(
                    1,
                    0,
                    VOLUME_BYTES,
                    false,
                    new UndoLookup.Visitor() {
                        @Override
                        public void beforeImage(long offset, long length, BeforeImage image) {
                            images.add(image);
                            ranges.add(new long[] {offset, length});
                        }

                        @Override
                        public void gold(long offset, long length) {}
                    });
            for (int i = 0; i < images.size(); i++) {
                int offset = Math.toIntExact(ranges.get(i)[0]);
                ByteBuffer target = content.duplicate();
                target.clear().position(offset).limit(offset + Math.toIntExact(ranges.get(i)[1]));
                lookup.read(images.get(i), offset, target, false);
            }
        }
        try (RecordCursor cursor = journal().redo().cursor(point.base().redo(), point.sequence())) {
            while (cursor.next()) {
                if (cursor.kind() == RecordKind.WRITE) {
                    content.put(Math.toIntExact(cursor.offsetBytes()), payload(cursor).array());
                }
            }
        }
        return content.array();
    }

    void verifyPoint(long sequence) throws Exception {
        Point point = journal().resolve(new PointSpec.AtSequence(sequence));
        assertThat(point.sequence()).isEqualTo(sequence);
        assertThat(view(point))
                .as("volume after record " + sequence)
                .isEqualTo(history.get(Math.toIntExact(sequence)));
    }

    /** After an open: the journal is a prefix, no shorter than what was acknowledged. */
    void verifyOpened() throws Exception {
        int found = Math.toIntExact(journal().redo().lastSequence());
        assertThat((long) found).isGreaterThanOrEqualTo(acknowledged);
        if (found == history.size() && unsure != null && unsure.sequence() == found) {
            unsure.whenAppended.run();
        }
        unsure = null;
        assertThat(found).isLessThan(history.size());
        history.subList(found + 1, history.size()).clear();
        acknowledged = found;
        verifyPoint(found);
        for (TestRecord mark : named) {
            Point point =
                    journal().resolve(new PointSpec.AtCheckpoint(LogCursorTexts.nameOf(mark)));
            assertThat(point.sequence()).isEqualTo(mark.sequence());
            assertThat(view(point)).isEqualTo(history.get(Math.toIntExact(mark.sequence())));
        }
        long tail = journal().history().fineTailSequence();
        for (int i = 0; i < 3; i++) {
            verifyPoint(tail + random.nextInt(Math.toIntExact(found - tail + 1)));
        }
    }
}
