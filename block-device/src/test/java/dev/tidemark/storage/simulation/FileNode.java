package dev.tidemark.storage.simulation;

import static dev.tidemark.storage.simulation.Pages.SECTOR_BYTES;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A file: what a reader sees now, what is on the medium, and the changes in between, in order. A
 * write is kept as the whole sectors it leaves behind, since that is what reaches a medium. Guarded
 * by the disk.
 */
final class FileNode implements Node {
    /** A change not yet on the medium. */
    private sealed interface Change {}

    /** The content of consecutive sectors after a write. */
    private record Written(long firstSector, List<byte[]> images) implements Change {}

    /** Whole sectors that became zeros. */
    private record Zeroed(long firstSector, long sectorCount) implements Change {}

    private record Grown(long sizeBytes) implements Change {}

    private record Cut(long sizeBytes) implements Change {}

    private record Allocated(long sizeBytes) implements Change {}

    private Pages current = new Pages();
    private final Pages durable = new Pages();
    private long sizeBytes;
    private long durableSizeBytes;
    private final List<Change> pending = new ArrayList<>();

    /** Directory entries and open handles; without either its space is free. */
    private boolean linked = true;

    private int handles;

    long sizeBytes() {
        return sizeBytes;
    }

    Pages content() {
        return current;
    }

    boolean linked() {
        return linked;
    }

    void unlink() {
        linked = false;
    }

    void opened() {
        handles++;
    }

    void closed() {
        handles--;
    }

    boolean inUse() {
        return linked || handles > 0;
    }

    @Override
    public long allocatedBytes() {
        return current.allocatedBytes();
    }

    int read(long position, ByteBuffer target) {
        int length = (int) Math.max(0, Math.min(target.remaining(), sizeBytes - position));
        ByteBuffer part = target.slice(target.position(), length);
        current.read(position, part);
        target.position(target.position() + length);
        return length;
    }

    void write(long position, ByteBuffer source) {
        int length = source.remaining();
        if (length == 0) {
            return;
        }
        current.write(position, source);
        noteWritten(position, length);
        grow(position + length);
    }

    private void noteWritten(long position, long lengthBytes) {
        long first = position / SECTOR_BYTES;
        long last = (position + lengthBytes - 1) / SECTOR_BYTES;
        List<byte[]> images = new ArrayList<>();
        for (long number = first; number <= last; number++) {
            byte[] image = current.sector(number);
            images.add(image == null ? new byte[SECTOR_BYTES] : image);
        }
        pending.add(new Written(first, images));
    }

    private void grow(long toBytes) {
        if (toBytes > sizeBytes) {
            sizeBytes = toBytes;
            pending.add(new Grown(toBytes));
        }
    }

    void truncate(long toBytes) {
        if (toBytes < sizeBytes) {
            current.cut(toBytes);
            sizeBytes = toBytes;
            pending.add(new Cut(toBytes));
        } else {
            grow(toBytes);
        }
    }

    void preallocate(long toBytes) {
        current.allocate(0, toBytes);
        pending.add(new Allocated(toBytes));
        grow(toBytes);
    }

    void punchHole(long position, long lengthBytes) {
        current.zero(position, lengthBytes);
        long end = position + lengthBytes;
        long firstWhole = (position + SECTOR_BYTES - 1) / SECTOR_BYTES;
        long wholeCount = end / SECTOR_BYTES - firstWhole;
        if (wholeCount <= 0) {
            noteWritten(position, lengthBytes);
            return;
        }
        if (position % SECTOR_BYTES != 0) {
            noteWritten(position, 1);
        }
        pending.add(new Zeroed(firstWhole, wholeCount));
        if (end % SECTOR_BYTES != 0) {
            noteWritten(end - 1, 1);
        }
    }

    /** Where the first page that was written starts; the largest number when there is none. */
    long dataFrom(long position) {
        long found = current.dataFrom(position);
        return found < sizeBytes ? found : Long.MAX_VALUE;
    }

    /** Where the first page that was not written starts, at most the end. */
    long holeFrom(long position) {
        return Math.min(current.holeFrom(position), sizeBytes);
    }

    /** Everything reaches the medium. */
    void force() {
        settle(Survival.EVERYTHING);
    }

    /** Some of it does, and the rest counts as clean: a second force would not write it. */
    void failForce(Survival survival) {
        settle(survival);
    }

    /** What a restart after power loss finds. */
    @Override
    public void losePower(Survival survival) {
        settle(survival);
        durable.cut(durableSizeBytes);
        current = durable.copy();
        sizeBytes = durableSizeBytes;
        linked = true;
        handles = 0;
    }

    @Override
    public void loseHandles() {
        handles = 0;
    }

    private void settle(Survival survival) {
        for (Change change : pending) {
            settle(change, survival);
        }
        pending.clear();
    }

    private void settle(Change change, Survival survival) {
        switch (change) {
            case Written(long firstSector, List<byte[]> images) -> {
                boolean[] kept = survival.keptSectors(images.size());
                for (int i = 0; i < kept.length; i++) {
                    if (kept[i]) {
                        durable.setSector(firstSector + i, images.get(i));
                    }
                }
            }
            case Zeroed(long firstSector, long sectorCount) ->
                    settleZeroed(firstSector, sectorCount, survival);
            case Grown(long toBytes) -> {
                if (survival.keeps()) {
                    durableSizeBytes = Math.max(durableSizeBytes, toBytes);
                }
            }
            case Cut(long toBytes) -> {
                if (survival.keeps()) {
                    durable.cut(toBytes);
                    durableSizeBytes = Math.min(durableSizeBytes, toBytes);
                }
            }
            case Allocated(long toBytes) -> {
                if (survival.keeps()) {
                    durable.allocate(0, toBytes);
                }
            }
        }
    }

    /**
     * Torn into at most a few parts, since a hole may be far longer than what a list of sectors can
     * hold.
     */
    private void settleZeroed(long firstSector, long sectorCount, Survival survival) {
        int parts = (int) Math.min(sectorCount, 8);
        boolean[] kept = survival.keptSectors(parts);
        for (int i = 0; i < parts; i++) {
            if (kept[i]) {
                long from = firstSector + sectorCount * i / parts;
                long to = firstSector + sectorCount * (i + 1) / parts;
                durable.zero(from * SECTOR_BYTES, (to - from) * SECTOR_BYTES);
            }
        }
    }

    /** Sectors of the medium that hold data. */
    List<Long> durableSectors() {
        return durable.sectorsBelow(durableSizeBytes);
    }

    /** Flips one bit on the medium, and in what readers see unless the sector was changed since. */
    void rot(long sector, int bit) {
        byte[] old = durable.sector(sector);
        if (old == null) {
            throw new IllegalArgumentException("sector " + sector + " is not allocated");
        }
        byte[] seen = current.sector(sector);
        byte[] rotten = old.clone();
        rotten[bit / 8] ^= (byte) (1 << (bit % 8));
        durable.setSector(sector, rotten);
        if (seen != null && Arrays.equals(seen, old)) {
            current.setSector(sector, rotten);
        }
    }
}
