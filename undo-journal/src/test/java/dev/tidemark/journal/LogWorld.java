package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.simulation.SimulatedDisk;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A log on a simulated disk beside a plain list of what must be in it. */
final class LogWorld {
    static final UUID OWNER = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

    /** What a record must read back as. */
    private record Expected(RecordKind kind, long offsetBytes, ByteBuffer payload) {
        int length() {
            return payload.limit();
        }
    }

    final Random random;
    final SimulatedDisk disk;
    final SimulatedScheduler scheduler;
    final RecordLogOptions options;
    final SegmentPool pool = new SegmentPool(Long.MAX_VALUE);
    final List<String> events = new ArrayList<>();
    private final List<Expected> model = new ArrayList<>();

    /** Written when the disk said no: may be found until something else is appended. */
    private final List<Expected> uncertain = new ArrayList<>();

    private long acknowledged;
    private StorageDirectory directory;
    @Nullable RecordLog log;

    LogWorld(long seed, boolean preallocate) {
        random = new Random(seed);
        disk = new SimulatedDisk(random.nextLong());
        scheduler = new SimulatedScheduler(random.nextLong());
        directory = disk.root();
        options =
                new RecordLogOptions(
                        preallocate ? SegmentKind.REDO : SegmentKind.WRITE_LOG,
                        1 << 20,
                        preallocate,
                        64 << 10,
                        16);
    }

    private final class ModelRecord extends PendingRecord {
        final Expected expected;

        ModelRecord(RecordKind kind, long offsetBytes, ByteBuf payload, boolean force) {
            byte[] bytes = new byte[payload.readableBytes()];
            payload.getBytes(payload.readerIndex(), bytes);
            expected = new Expected(kind, offsetBytes, ByteBuffer.wrap(bytes));
            reset(
                    kind,
                    0,
                    1,
                    offsetBytes,
                    bytes.length,
                    kind == RecordKind.WRITE ? payload : null,
                    force);
        }

        @Override
        protected void appended() {
            uncertain.clear();
            model.add(expected);
            assertThat(sequence()).isEqualTo(model.size());
        }

        @Override
        protected void completed() {
            if (force) {
                acknowledged = Math.max(acknowledged, sequence());
            }
        }

        @Override
        protected void failed(BlockDeviceException failure) {
            int place = Math.toIntExact(sequence()) - model.size() - 1;
            if (place >= 0 && place <= uncertain.size()) {
                // What an earlier failure left there has been cut off by now.
                uncertain.subList(place, uncertain.size()).clear();
                uncertain.add(expected);
            }
        }
    }

    RecordLog log() {
        assertThat(log).isNotNull();
        return log;
    }

    void create() throws JournalException {
        log = RecordLog.create(options, OWNER, directory, scheduler, pool, JournalListener.NONE);
    }

    void stageRandom() {
        int length = random.nextInt(4) == 0 ? random.nextInt(60_000) : random.nextInt(5000);
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        ByteBuf payload =
                random.nextBoolean()
                        ? Unpooled.wrappedBuffer(bytes)
                        : Unpooled.wrappedBuffer(
                                Unpooled.wrappedBuffer(bytes, 0, length / 3),
                                direct(bytes, length / 3));
        RecordKind kind = random.nextInt(5) == 0 ? RecordKind.ZERO : RecordKind.WRITE;
        log().stage(
                        new ModelRecord(
                                kind, random.nextInt(1 << 30), payload, random.nextInt(10) == 0));
    }

    private static ByteBuf direct(byte[] bytes, int from) {
        ByteBuffer memory = ByteBuffer.allocateDirect(bytes.length - from);
        return Unpooled.wrappedBuffer(memory.put(bytes, from, bytes.length - from).flip());
    }

    void force() {
        long covered = model.size();
        log().force(
                        new Completion() {
                            @Override
                            public void succeeded() {
                                acknowledged = Math.max(acknowledged, covered);
                            }

                            @Override
                            public void failed(BlockDeviceException failure) {}
                        });
    }

    /** A turn of a busy day. */
    void step() {
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> {
                for (int i = random.nextInt(10); i >= 0; i--) {
                    stageRandom();
                }
            }
            case 3, 4 -> log().submit();
            case 5 -> force();
            default -> {
                for (int i = random.nextInt(4); i >= 0; i--) {
                    scheduler.step();
                }
            }
        }
    }

    /** Power goes and comes back. */
    void crash() {
        directory = disk.crash(random);
        scheduler.discardAll();
        log = null;
    }

    /** The process goes; nothing written is lost. */
    void kill() {
        log().submit();
        acknowledged = model.size();
        directory = disk.kill();
        scheduler.discardAll();
        log = null;
    }

    void open() throws JournalException {
        log = RecordLog.open(options, OWNER, directory, scheduler, pool, JournalListener.NONE);
    }

    /** Holds the log against the model, which takes over what the log decided. */
    void verify() throws JournalException {
        int found = Math.toIntExact(log().lastSequence());
        assertThat((long) found)
                .as("no acknowledged force is lost")
                .isGreaterThanOrEqualTo(acknowledged);
        List<Expected> all = new ArrayList<>(model);
        all.addAll(uncertain);
        assertThat(found).as("nothing comes from nowhere").isLessThanOrEqualTo(all.size());
        int seen = 0;
        try (RecordCursor cursor = log().cursor(log().begin())) {
            while (cursor.next()) {
                verifyRecord(cursor, all.get(seen));
                seen++;
                assertThat(cursor.sequence()).isEqualTo(seen);
            }
        }
        assertThat(seen).isEqualTo(found);
        model.clear();
        model.addAll(all.subList(0, found));
        uncertain.clear();
        // What an opened log shows, its readers rely on.
        acknowledged = found;
    }

    private void verifyRecord(RecordCursor cursor, Expected expected) throws JournalException {
        assertThat(cursor.kind()).isEqualTo(expected.kind);
        assertThat(cursor.offsetBytes()).isEqualTo(expected.offsetBytes);
        assertThat(cursor.lengthBytes()).isEqualTo(expected.length());
        if (cursor.kind() == RecordKind.WRITE && expected.length() > 0) {
            int from = random.nextInt(expected.length());
            int length = 1 + random.nextInt(expected.length() - from);
            ByteBuffer target = ByteBuffer.allocate(length);
            boolean cachedOnly = random.nextBoolean();
            boolean read = read(cursor, from, target, cachedOnly);
            assertThat(read || cachedOnly).isTrue();
            if (!read) {
                assertThat(target.position()).isZero();
                assertThat(read(cursor, from, target, false)).isTrue();
            }
            assertThat(target.flip()).isEqualTo(expected.payload.slice(from, length));
        }
    }

    private boolean read(RecordCursor cursor, int from, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        return log().read(
                        cursor.segment(),
                        cursor.position(),
                        1,
                        cursor.offsetBytes(),
                        cursor.offsetBytes() + from,
                        target,
                        cachedOnly);
    }
}
