package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.BeforeImage;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.UndoLookup;
import dev.tidemark.journal.UndoRead;
import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * One read at a point (invariant 5): overlay, undo index, gold, and the index again for what was
 * folded meanwhile. Of one thread.
 */
final class PointRead {
    private record Range(long offsetBytes, int lengthBytes) {}

    private record RedoPart(
            long offsetBytes, int lengthBytes, long originBytes, long segment, long position) {}

    private record ImagePart(long offsetBytes, int lengthBytes, BeforeImage image) {}

    /**
     * Gold is read over a gap of this size and less, into which a before-image comes next: copying
     * costs less than another call.
     */
    private static final int BRIDGED_BYTES = 4 << 10;

    private final PointSource source;
    private final int volume;
    private final long startBytes;
    private final ByteBuffer target;
    private final boolean cachedOnly;

    PointRead(
            PointSource source,
            int volume,
            long startBytes,
            ByteBuffer target,
            boolean cachedOnly) {
        this.source = source;
        this.volume = volume;
        this.startBytes = startBytes;
        this.target = target;
        this.cachedOnly = cachedOnly;
    }

    /** Returns false when it would have to wait. */
    boolean run() throws JournalException, BlockDeviceException {
        ExtentMap overlay = source.overlay(volume);
        if (overlay == null) {
            return readBelow(startBytes, target);
        }
        Parts parts = new Parts();
        overlay.visit(startBytes, target.remaining(), parts);
        if (!readRedo(parts.redo)) {
            return false;
        }
        for (Range gap : parts.gaps) {
            if (!readBelow(gap.offsetBytes, slice(gap.offsetBytes, gap.lengthBytes))) {
                return false;
            }
        }
        return true;
    }

    /** Fills in what the overlay does not hold. */
    private boolean readBelow(long offsetBytes, ByteBuffer bytes)
            throws JournalException, BlockDeviceException {
        UndoRead undo = source.lookup().find(volume, offsetBytes, bytes.remaining(), cachedOnly);
        if (undo == null) {
            return false;
        }
        source.rules().viewLookedUp();
        if (!readGold(undo)) {
            return false;
        }
        source.rules().viewReadGold();
        return undo.fill(bytes, cachedOnly) && lookAgain(undo);
    }

    private static final class Parts implements ExtentMap.Visitor {
        final List<RedoPart> redo = new ArrayList<>();
        final List<Range> gaps = new ArrayList<>();

        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            redo.add(new RedoPart(offset, (int) length, origin, a, b));
        }

        @Override
        public void gap(long offset, long length) {
            gaps.add(new Range(offset, (int) length));
        }
    }

    private boolean readRedo(List<RedoPart> parts) throws JournalException {
        for (RedoPart part : parts) {
            ByteBuffer bytes = slice(part.offsetBytes, part.lengthBytes);
            if (part.segment < 0) {
                Zeros.fill(bytes);
            } else if (!source.journal()
                    .redo()
                    .read(
                            part.segment,
                            part.position,
                            volume,
                            part.originBytes,
                            part.offsetBytes,
                            bytes,
                            cachedOnly)) {
                return false;
            }
        }
        return true;
    }

    /** Reads the parts of gold, and where they lie close together what is between them. */
    private boolean readGold(UndoRead undo) throws BlockDeviceException {
        int count = undo.goldCount();
        if (count == 0) {
            return true;
        }
        GoldImage gold = source.volumes().existing(volume).gold();
        int part = 0;
        while (part < count) {
            long start = undo.goldStart(part);
            long end = undo.goldEnd(part++);
            while (part < count && undo.goldStart(part) - end <= BRIDGED_BYTES) {
                end = undo.goldEnd(part++);
            }
            try {
                if (!gold.read(start, slice(start, (int) (end - start)), cachedOnly)) {
                    return false;
                }
            } catch (StorageException failure) {
                throw Failures.device(failure);
            }
        }
        return true;
    }

    /**
     * What runs published since the lookup hold was perhaps overwritten in gold before it was read.
     */
    private boolean lookAgain(UndoRead undo) throws JournalException {
        UndoLookup lookup = source.lookup();
        if (undo.goldCount() == 0
                || lookup.newestRun() == undo.asOfRun()
                || !source.rules().looksAgainAfterGold()) {
            return true;
        }
        List<ImagePart> late = new ArrayList<>(0);
        for (int part = 0; part < undo.goldCount(); part++) {
            long start = undo.goldStart(part);
            long length = undo.goldEnd(part) - start;
            LateImages images = new LateImages(late);
            if (lookup.resolveAfter(undo.asOfRun(), volume, start, length, cachedOnly, images)
                    == UndoLookup.WOULD_BLOCK) {
                return false;
            }
        }
        for (ImagePart part : late) {
            ByteBuffer bytes = slice(part.offsetBytes, part.lengthBytes);
            if (!lookup.read(part.image, part.offsetBytes, bytes, cachedOnly)) {
                return false;
            }
        }
        return true;
    }

    private record LateImages(List<ImagePart> late) implements UndoLookup.Visitor {
        @Override
        public void beforeImage(long offset, long length, BeforeImage image) {
            late.add(new ImagePart(offset, (int) length, image));
        }

        @Override
        public void gold(long offset, long length) {
            // Was read from there.
        }
    }

    private ByteBuffer slice(long offset, int length) {
        return target.slice(target.position() + (int) (offset - startBytes), length);
    }
}
