package dev.tidemark.replica;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.RunSweep;
import dev.tidemark.storage.StorageException;

/**
 * What of a volume held data at a point (invariant 5, as {@link PointRead}): overlay, undo index,
 * gold, and the index again for what was folded meanwhile, since gold may by then tell of later
 * writes. Of one thread.
 */
final class PointAllocation {
    private static final long NO_DATA = Allocation.HOLE | Allocation.ZERO;

    private final PointSource source;
    private final int volume;
    private final int limit;
    private final ExtentMap into;

    /** What only gold can tell. */
    private final Extents goldParts = new Extents(16);

    PointAllocation(PointSource source, int volume, int limit, ExtentMap into) {
        this.source = source;
        this.volume = volume;
        this.limit = limit;
        this.into = into;
    }

    /** Returns where it stopped. */
    long paint(long offsetBytes, long lengthBytes) throws JournalException, BlockDeviceException {
        RunSweep sweep = source.journal().sweep(source.point().base().run());
        sweep.seek(volume, offsetBytes);
        ExtentMap overlay = source.overlay(volume);
        long end = offsetBytes + lengthBytes;
        if (overlay == null) {
            end = lookUp(sweep, end);
        } else {
            end = lookUp(sweep, overlay, offsetBytes, lengthBytes);
        }
        source.rules().viewLookedUp();
        end = askGold(end);
        source.rules().viewReadGold();
        if (source.rules().looksAgainAfterGold()) {
            lookAgain(sweep.lastRun(), end);
        }
        return end;
    }

    /** What the overlay holds, and the index where it holds nothing. */
    private long lookUp(RunSweep sweep, ExtentMap overlay, long offset, long length)
            throws JournalException {
        Extents parts = new Extents(16);
        overlay.visit(
                offset,
                length,
                new ExtentMap.Visitor() {
                    @Override
                    public void extent(long at, long bytes, long origin, long a, long b) {
                        parts.extent(at, bytes, origin, a, b);
                    }

                    @Override
                    public void gap(long at, long bytes) {
                        parts.extent(at, bytes, at, HeadRead.GOLD, 0);
                    }
                });
        long at = offset;
        for (int i = 0; i < parts.count() && isRoom(); i++) {
            long end = parts.end(i);
            if (parts.segment(i) == HeadRead.GOLD) {
                sweep.skipTo(at);
                at = lookUp(sweep, end);
            } else {
                into.put(at, end - at, HeadRead.bits(parts.segment(i)), 0);
                at = end;
            }
        }
        return at;
    }

    /** What the runs hold from where the sweep stands; notes what they do not. */
    private long lookUp(RunSweep sweep, long end) throws JournalException {
        while (sweep.offsetBytes() < end && isRoom()) {
            long start = sweep.offsetBytes();
            RunSweep.Content content = sweep.next(end);
            long length = sweep.offsetBytes() - start;
            if (content == RunSweep.Content.NOTHING) {
                goldParts.extent(start, length, start, 0, 0);
            }
            into.put(start, length, content == RunSweep.Content.ZEROS ? NO_DATA : 0, 0);
        }
        return sweep.offsetBytes();
    }

    private boolean isRoom() {
        return into.count() < limit;
    }

    /** Gold may have more parts than there is room for; returns where it stopped. */
    private long askGold(long end) throws BlockDeviceException {
        if (goldParts.count() == 0) {
            return end;
        }
        Volume live = source.volumes().existing(volume);
        int room = into.count() + limit;
        try {
            for (int i = 0; i < goldParts.count(); i++) {
                long offset = goldParts.offset(i);
                long stopped =
                        live.gold()
                                .allocation(
                                        offset, goldParts.length(i), live.allocation(), room, into);
                if (stopped < goldParts.end(i)) {
                    return stopped;
                }
            }
        } catch (StorageException failure) {
            throw Failures.device(failure);
        }
        return end;
    }

    /** What runs published since then hold was perhaps overwritten in gold before it was asked. */
    private void lookAgain(long asOfRun, long end) throws JournalException {
        RunSweep late = source.journal().sweep(asOfRun);
        if (late.lastRun() == asOfRun) {
            return;
        }
        for (int i = 0; i < goldParts.count() && goldParts.offset(i) < end; i++) {
            late.seek(volume, goldParts.offset(i));
            while (late.offsetBytes() < goldParts.end(i)) {
                long start = late.offsetBytes();
                RunSweep.Content content = late.next(goldParts.end(i));
                long bits = content == RunSweep.Content.ZEROS ? NO_DATA : 0;
                if (content != RunSweep.Content.NOTHING) {
                    into.put(start, late.offsetBytes() - start, bits, 0);
                }
            }
        }
    }
}
