package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Which blocks of 64 KiB of a group's volumes have changed between two places in its order, of
 * which the first may lie before the history that is kept. A block too many is harmless. Not
 * thread-safe.
 *
 * <p>It also knows some boundaries in between, the oldest of those after the copy's last known
 * record: when a copy says which record it has last, its time must fit them.
 *
 * <p>The file, little-endian:
 *
 * <table>
 *   <caption>A dirty map</caption>
 *   <tr><th>offset</th><th>size</th><th>field</th></tr>
 *   <tr><td>0</td><td>4</td><td>magic {@code TMDM}</td></tr>
 *   <tr><td>4</td><td>4</td><td>version, 1</td></tr>
 *   <tr><td>8</td><td>16</td><td>group</td></tr>
 *   <tr><td>24</td><td>16</td><td>peer: whose copy lacks the blocks</td></tr>
 *   <tr><td>40</td><td>8</td><td>sequence number from which on it is complete</td></tr>
 *   <tr><td>48</td><td>8</td><td>time of that record or the boundary before it, microseconds</td></tr>
 *   <tr><td>56</td><td>8</td><td>last run that is in it</td></tr>
 *   <tr><td>64</td><td>8</td><td>sequence number at which that ends</td></tr>
 *   <tr><td>72</td><td>4</td><td>count of boundaries</td></tr>
 *   <tr><td>76</td><td>4</td><td>count of regions</td></tr>
 *   <tr><td>80</td><td>16 each</td><td>boundaries: sequence number, time</td></tr>
 *   <tr><td></td><td>76 each</td><td>regions of 32 MiB: volume u32, index u64, 512 bits</td></tr>
 *   <tr><td></td><td>4</td><td>CRC-32C of all before it</td></tr>
 * </table>
 */
final class DirtyMap {
    static final int BLOCK_BYTES = 64 << 10;

    /** More regions than this are not kept: 16 MiB of memory and of disk. */
    static final int MAXIMUM_REGIONS = (16 << 20) / (12 + 64);

    private static final int MAGIC = 0x4d444d54;
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 80;
    private static final int BLOCKS_PER_REGION = 512;
    private static final long REGION_BYTES = (long) BLOCK_BYTES * BLOCKS_PER_REGION;
    private static final int WORDS = BLOCKS_PER_REGION / Long.SIZE;
    private static final int BOUNDARY_BYTES = 16;
    private static final int REGION_ENTRY_BYTES = 12 + WORDS * Long.BYTES;
    private static final int MAXIMUM_BOUNDARIES = 4096;

    private final long sinceSequence;
    private final long sinceMicros;
    private long throughRun;
    private long throughSequence;

    /** Sequence number to time. */
    private final TreeMap<Long, Long> boundaries = new TreeMap<>();

    private final TreeMap<Integer, TreeMap<Long, long[]>> volumes = new TreeMap<>();
    private int regionCount;
    private long blockCount;

    /**
     * Begins one.
     *
     * @param sinceSequence every change after this record will be in it
     * @param sinceMicros time of that record, or a little earlier
     * @param run that ends at or before that record
     */
    DirtyMap(long sinceSequence, long sinceMicros, long run) {
        this.sinceSequence = sinceSequence;
        this.sinceMicros = sinceMicros;
        this.throughRun = run;
        this.throughSequence = sinceSequence;
    }

    long sinceSequence() {
        return sinceSequence;
    }

    long sinceMicros() {
        return sinceMicros;
    }

    /** The runs up to this one are in it. */
    long throughRun() {
        return throughRun;
    }

    /** A copy that has this record lacks nothing of what is in it. */
    long throughSequence() {
        return throughSequence;
    }

    /** Blocks that are in it, in bytes. */
    long dirtyBytes() {
        return blockCount * BLOCK_BYTES;
    }

    boolean isTooLarge() {
        return regionCount > MAXIMUM_REGIONS;
    }

    void add(int volume, long offsetBytes, long lengthBytes) {
        long last = (offsetBytes + lengthBytes - 1) / BLOCK_BYTES;
        for (long block = offsetBytes / BLOCK_BYTES; block <= last && !isTooLarge(); block++) {
            long[] bits = region(volume, block / BLOCKS_PER_REGION);
            int index = (int) (block % BLOCKS_PER_REGION);
            long mask = 1L << (index % Long.SIZE);
            if ((bits[index / Long.SIZE] & mask) == 0) {
                bits[index / Long.SIZE] |= mask;
                blockCount++;
            }
        }
    }

    private long[] region(int volume, long index) {
        TreeMap<Long, long[]> regions = volumes.computeIfAbsent(volume, id -> new TreeMap<>());
        long[] bits = regions.get(index);
        if (bits == null) {
            bits = new long[WORDS];
            regions.put(index, bits);
            regionCount++;
        }
        return bits;
    }

    /** Everything up to a boundary is in it now. */
    void through(long run, long sequence) {
        throughRun = run;
        throughSequence = sequence;
    }

    /** A boundary that a copy's last record may lie beside; the oldest are kept. */
    void boundary(long sequence, long micros) {
        if (boundaries.size() < MAXIMUM_BOUNDARIES) {
            boundaries.put(sequence, micros);
        }
    }

    /** A copy is known to have this record: what lies before it tells nothing any more. */
    void forgetBefore(long sequence) {
        Long last = boundaries.floorKey(sequence);
        if (last != null) {
            boundaries.headMap(last, false).clear();
        }
    }

