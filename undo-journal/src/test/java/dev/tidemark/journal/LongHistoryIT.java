package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.journal.history.HistoryGenerator;
import dev.tidemark.journal.history.HistoryGenerator.Shape;
import dev.tidemark.storage.FileStorageDirectory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A history of 10,000 intervals on real files. */
class LongHistoryIT {
    private static final int INTERVALS = 10_000;
    private static final int LOOKUPS = 200;
    private static final Shape SHAPE = new Shape(3, 1, 10L << 30, 512, 64);

    @TempDir Path folder;

    @Test
    void lookupsOpenAtOnceReadLittleAndFindTheEarliestRun() throws Exception {
        Counters counters = new Counters();
        SegmentStore store = store(counters);
        List<SpanDescriptor> manifest = write(store, counters);
        IndexCache cache = new IndexCache(16 << 20);
        UndoLog log =
                UndoLog.open(
                        store,
                        cache,
                        0,
                        manifest,
                        new UndoModel(new Random(1)),
                        counters,
                        JournalListener.NONE);
        assertThat(log.lastRun()).isEqualTo(INTERVALS);

        long[][] offsets =
                IntStream.rangeClosed(0, INTERVALS)
                        .mapToObj(run -> run == 0 ? new long[0] : SHAPE.offsets(run))
                        .toArray(long[][]::new);
        Random random = new Random(4);
        long[] nanos = new long[LOOKUPS];
        for (int i = 0; i < LOOKUPS; i++) {
            long base = random.nextLong(INTERVALS);
            assertThat(log.spans().coverCount(base)).isLessThanOrEqualTo(42);
            int run = 1 + random.nextInt(INTERVALS);
            long offset = offsets[run][random.nextInt(offsets[run].length)];
            long from = System.nanoTime();
            UndoLookup lookup = log.lookup(base);
            long found = stampAt(lookup, offset);
            nanos[i] = System.nanoTime() - from;
            assertThat(found).isEqualTo(expected(offsets, base, offset));
            assertThat(lookup.heapBytes()).isLessThan(1 << 20);
        }
        Arrays.sort(nanos);
        System.out.printf(
                "open and first read: median %.2f ms, slowest %.2f ms%n",
                nanos[LOOKUPS / 2] / 1e6, nanos[LOOKUPS - 1] / 1e6);
        assertThat(nanos[LOOKUPS / 2]).isLessThan(50_000_000);
        store.close();
    }

    private SegmentStore store(Counters counters) throws Exception {
        return SegmentStore.open(
                SegmentKind.UNDO,
                16 << 20,
                true,
                new SegmentStore.Context(
                        UUID.randomUUID(),
                        FileStorageDirectory.at(folder),
                        new SegmentPool(Long.MAX_VALUE),
                        () -> 1,
                        counters,
                        JournalListener.NONE,
                        () -> false,
                        failure -> {}));
    }

    private static List<SpanDescriptor> write(SegmentStore store, Counters counters)
            throws JournalException {
        UndoModel manifest = new UndoModel(new Random(1));
        UndoLog log =
                UndoLog.open(
                        store,
                        new IndexCache(1 << 20),
                        0,
                        List.of(),
                        manifest,
                        counters,
                        JournalListener.NONE);
        HistoryGenerator generator = new HistoryGenerator(SHAPE);
        for (int run = 1; run <= INTERVALS; run++) {
            generator.write(run, number -> log.beginRun(UndoModel.boundary(number), 1));
            while (log.mergeStep()) {
                // as the maintenance executor would
            }
        }
        log.close();
        assertThat(log.descriptors()).containsExactlyInAnyOrderElementsOf(manifest.manifest);
        return manifest.manifest;
    }

    /** What the view would read: the stamp of a before-image, or 0 for gold. */
    private static long stampAt(UndoLookup lookup, long offset) throws JournalException {
        ByteBuffer target = ByteBuffer.allocateDirect(512).order(ByteOrder.LITTLE_ENDIAN);
        UndoRead read = lookup.find(SHAPE.volume(), offset, target.remaining(), false);
        assertThat(read).isNotNull();
        assertThat(read.fill(target, false)).isTrue();
        assertThat(read.asOfRun()).isEqualTo(INTERVALS);
        return target.getLong(0);
    }

    private static long expected(long[][] offsets, long base, long offset) {
        for (int run = (int) base + 1; run <= INTERVALS; run++) {
            if (Arrays.binarySearch(offsets[run], offset) >= 0) {
                return SHAPE.stamp(run, offset);
            }
        }
        return 0;
    }
}
