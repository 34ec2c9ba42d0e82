package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.ExtentMap;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random histories against {@link UndoModel}; a seed is the whole test. */
class UndoLogProperties {
    private static final int UNIT_BYTES = 1 << 20;

    static LongStream seeds() {
        Long one = Long.getLong("tidemark.seed");
        return one != null ? LongStream.of(one) : LongStream.range(0, 60);
    }

    /** A log under test, its model and its long-lived lookups. */
    private static final class World {
        final Random random;
        final UndoModel model;
        final MemoryUndoSegments segments = new MemoryUndoSegments(UNIT_BYTES);
        final IndexCache cache = new IndexCache(1 << 20);
        final NavigableMap<Long, UndoLookup> lookups = new TreeMap<>();
        UndoLog log;
        long tail;

        World(long seed) throws JournalException {
            random = new Random(seed);
            model = new UndoModel(random);
            log = open();
        }

        UndoLog open() throws JournalException {
            int fanOut = 2 + random.nextInt(4);
            return new UndoLog(segments, cache, fanOut, tail, kept(), model, new Counters());
        }

        private List<SpanDescriptor> kept() {
            return model.manifest.stream().filter(span -> span.firstRun() > tail).toList();
        }

        void run() throws JournalException {
            List<UndoModel.Write> writes = model.interval();
            UndoRunBuilder run = log.beginRun(UndoModel.boundary(model.lastRun() + 1), 1);
            for (UndoModel.Write write : writes) {
                model.addTo(run, write);
                maintain(3);
            }
            if (random.nextInt(10) == 0) {
                run.abandon();
            } else {
                run.commit();
                model.apply(writes);
            }
        }

        void maintain(int oneIn) throws JournalException {
            if (random.nextInt(oneIn) == 0) {
                log.mergeStep();
            }
        }

        void restart() throws JournalException {
            lookups.clear();
            if (random.nextBoolean()) {
                log.close();
            }
            segments.crash();
            log = open();
            assertThat(log.lastRun()).isEqualTo(model.lastRun());
        }

        void drop() {
            tail += random.nextInt((int) (model.lastRun() - tail) / 3 + 1);
            log.dropThrough(tail);
            lookups.headMap(tail).clear();
        }

        UndoLookup lookup(long run) throws JournalException {
            UndoLookup known = lookups.get(run);
            if (known == null) {
                known = log.lookup(run, random.nextInt(3) * 20_000L);
                lookups.put(run, known);
            }
            return known;
        }

        void check(long run) throws JournalException {
            int volume = random.nextInt(UndoModel.VOLUMES);
            boolean all = random.nextBoolean();
            int offset = all ? 0 : random.nextInt(UndoModel.BYTES);
            int length = all ? UndoModel.BYTES : 1 + random.nextInt(UndoModel.BYTES - offset);
            boolean cachedOnly = random.nextBoolean();
            segments.setCold(random.nextBoolean());
            byte[] read = read(lookup(run), volume, offset, length, cachedOnly);
            if (read.length == 0) {
                assertThat(cachedOnly).isTrue();
                read = read(lookup(run), volume, offset, length, false);
            }
            byte[] expected = new byte[length];
            System.arraycopy(model.history.get((int) run)[volume], offset, expected, 0, length);
            assertThat(read).as("volume %d after run %d", volume, run).isEqualTo(expected);
        }

        private byte[] read(
                UndoLookup lookup, int volume, int offset, int length, boolean cachedOnly)
                throws JournalException {
            return random.nextBoolean()
                    ? model.read(lookup, volume, offset, length, cachedOnly)
                    : model.readGathered(lookup, volume, offset, length, cachedOnly);
        }

        void checkAll() throws JournalException {
            for (long run = tail; run <= model.lastRun(); run++) {
                check(run);
            }
        }

        long anyRun() {
            return tail + random.nextInt((int) (model.lastRun() - tail) + 1);
        }

        void checkChanged() throws JournalException {
            long a = anyRun();
            long b = anyRun();
            int volume = random.nextInt(UndoModel.VOLUMES);
            BitSet visited = new BitSet();
            log.visitChanged(
                    Math.min(a, b),
                    Math.max(a, b),
                    volume,
                    (offset, length) -> {
                        int from = (int) (offset - UndoModel.BASE_BYTES);
                        assertThat(from).isGreaterThanOrEqualTo(visited.length());
                        visited.set(from, from + (int) length);
                    });
            assertThat(visited).isEqualTo(model.changed(Math.min(a, b), Math.max(a, b), volume));
            checkSwept(Math.min(a, b), Math.max(a, b), volume);
            checkLast(Math.min(a, b), Math.max(a, b), volume);
        }

