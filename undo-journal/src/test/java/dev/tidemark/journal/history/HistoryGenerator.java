package dev.tidemark.journal.history;

import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.UndoRunBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;

/**
 * Writes the undo runs that many intervals of random writes leave behind, without writing anything
 * to gold. Every block's before-image is a pattern of its address and run, so that a reader can
 * tell which run's it was given, and what it should have been given can be computed from the shape
 * alone.
 */
public final class HistoryGenerator {
    /**
     * A history.
     *
     * @param blockBytes size and alignment of a write, a multiple of 16
     * @param writes writes per interval
     */
    public record Shape(long seed, int volume, long volumeBytes, int blockBytes, int writes) {
        /** 64 random writes of 4 KiB each over 10 GiB. */
        public static final Shape SPARSE = new Shape(1, 1, 10L << 30, 4096, 64);

        /** 1024 of them: 4 MiB an interval. */
        public static final Shape DENSE = new Shape(2, 1, 10L << 30, 4096, 1024);

        /** Offsets written in the interval that the run ends, ascending, without repetition. */
        public long[] offsets(long run) {
            Random random = new Random(seed * 1_000_003 + run);
            long blocks = volumeBytes / blockBytes;
            long[] offsets = new long[writes];
            for (int i = 0; i < writes; i++) {
                offsets[i] = random.nextLong(blocks) * blockBytes;
            }
            Arrays.sort(offsets);
            return Arrays.stream(offsets).distinct().toArray();
        }

        /** First eight bytes of the before-image that a run keeps of a block; never 0. */
        public long stamp(long run, long offsetBytes) {
            return (run << 40) + offsetBytes / blockBytes + 1;
        }
    }

    /** Begins the run of that number. */
    public interface Runs {
        UndoRunBuilder begin(long run) throws JournalException;
    }

    private final Shape shape;
    private final ByteBuffer image;

    public HistoryGenerator(Shape shape) {
        this.shape = shape;
        this.image = ByteBuffer.allocateDirect(shape.blockBytes).order(ByteOrder.LITTLE_ENDIAN);
        Random random = new Random(shape.seed);
        while (image.hasRemaining()) {
            image.putLong(random.nextLong());
        }
    }

    /** Writes one interval's run and commits it. */
    public void write(long run, Runs runs) throws JournalException {
        UndoRunBuilder builder = runs.begin(run);
        for (long offset : shape.offsets(run)) {
            image.clear().putLong(0, shape.stamp(run, offset));
            builder.add(shape.volume, offset, image);
        }
        builder.commit();
    }
}