    /** Keeps the volumes that there are. */
    void retain(Set<Integer> ids) {
        Iterator<Map.Entry<Integer, TreeMap<Long, long[]>>> each = volumes.entrySet().iterator();
        while (each.hasNext()) {
            Map.Entry<Integer, TreeMap<Long, long[]>> volume = each.next();
            if (!ids.contains(volume.getKey())) {
                regionCount -= volume.getValue().size();
                for (long[] bits : volume.getValue().values()) {
                    blockCount -= Arrays.stream(bits).map(Long::bitCount).sum();
                }
                each.remove();
            }
        }
    }

    /**
     * Whether a copy's last record may be this site's, by the boundaries around it.
     *
     * @param floorMicros no record of the copy's is older
     */
    boolean isOwn(StreamPosition copy, long floorMicros) {
        Map.Entry<Long, Long> before = boundaries.floorEntry(copy.sequence());
        if (before == null) {
            return false;
        }
        if (before.getKey() == copy.sequence()) {
            return new StreamPosition(copy.sequence(), before.getValue(), 0)
                    .isSameAs(copy, floorMicros);
        }
        Map.Entry<Long, Long> after = boundaries.higherEntry(copy.sequence());
        return after != null
                && copy.timeMicros() >= before.getValue()
                && copy.timeMicros() <= Math.max(after.getValue(), floorMicros);
    }

    /** Shows what of a range is in it; nothing is said of the rest. */
    void visit(int volume, long offsetBytes, long lengthBytes, ExtentMap.Visitor visitor) {
        TreeMap<Long, long[]> regions = volumes.get(volume);
        if (regions == null) {
            return;
        }
        long end = offsetBytes + lengthBytes;
        long first = offsetBytes / REGION_BYTES;
        for (Map.Entry<Long, long[]> region : regions.tailMap(first, true).entrySet()) {
            long start = region.getKey() * REGION_BYTES;
            if (start >= end) {
                return;
            }
            for (int i = 0; i < BLOCKS_PER_REGION; i++) {
                long from = Math.max(offsetBytes, start + (long) i * BLOCK_BYTES);
                long until = Math.min(end, start + (i + 1L) * BLOCK_BYTES);
                boolean dirty = (region.getValue()[i / Long.SIZE] & 1L << (i % Long.SIZE)) != 0;
                if (dirty && from < until) {
                    visitor.extent(from, until - from, from, HistoryMap.CHANGED, 0);
                }
            }
        }
    }

    /** The bytes of its file. */
    ByteBuffer encode(UUID group, UUID peer) {
        int bytes =
                HEADER_BYTES
                        + boundaries.size() * BOUNDARY_BYTES
                        + regionCount * REGION_ENTRY_BYTES
                        + Integer.BYTES;
        ByteBuf file = Unpooled.buffer(bytes, bytes);
        file.writeIntLE(MAGIC).writeIntLE(VERSION);
        AttributeFormat.writeUuid(file, group);
        AttributeFormat.writeUuid(file, peer);
        file.writeLongLE(sinceSequence).writeLongLE(sinceMicros);
        file.writeLongLE(throughRun).writeLongLE(throughSequence);
        file.writeIntLE(boundaries.size()).writeIntLE(regionCount);
        boundaries.forEach((sequence, micros) -> file.writeLongLE(sequence).writeLongLE(micros));
        volumes.forEach((volume, regions) ->
                regions.forEach((index, bits) -> {
                    file.writeIntLE(volume).writeLongLE(index);
                    for (long word : bits) {
                        file.writeLongLE(word);
                    }
                }));
        file.writeIntLE(checksum(file.nioBuffer()));
        return file.nioBuffer();
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** The most bytes that a file has. */
    static int maximumFileBytes() {
        return HEADER_BYTES
                + MAXIMUM_BOUNDARIES * BOUNDARY_BYTES
                + MAXIMUM_REGIONS * REGION_ENTRY_BYTES
                + Integer.BYTES;
    }

    /** Reads a file; null when it is damaged or another's. */
    static @Nullable DirtyMap decode(UUID group, UUID peer, ByteBuffer bytes) {
        int body = bytes.remaining() - Integer.BYTES;
        if (body < HEADER_BYTES) {
            return null;
        }
        ByteBuf file = Unpooled.wrappedBuffer(bytes);
        if (file.getIntLE(body) != checksum(file.nioBuffer(0, body))
                || file.readIntLE() != MAGIC
                || file.readIntLE() != VERSION
                || !AttributeFormat.readUuid(file).equals(group)
                || !AttributeFormat.readUuid(file).equals(peer)) {
            return null;
        }
        DirtyMap map = new DirtyMap(file.readLongLE(), file.readLongLE(), 0);
        map.through(file.readLongLE(), file.readLongLE());
        int boundaryCount = file.readIntLE();
        int count = file.readIntLE();
        long expected = (long) boundaryCount * BOUNDARY_BYTES + (long) count * REGION_ENTRY_BYTES;
        if (boundaryCount < 0 || count < 0 || HEADER_BYTES + expected != body) {
            return null;
        }
        for (int i = 0; i < boundaryCount; i++) {
            map.boundaries.put(file.readLongLE(), file.readLongLE());
        }
        for (int i = 0; i < count; i++) {
            long[] bits = map.region(file.readIntLE(), file.readLongLE());
            for (int word = 0; word < WORDS; word++) {
                bits[word] = file.readLongLE();
                map.blockCount += Long.bitCount(bits[word]);
            }
        }
        return map;
    }
}