        /** A sweep tells exactly what changed, and calls nothing zeros that was not. */
        private void checkSwept(long from, long to, int volume) throws JournalException {
            int offset = random.nextInt(UndoModel.BYTES);
            int length = 1 + random.nextInt(UndoModel.BYTES - offset);
            BitSet changed = model.changed(from, to, volume);
            byte[] before = model.history.get((int) from)[volume];
            RunSweep sweep = log.sweep(from, to);
            sweep.seek(volume, UndoModel.BASE_BYTES + offset);
            int at = offset;
            while (at < offset + length) {
                RunSweep.Content content = sweep.next(UndoModel.BASE_BYTES + offset + length);
                int end = (int) (sweep.offsetBytes() - UndoModel.BASE_BYTES);
                assertThat(end).isGreaterThan(at);
                for (; at < end; at++) {
                    assertThat(changed.get(at))
                            .as("byte %d changed in (%d, %d]", at, from, to)
                            .isEqualTo(content != RunSweep.Content.NOTHING);
                    assertThat(content == RunSweep.Content.ZEROS && before[at] != 0).isFalse();
                }
            }
        }

        private void checkLast(long from, long to, int volume) throws JournalException {
            int offset = random.nextInt(UndoModel.BYTES);
            int length = 1 + random.nextInt(UndoModel.BYTES - offset);
            ExtentMap found = new ExtentMap();
            log.lastRuns(from, to).find(volume, UndoModel.BASE_BYTES + offset, length, found);
            long[] expected = new long[length];
            for (long run = from + 1; run <= to; run++) {
                BitSet changed = model.changes.get((int) run)[volume];
                for (int i = 0; i < length; i++) {
                    expected[i] = changed.get(offset + i) ? run : expected[i];
                }
            }
            long[] actual = new long[length];
            found.visit(
                    UndoModel.BASE_BYTES + offset,
                    length,
                    new ExtentMap.Visitor() {
                        @Override
                        public void extent(
                                long start, long bytes, long origin, long run, long unused) {
                            int first = (int) (start - UndoModel.BASE_BYTES) - offset;
                            Arrays.fill(actual, first, first + (int) bytes, run);
                        }

                        @Override
                        public void gap(long start, long bytes) {
                            // Stays 0: no run changed it.
                        }
                    });
            assertThat(actual).as("last runs in (%d, %d]", from, to).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void everyBoundaryReadsAsItWasWhateverHappensMeanwhile(long seed) throws Exception {
        System.out.println("seed " + seed);
        World world = new World(seed);
        int steps = 40 + world.random.nextInt(60);
        for (int i = 0; i < steps; i++) {
            world.run();
            world.check(world.anyRun());
            world.maintain(2);
            switch (world.random.nextInt(30)) {
                case 0 -> world.restart();
                case 1 -> world.drop();
                case 2 -> world.cache.clear();
                case 3 -> world.checkAll();
                case 4, 5, 8, 9 -> world.checkChanged();
                case 6 -> {
                    while (world.log.mergeStep()) {
                        world.check(world.anyRun());
                    }
                }
                default -> world.check(world.anyRun());
            }
        }
        world.checkAll();
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aFlippedBitIsAnErrorOrNothingButNeverWrongData(long seed) throws Exception {
        System.out.println("seed " + seed);
        World world = new World(seed);
        while (world.model.lastRun() < 20) {
            world.run();
            world.maintain(1);
        }
        int errors = 0;
        for (int i = 0; i < 200; i++) {
            byte[] bytes = anySegment(world);
            int at = 4096 + world.random.nextInt(bytes.length - 4096);
            byte was = bytes[at];
            bytes[at] ^= (byte) (1 << world.random.nextInt(8));
            world.cache.clear();
            world.lookups.clear();
            errors += readAll(world);
            bytes[at] = was;
        }
        assertThat(errors).isPositive();
        world.cache.clear();
        world.lookups.clear();
        world.checkAll();
    }

    private static byte[] anySegment(World world) {
        NavigableMap<Integer, byte[]> contents = world.segments.contents();
        int skip = world.random.nextInt(contents.size());
        return contents.entrySet().stream().skip(skip).map(Map.Entry::getValue).toList().get(0);
    }

    private static int readAll(World world) {
        int errors = 0;
        for (int i = 0; i < 3; i++) {
            try {
                world.check(world.anyRun());
            } catch (UndoModel.CorruptRead failure) {
                assertThat(failure.getCause()).hasMessageContaining("segment");
                errors++;
            } catch (JournalException failure) {
                assertThat(failure.kind()).isEqualTo(JournalException.Kind.CORRUPT);
                errors++;
            }
        }
        return errors;
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aRunThatCouldNotBeRecordedIsNotThere(long seed) throws Exception {
        System.out.println("seed " + seed);
        World world = new World(seed);
        while (world.model.lastRun() < 12) {
            world.run();
            world.maintain(1);
        }
        long before = world.model.lastRun();
        world.model.failNextRecord = true;
        assertThatThrownBy(
                        () -> {
                            while (world.model.failNextRecord) {
                                world.run();
                            }
                        })
                .isInstanceOf(JournalException.class);
        assertThat(world.log.lastRun()).isEqualTo(before);
        world.checkAll();
        while (world.model.lastRun() == before) {
            world.run();
        }
        world.restart();
        world.checkAll();
    }
}
