package dev.tidemark.storage.simulation;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A file's content as sparse pages; what has no page reads as zeros. */
@SuppressWarnings("ReferenceEquality") // BLANK is known by its identity
final class Pages {
    static final int PAGE_BYTES = 4096;
    static final int SECTOR_BYTES = 512;

    /** Stands for every page allocated but never written; never changed. */
    private static final byte[] BLANK = new byte[PAGE_BYTES];

    private final TreeMap<Long, byte[]> pages = new TreeMap<>();

    Pages copy() {
        Pages copy = new Pages();
        pages.forEach(
                (number, page) -> copy.pages.put(number, page == BLANK ? BLANK : page.clone()));
        return copy;
    }

    long allocatedBytes() {
        return (long) pages.size() * PAGE_BYTES;
    }

    /** Bytes of pages a write of this range would add. */
    long missingBytes(long position, long lengthBytes) {
        if (lengthBytes == 0) {
            return 0;
        }
        long first = position / PAGE_BYTES;
        long last = (position + lengthBytes - 1) / PAGE_BYTES;
        return (last - first + 1 - pages.subMap(first, true, last, true).size()) * PAGE_BYTES;
    }

    long dataFrom(long position) {
        for (Map.Entry<Long, byte[]> entry :
                pages.tailMap(position / PAGE_BYTES, true).entrySet()) {
            if (entry.getValue() != BLANK) {
                return Math.max(position, entry.getKey() * PAGE_BYTES);
            }
        }
        return Long.MAX_VALUE;
    }

    long holeFrom(long position) {
        long number = position / PAGE_BYTES;
        byte[] page = pages.get(number);
        while (page != null && page != BLANK) {
            number++;
            page = pages.get(number);
        }
        return Math.max(position, number * PAGE_BYTES);
    }

    /** Fills all of {@code target}. */
    void read(long position, ByteBuffer target) {
        long at = position;
        while (target.hasRemaining()) {
            int within = (int) (at % PAGE_BYTES);
            int length = Math.min(target.remaining(), PAGE_BYTES - within);
            byte[] page = pages.get(at / PAGE_BYTES);
            if (page == null) {
                target.put(new byte[length]);
            } else {
                target.put(page, within, length);
            }
            at += length;
        }
    }

    void write(long position, ByteBuffer source) {
        long at = position;
        while (source.hasRemaining()) {
            int within = (int) (at % PAGE_BYTES);
            int length = Math.min(source.remaining(), PAGE_BYTES - within);
            source.get(page(at / PAGE_BYTES), within, length);
            at += length;
        }
    }

    void allocate(long position, long lengthBytes) {
        for (long at = position / PAGE_BYTES; at * PAGE_BYTES < position + lengthBytes; at++) {
            pages.putIfAbsent(at, BLANK);
        }
    }

    /** The page to write into. */
    private byte[] page(long number) {
        byte[] page = pages.get(number);
        if (page == null || page == BLANK) {
            page = new byte[PAGE_BYTES];
            pages.put(number, page);
        }
        return page;
    }

    /** Makes a range read as zeros; pages entirely inside it are given back. */
    void zero(long position, long lengthBytes) {
        long end = position + lengthBytes;
        long firstNumber = position / PAGE_BYTES;
        var inRange = pages.subMap(firstNumber, true, end / PAGE_BYTES, true).entrySet().iterator();
        while (inRange.hasNext()) {
            Map.Entry<Long, byte[]> entry = inRange.next();
            long start = entry.getKey() * PAGE_BYTES;
            int from = (int) Math.max(0, position - start);
            int to = (int) Math.min(PAGE_BYTES, end - start);
            if (from == 0 && to == PAGE_BYTES) {
                inRange.remove();
            } else if (from < to && entry.getValue() != BLANK) {
                Arrays.fill(entry.getValue(), from, to, (byte) 0);
            }
        }
    }

    /** Forgets everything from {@code sizeBytes} on. */
    void cut(long sizeBytes) {
        long firstWhole = (sizeBytes + PAGE_BYTES - 1) / PAGE_BYTES;
        pages.tailMap(firstWhole, true).clear();
        byte[] last = pages.get(sizeBytes / PAGE_BYTES);
        if (last != null && last != BLANK) {
            Arrays.fill(last, (int) (sizeBytes % PAGE_BYTES), PAGE_BYTES, (byte) 0);
        }
    }

    /** A copy of a sector, or null when it lies in no page. */
    byte @Nullable [] sector(long number) {
        byte[] page = pages.get(number * SECTOR_BYTES / PAGE_BYTES);
        if (page == null) {
            return null;
        }
        int within = (int) (number * SECTOR_BYTES % PAGE_BYTES);
        return Arrays.copyOfRange(page, within, within + SECTOR_BYTES);
    }

    void setSector(long number, byte[] bytes) {
        int within = (int) (number * SECTOR_BYTES % PAGE_BYTES);
        System.arraycopy(bytes, 0, page(number * SECTOR_BYTES / PAGE_BYTES), within, SECTOR_BYTES);
    }

    /** Numbers of the sectors in pages that start below {@code sizeBytes}, ascending. */
    List<Long> sectorsBelow(long sizeBytes) {
        List<Long> numbers = new ArrayList<>();
        for (long page : pages.keySet()) {
            for (int i = 0; i < PAGE_BYTES / SECTOR_BYTES; i++) {
                long position = page * PAGE_BYTES + (long) i * SECTOR_BYTES;
                if (position < sizeBytes) {
                    numbers.add(position / SECTOR_BYTES);
                }
            }
        }
        return numbers;
    }
}
