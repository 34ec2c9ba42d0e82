package dev.tidemark.journal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a lookup knows about one region of a volume: consecutive parts, each a before-image (final
 * for ever), zeros (as well) or gold as of a run. Immutable but for its links, which the {@link
 * RegionCache} that holds it owns.
 *
 * <p>A part takes five integers: start in the region, segment (0 zeros, -1 gold), position,
 * checksum, and the part's distance from the start of its image with the image's length.
 */
final class UndoRegion {
    static final int SHIFT = 20;
    static final int BYTES = 1 << SHIFT;
    static final int GOLD = -1;
    static final int ZERO = 0;
    private static final int STRIDE = 5;
    private static final int LENGTH_BITS = 14;
    private static final int OVERHEAD_BYTES = 80;
    private static final int PAGE_SHIFT = 12;
    private static final int PAGES = BYTES >>> PAGE_SHIFT;
    private static final int PAGED_COUNT = 32;

    final int volume;
    final long index;

    /** Newest run considered for the parts that are gold. */
    final long asOfRun;

    /** The parts; when there are many, behind them for every page the part that holds its start. */
    private final int[] parts;

    private final int count;
    final boolean hasGold;

    /** Links of the cache. */
    @Nullable UndoRegion chained;

    @Nullable UndoRegion newer;
    @Nullable UndoRegion older;

    /** Used since the cache last thought of forgetting it; owned by the cache. */
    boolean used;

    private UndoRegion(
            int volume, long index, long asOfRun, int[] parts, int count, boolean hasGold) {
        this.volume = volume;
        this.index = index;
        this.asOfRun = asOfRun;
        this.parts = parts;
        this.count = count;
        this.hasGold = hasGold;
    }

    /** The same parts, looked up in newer runs without finding more. */
    UndoRegion asOf(long run) {
        return new UndoRegion(volume, index, run, parts, count, hasGold);
    }

    int heapBytes() {
        return OVERHEAD_BYTES + parts.length * Integer.BYTES;
    }

    int count() {
        return count;
    }

