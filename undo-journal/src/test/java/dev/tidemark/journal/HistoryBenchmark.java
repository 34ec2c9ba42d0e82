package dev.tidemark.journal;

import dev.tidemark.journal.history.HistoryGenerator;
import dev.tidemark.journal.history.HistoryGenerator.Shape;
import dev.tidemark.storage.FileStorageDirectory;
import dev.tidemark.storage.StorageFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/**
 * Measures lookups in a long history on real files. Arguments: folder, intervals, writes per
 * interval, MiB of the volume, fan-out.
 */
final class HistoryBenchmark {
    private static final int UNIT_BYTES = 64 << 20;

    private HistoryBenchmark() {}

    private static final UndoLog.Recorder NOWHERE =
            new UndoLog.Recorder() {
                @Override
                public void record(
                        Boundary to, int epoch, SpanDescriptor run, List<SpanDescriptor> spans) {}

                @Override
                public void record(List<SpanDescriptor> spans) {}
            };

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        int intervals = Integer.parseInt(arguments[1]);
        Shape shape =
                new Shape(
                        1,
                        1,
                        Long.parseLong(arguments[3]) << 20,
                        4096,
                        Integer.parseInt(arguments[2]));
        int fanOut = Integer.parseInt(arguments[4]);
        Files.createDirectories(folder);
        FileStorageDirectory directory = FileStorageDirectory.at(folder);
        Counters counters = new Counters();
        SegmentStore store =
                SegmentStore.open(
                        SegmentKind.UNDO,
                        UNIT_BYTES,
                        true,
                        new SegmentStore.Context(
                                UUID.randomUUID(),
                                directory,
                                new SegmentPool(Long.MAX_VALUE),
                                () -> 1,
                                counters,
                                JournalListener.NONE,
                                () -> false,
                                failure -> {}));
        IndexCache cache = new IndexCache(64 << 20);
        UndoLog log =
                new UndoLog(
                        new StoredUndoSegments(store, JournalListener.NONE),
                        cache,
                        fanOut,
                        0,
                        List.of(),
                        NOWHERE,
                        counters);
        generate(shape, intervals, log, counters);
        coldRegions(log, cache, shape, true);
        coldRegions(log, cache, shape, true);
        coldRegions(log, cache, shape, false);
        StorageFile gold = gold(directory, shape);
        for (int i = 0; i < 3; i++) {
            randomReads(log, gold, shape, intervals);
        }
        changed(log, shape, intervals);
        store.close();
    }

    private static void generate(Shape shape, int intervals, UndoLog log, Counters counters)
            throws JournalException {
        HistoryGenerator generator = new HistoryGenerator(shape);
        long merging = 0;
        int steps = 0;
        long started = System.nanoTime();
        for (int run = 1; run <= intervals; run++) {
            generator.write(run, number -> log.beginRun(boundary(number), 1));
            long mergingFrom = System.nanoTime();
            while (log.mergeStep()) {
                steps++;
            }
            merging += System.nanoTime() - mergingFrom;
        }
        long took = System.nanoTime() - started;
        System.out.printf(
                "%d runs of %d writes: %.1f s, of which merging %.1f s in %d steps; undo %d MiB, index %d MiB (%.2f %%), cover %d%n",
                intervals,
                shape.writes(),
                took / 1e9,
                merging / 1e9,
                steps,
                counters.undoBytes.sum() >> 20,
                counters.indexBytes.sum() >> 20,
                100.0 * counters.indexBytes.sum() / counters.undoBytes.sum(),
                log.spans().coverCount(0));
    }

    private static Boundary boundary(long run) {
        return new Boundary(run, run, run, new Position(1, 4096, run), null);
    }

    private static final UndoLookup.Visitor IGNORE =
            new UndoLookup.Visitor() {
                @Override
                public void beforeImage(long offsetBytes, long lengthBytes, BeforeImage image) {}

                @Override
                public void gold(long offsetBytes, long lengthBytes) {}
            };

    private static void coldRegions(
            UndoLog log, IndexCache cache, Shape shape, boolean emptyIndexCache)
            throws JournalException {
        Random random = new Random(5);
        long[] nanos = new long[2000];
        int covers = 0;
        for (int i = 0; i < nanos.length; i++) {
            if (emptyIndexCache) {
                cache.clear();
            }
            long base = random.nextLong(log.lastRun());
            covers += log.spans().coverCount(base);
            UndoLookup lookup = log.lookup(base);
            long offset = random.nextLong(shape.volumeBytes() / 4096) * 4096;
            long from = System.nanoTime();
            lookup.resolve(shape.volume(), offset, 4096, false, IGNORE);
            nanos[i] = System.nanoTime() - from;
        }
        System.out.printf(
                "open and resolve a region, index cache %s, %.1f spans: %s%n",
                emptyIndexCache ? "empty" : "in use", covers / 2000.0, quantiles(nanos));
    }

    private static String quantiles(long[] nanos) {
        Arrays.sort(nanos);
        return "p50 %.1f us, p90 %.1f, p99 %.1f, max %.1f"
                .formatted(
                        nanos[nanos.length / 2] / 1e3,
                        nanos[nanos.length * 9 / 10] / 1e3,
                        nanos[nanos.length * 99 / 100] / 1e3,
                        nanos[nanos.length - 1] / 1e3);
    }

    private static StorageFile gold(FileStorageDirectory directory, Shape shape) throws Exception {
        StorageFile gold = directory.create("gold.raw");
        ByteBuffer block = ByteBuffer.allocateDirect(4096).putLong(0, -1);
        int count = (int) (Math.min(shape.volumeBytes(), 2L << 30) / 4096);
        gold.preallocate(count * 4096L);
        // In the order of a fold of random writes: what was written in one go would be read faster.
        long step = 0x9E37_79B1L;
        for (int i = 0; i < count; i++) {
            gold.write((i * step) % count * 4096, block.clear());
        }
        return gold;
    }

    /** A view, as simple as it can be. */
    private static final class View {
        final UndoLookup lookup;
        final StorageFile gold;
        final int volume;
        final ByteBuffer target;
        long startBytes;
        long goldBytes;

        View(UndoLookup lookup, StorageFile gold, int volume, ByteBuffer target) {
            this.lookup = lookup;
            this.gold = gold;
            this.volume = volume;
            this.target = target;
        }

        void read(long offsetBytes, int lengthBytes) throws JournalException {
            startBytes = offsetBytes;
            target.clear().limit(lengthBytes);
            if (!read(offsetBytes, lengthBytes, true)) {
                read(offsetBytes, lengthBytes, false);
            }
        }

        private boolean read(long offsetBytes, int lengthBytes, boolean cachedOnly)
                throws JournalException {
            UndoRead read = lookup.find(volume, offsetBytes, lengthBytes, cachedOnly);
            if (read == null) {
                return false;
            }
            for (int part = 0; part < read.goldCount(); part++) {
                long start = read.goldStart(part);
                int bytes = (int) (read.goldEnd(part) - start);
                gold(start, bytes);
                lookup.resolveAfter(read.asOfRun(), volume, start, bytes, false, IGNORE);
            }
            return read.fill(target, cachedOnly);
        }

        private void gold(long offsetBytes, int lengthBytes) {
            try {
                int at = (int) (offsetBytes - startBytes);
                gold.readIfCached(offsetBytes, target.slice(at, lengthBytes));
                goldBytes += lengthBytes;
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        }
    }

    private static final int BATCH = 2000;

    /**
     * Gold and view in turns, in processor time, so that other load on the machine hardly matters;
     * medians of batches.
     */
    private static void randomReads(UndoLog log, StorageFile gold, Shape shape, int intervals)
            throws Exception {
        long bytes = Math.min(shape.volumeBytes(), 2L << 30);
        ByteBuffer target = ByteBuffer.allocateDirect(4096);
        Random random = new Random(7);
        for (long base : new long[] {0, intervals / 2, intervals - 1}) {
            View view = new View(log.lookup(base, 64 << 20), gold, shape.volume(), target);
            for (long at = 0; at < bytes; at += 1 << 20) {
                view.read(at, 4096);
            }
            view.goldBytes = 0;
            long[] goldNanos = new long[200];
            long[] viewNanos = new long[200];
            for (int batch = 0; batch < 200; batch++) {
                long from = cpuNanos();
                for (int i = 0; i < BATCH; i++) {
                    target.clear();
                    gold.readIfCached(random.nextLong(bytes / 4096) * 4096, target);
                }
                long between = cpuNanos();
                for (int i = 0; i < BATCH; i++) {
                    view.read(random.nextLong(bytes / 4096) * 4096, 4096);
                }
                goldNanos[batch] = between - from;
                viewNanos[batch] = cpuNanos() - between;
            }
            Arrays.sort(goldNanos);
            Arrays.sort(viewNanos);
            System.out.printf(
                    "4 KiB random reads: gold %d ns, view at run %d %d ns (%.2fx), %.1f %% from undo, regions %d KiB%n",
                    goldNanos[100] / BATCH,
                    base,
                    viewNanos[100] / BATCH,
                    (double) viewNanos[100] / goldNanos[100],
                    100 - 100.0 * view.goldBytes / (200.0 * BATCH * 4096),
                    view.lookup.heapBytes() >> 10);
        }
    }

    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static void changed(UndoLog log, Shape shape, int intervals) throws JournalException {
        for (int i = 0; i < 2; i++) {
            long[] sum = new long[2];
            long from = System.nanoTime();
            log.visitChanged(
                    intervals / 3,
                    intervals,
                    shape.volume(),
                    (offset, length) -> {
                        sum[0]++;
                        sum[1] += length;
                    });
            System.out.printf(
                    "changed since run %d: %d ranges, %d MiB, %.1f ms%n",
                    intervals / 3, sum[0], sum[1] >> 20, (System.nanoTime() - from) / 1e6);
        }
    }
}
