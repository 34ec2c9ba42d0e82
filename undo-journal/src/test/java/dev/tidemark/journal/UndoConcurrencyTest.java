package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;

/**
 * Readers, a fold and the maintenance at work at once: index, gold, index again must add up to the
 * past.
 */
class UndoConcurrencyTest {
    private static final int RUNS = 400;
    private static final int READERS = 3;
    private static final int BLOCK_BYTES = 512;
    private static final int BLOCKS = UndoModel.BYTES / BLOCK_BYTES;

    private final long seed = Long.getLong("tidemark.seed", 20);
    private final UndoModel model = new UndoModel(new Random(seed));
    private final MemoryUndoSegments segments = new MemoryUndoSegments(1 << 20);
    private final IndexCache cache = new IndexCache(1 << 20);

    /** Gold while it is being overwritten, by 512-byte block. */
    private final AtomicReferenceArray<byte[]> gold = new AtomicReferenceArray<>(BLOCKS);

    private final AtomicLong tail = new AtomicLong();

    /** The boundary that each reader stands on: what pins are in a journal. */
    private final AtomicLongArray standing = new AtomicLongArray(READERS);

    private volatile boolean done;

    /** What gold is at least at: no view stands on a later boundary. */
    private volatile long goldRun;

    private final UndoLog log;

    UndoConcurrencyTest() throws JournalException {
        log = new UndoLog(segments, cache, 4, 0, List.of(), model, new Counters());
    }

    @Test
    void parallelReadersSeeThePastWhileRunsArePublishedMergedAndDropped() throws Exception {
        System.out.println("seed " + seed);
        setGold(0);
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<Integer>> readers = new ArrayList<>();
            for (int i = 0; i < READERS; i++) {
                int reader = i;
                Random random = new Random(seed + i);
                readers.add(threads.submit(() -> readUntilDone(reader, random)));
            }
            Future<Integer> maintenance = threads.submit(this::maintain);
            try {
                fold();
            } finally {
                done = true;
            }
            maintenance.get(60, TimeUnit.SECONDS);
            for (Future<Integer> reader : readers) {
                assertThat(reader.get(60, TimeUnit.SECONDS)).isPositive();
            }
        }
    }

    private void fold() throws JournalException {
        for (int run = 1; run <= RUNS; run++) {
            List<UndoModel.Write> writes = model.interval();
            UndoRunBuilder builder = log.beginRun(UndoModel.boundary(run), 1);
            for (UndoModel.Write write : writes) {
                model.addTo(builder, write);
            }
            builder.commit();
            model.apply(writes);
            setGold(run);
            goldRun = run;
        }
    }

    private void setGold(int run) {
        byte[] volume = model.history.get(run)[0];
        for (int block = 0; block < BLOCKS; block++) {
            int from = block * BLOCK_BYTES;
            gold.set(block, Arrays.copyOfRange(volume, from, from + BLOCK_BYTES));
        }
    }

    private int maintain() throws JournalException {
        int drops = 0;
        Random random = new Random(seed + 99);
        while (!done) {
            while (log.mergeStep()) {
                if (random.nextInt(50) == 0) {
                    cache.clear();
                }
            }
            long kept = tail.get();
            if (log.lastRun() > kept + 60) {
                tail.set(kept + 10);
                if (isFree(kept)) {
                    log.dropThrough(kept);
                    drops++;
                }
            }
        }
        return drops;
    }

    private boolean isFree(long run) {
        for (int i = 0; i < READERS; i++) {
            long base = standing.get(i);
            if (base != 0 && base < run) {
                return false;
            }
        }
        return true;
    }

    /** A reader may be held up for as long as it takes: what it stands on stays. */
    private int readUntilDone(int reader, Random random) throws JournalException {
        int reads = 0;
        while (!done || reads == 0) {
            long newest = goldRun;
            long base = Math.max(tail.get() + 20, newest - random.nextInt(30));
            if (base > newest) {
                continue;
            }
            standing.set(reader, base);
            if (tail.get() >= base) {
                continue;
            }
            UndoLookup lookup = log.lookup(base, 1 << 20);
            for (int i = 0; i < 20 && tail.get() < base; i++) {
                read(lookup, base, random);
                reads++;
            }
        }
        return reads;
    }

    private void read(UndoLookup lookup, long base, Random random) throws JournalException {
        int offset = random.nextInt(UndoModel.BYTES - 9000);
        int length = 1 + random.nextInt(9000);
        byte[] result = new byte[length];
        UndoRead read = lookup.find(0, UndoModel.BASE_BYTES + offset, length, false);
        assertThat(read).isNotNull();
        for (int part = 0; part < read.goldCount(); part++) {
            long start = read.goldStart(part);
            int bytes = (int) (read.goldEnd(part) - start);
            copyGold((int) (start - UndoModel.BASE_BYTES), bytes, result, offset);
            Again again = new Again(lookup, result, offset);
            lookup.resolveAfter(read.asOfRun(), 0, start, bytes, false, again);
        }
        assertThat(read.fill(ByteBuffer.wrap(result), false)).isTrue();
        byte[] past = model.history.get((int) base)[0];
        assertThat(Arrays.mismatch(result, Arrays.copyOfRange(past, offset, offset + length)))
                .as("bytes %d to %d after run %d", offset, offset + length, base)
                .isEqualTo(-1);
    }

    private void copyGold(int at, int bytes, byte[] result, int offset) {
        for (int i = at; i < at + bytes; i++) {
            result[i - offset] = gold.get(i / BLOCK_BYTES)[i % BLOCK_BYTES];
        }
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Again(UndoLookup lookup, byte[] result, int offset)
            implements UndoLookup.Visitor {
        @Override
        public void beforeImage(long at, long bytes, BeforeImage image) {
            int from = (int) (at - UndoModel.BASE_BYTES) - offset;
            try {
                lookup.read(image, at, ByteBuffer.wrap(result, from, (int) bytes), false);
            } catch (JournalException failure) {
                throw new UndoModel.CorruptRead(failure);
            }
        }

        @Override
        public void gold(long at, long bytes) {}
    }
}