    /** Index of the part that holds this byte of the region. */
    int partAt(int offset) {
        int low = 0;
        int high = count;
        if (count >= PAGED_COUNT) {
            int page = offset >>> PAGE_SHIFT;
            low = firstPart(page);
            high = page + 1 < PAGES ? firstPart(page + 1) + 1 : count;
        }
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (parts[middle * STRIDE] <= offset) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private int firstPart(int page) {
        return parts[count * STRIDE + page];
    }

    private static int[] withPages(int[] parts, int size) {
        int count = size / STRIDE;
        if (count < PAGED_COUNT) {
            return Arrays.copyOf(parts, size);
        }
        int[] paged = Arrays.copyOf(parts, size + PAGES);
        int part = 0;
        for (int page = 0; page < PAGES; page++) {
            while (part + 1 < count && parts[(part + 1) * STRIDE] <= page << PAGE_SHIFT) {
                part++;
            }
            paged[size + page] = part;
        }
        return paged;
    }

    int start(int part) {
        return parts[part * STRIDE];
    }

    int end(int part) {
        return part + 1 < count ? parts[(part + 1) * STRIDE] : BYTES;
    }

    int segment(int part) {
        return parts[part * STRIDE + 1];
    }

    int position(int part) {
        return parts[part * STRIDE + 2];
    }

    int checksum(int part) {
        return parts[part * STRIDE + 3];
    }

    /** Distance of the part from its image's first byte. */
    private int lead(int part) {
        return parts[part * STRIDE + 4] >>> LENGTH_BITS;
    }

    int imageBytes(int part) {
        return (parts[part * STRIDE + 4] & ((1 << LENGTH_BITS) - 1)) + 1;
    }

    /** Whether the part is a whole image with bytes. */
    boolean isWhole(int part) {
        return segment(part) > ZERO && imageBytes(part) == end(part) - start(part);
    }

    /** The before-image a part is of; not for gold. */
    BeforeImage image(int part) {
        long startBytes = (index << SHIFT) + start(part);
        if (segment(part) == ZERO) {
            return new BeforeImage(volume, startBytes, end(part) - start(part), true, 0, 0, 0);
        }
        return new BeforeImage(
                volume,
                startBytes - lead(part),
                imageBytes(part),
                false,
                segment(part),
                position(part),
                checksum(part));
    }

    /** Fills the gold parts of a region from one span after the other. Reused; not thread-safe. */
    static final class Builder {
        private int volume;
        private long index;

        /** The parts so far: those of a known region, or {@link #filled} of the step before. */
        private int[] parts = new int[0];

        private int size;
        private int[] filled = new int[64 * STRIDE];
        private int filledSize;
        private int[] spare = new int[64 * STRIDE];
        private int goldCount;

        /** Begins with a region that is gold all over. */
        void begin(int volume, long index) {
            this.volume = volume;
            this.index = index;
            parts = new int[STRIDE];
            parts[1] = GOLD;
            size = STRIDE;
            goldCount = 1;
        }

        /** Begins with what is known. */
        void begin(UndoRegion known) {
            volume = known.volume;
            index = known.index;
            parts = known.parts;
            size = known.count * STRIDE;
            goldCount = known.hasGold ? 1 : 0;
        }

        boolean hasGold() {
            return goldCount > 0;
        }

        UndoRegion build(long asOfRun) {
            return new UndoRegion(
                    volume, index, asOfRun, withPages(parts, size), size / STRIDE, goldCount > 0);
        }

        /**
         * Fills gold parts with the entries of the cursor's span; false when it has none for this
         * region.
         */
        boolean fill(IndexCursor cursor) throws JournalException {
            long baseBytes = index << SHIFT;
            boolean live = cursor.seek(volume, baseBytes) && isInside(cursor, baseBytes);
            if (!live) {
                return false;
            }
            filledSize = 0;
            goldCount = 0;
            for (int at = 0; at < size; at += STRIDE) {
                int end = at + STRIDE < size ? parts[at + STRIDE] : BYTES;
                if (parts[at + 1] != GOLD) {
                    copy(at);
                } else if (live) {
                    live = fillGold(cursor, baseBytes, parts[at], end);
                } else {
                    gold(parts[at]);
                }
            }
            parts = filled;
            size = filledSize;
            filled = spare;
            spare = parts;
            return true;
        }

        private boolean isInside(IndexCursor cursor, long baseBytes) {
            return cursor.volume() == volume && cursor.offsetBytes() < baseBytes + BYTES;
        }

        /** Fills the gold part [start, end); false once the cursor has left the region. */
        private boolean fillGold(IndexCursor cursor, long baseBytes, int start, int end)
                throws JournalException {
            int next = start;
            boolean live = true;
            while (live && cursor.offsetBytes() < baseBytes + end) {
                long entryEnd = cursor.endBytes() - baseBytes;
                if (entryEnd > next) {
                    int entryStart = (int) Math.max(cursor.offsetBytes() - baseBytes, next);
                    if (entryStart > next) {
                        gold(next);
                    }
                    image(cursor, baseBytes, entryStart);
                    next = (int) Math.min(entryEnd, end);
                    if (entryEnd > end) {
                        break;
                    }
                }
                live = cursor.next() && isInside(cursor, baseBytes);
            }
            if (next < end) {
                gold(next);
            }
            return live;
        }

        private void gold(int start) {
            if (filledSize == 0 || filled[filledSize - STRIDE + 1] != GOLD) {
                append(start, GOLD, 0, 0, 0);
                goldCount++;
            }
        }

        private void image(IndexCursor cursor, long baseBytes, int start) {
            int segment = cursor.segment();
            if (segment == ZERO) {
                if (filledSize == 0 || filled[filledSize - STRIDE + 1] != ZERO) {
                    append(start, ZERO, 0, 0, 0);
                }
                return;
            }
            int lead = (int) (baseBytes + start - cursor.imageOffsetBytes());
            int shape = lead << LENGTH_BITS | (cursor.imageBytes() - 1);
            append(start, segment, cursor.position(), cursor.crc(), shape);
        }

        private void copy(int at) {
            boolean joins =
                    parts[at + 1] == ZERO
                            && filledSize > 0
                            && filled[filledSize - STRIDE + 1] == ZERO;
            if (!joins) {
                append(parts[at], parts[at + 1], parts[at + 2], parts[at + 3], parts[at + 4]);
            }
        }

        private void append(int start, int segment, int position, int crc, int shape) {
            if (filledSize == filled.length) {
                filled = Arrays.copyOf(filled, filledSize * 2);
            }
            filled[filledSize] = start;
            filled[filledSize + 1] = segment;
            filled[filledSize + 2] = position;
            filled[filledSize + 3] = crc;
            filled[filledSize + 4] = shape;
            filledSize += STRIDE;
        }
    }
}
