package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.BeforeImage;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.UndoLookup;
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

    private final PointSource source;
    private final int volume;
    private final long startBytes;
    private final ByteBuffer target;
    private final boolean cachedOnly;
    private List<Range> goldParts = List.of();
    private List<RedoPart> redoParts = List.of();
    private List<Range> gaps = List.of();

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
        long asOf = overlay == null ? lookUp(startBytes, target) : lookUpBelow(overlay);
        if (asOf == UndoLookup.WOULD_BLOCK) {
            return false;
        }
        source.rules().viewLookedUp();
        if (!readGold()) {
            return false;
        }
        source.rules().viewReadGold();
        return goldParts.isEmpty() || !source.rules().looksAgainAfterGold() || lookAgain(asOf);
    }

    /**
     * Fills in the before-images of a range and notes what gold holds of it; returns the newest run
     * considered, or WOULD_BLOCK.
     */
    private long lookUp(long offsetBytes, ByteBuffer bytes) throws JournalException {
        return source.lookup().read(volume, offsetBytes, bytes, cachedOnly, this::noteGold);
    }

    private void noteGold(long offsetBytes, int lengthBytes) {
        if (goldParts.isEmpty()) {
            goldParts = new ArrayList<>(4);
        }
        goldParts.add(new Range(offsetBytes, lengthBytes));
    }

    /** The same for all that the overlay does not hold, once it has filled in what it does. */
    private long lookUpBelow(ExtentMap overlay) throws JournalException {
        redoParts = new ArrayList<>();
        gaps = new ArrayList<>();
        overlay.visit(startBytes, target.remaining(), new Parts());
        if (!readRedo()) {
            return UndoLookup.WOULD_BLOCK;
        }
        long asOf = Long.MAX_VALUE;
        for (Range gap : gaps) {
            long run = lookUp(gap.offsetBytes, slice(gap.offsetBytes, gap.lengthBytes));
            if (run == UndoLookup.WOULD_BLOCK) {
                return run;
            }
            asOf = Math.min(asOf, run);
        }
        return asOf;
    }

    private final class Parts implements ExtentMap.Visitor {
        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            redoParts.add(new RedoPart(offset, (int) length, origin, a, b));
        }

        @Override
        public void gap(long offset, long length) {
            gaps.add(new Range(offset, (int) length));
        }
    }

    private boolean readRedo() throws JournalException {
        for (RedoPart part : redoParts) {
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

    private boolean readGold() throws BlockDeviceException {
        if (goldParts.isEmpty()) {
            return true;
        }
        GoldImage gold = source.volumes().existing(volume).gold();
        for (Range part : goldParts) {
            try {
                if (!gold.read(
                        part.offsetBytes, slice(part.offsetBytes, part.lengthBytes), cachedOnly)) {
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
    private boolean lookAgain(long asOf) throws JournalException {
        List<ImagePart> late = new ArrayList<>(0);
        for (Range part : goldParts) {
            long run =
                    source.lookup()
                            .resolveAfter(
                                    asOf,
                                    volume,
                                    part.offsetBytes,
                                    part.lengthBytes,
                                    cachedOnly,
                                    new LateImages(late));
            if (run == UndoLookup.WOULD_BLOCK) {
                return false;
            }
        }
        for (ImagePart part : late) {
            ByteBuffer bytes = slice(part.offsetBytes, part.lengthBytes);
            if (!source.lookup().read(part.image, part.offsetBytes, bytes, cachedOnly)) {
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
