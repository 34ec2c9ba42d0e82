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
    private record Range(long offsetBytes, long lengthBytes) {}

    private record RedoPart(
            long offsetBytes, long lengthBytes, long originBytes, long segment, long position) {}

    private record ImagePart(long offsetBytes, long lengthBytes, BeforeImage image) {}

    private final PointSource source;
    private final int volume;
    private final long startBytes;
    private final ByteBuffer target;
    private final boolean cachedOnly;
    private final List<Range> gaps = new ArrayList<>(1);
    private final List<Range> goldParts = new ArrayList<>(1);
    private final List<RedoPart> redoParts = new ArrayList<>(0);
    private final List<ImagePart> imageParts = new ArrayList<>(1);

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
        visitOverlay();
        if (!readRedo()) {
            return false;
        }
        long asOf = Long.MAX_VALUE;
        for (Range gap : gaps) {
            long run =
                    source.lookup()
                            .resolve(
                                    volume,
                                    gap.offsetBytes,
                                    gap.lengthBytes,
                                    cachedOnly,
                                    new Parts());
            if (run == UndoLookup.WOULD_BLOCK) {
                return false;
            }
            asOf = Math.min(asOf, run);
        }
        source.rules().viewLookedUp();
        if (!readImages() || !readGold()) {
            return false;
        }
        source.rules().viewReadGold();
        return goldParts.isEmpty() || !source.rules().looksAgainAfterGold() || lookAgain(asOf);
    }

    private void visitOverlay() {
        ExtentMap map = source.overlay(volume);
        if (map == null) {
            gaps.add(new Range(startBytes, target.remaining()));
            return;
        }
        map.visit(
                startBytes,
                target.remaining(),
                new ExtentMap.Visitor() {
                    @Override
                    public void extent(long offset, long length, long origin, long a, long b) {
                        redoParts.add(new RedoPart(offset, length, origin, a, b));
                    }

                    @Override
                    public void gap(long offset, long length) {
                        gaps.add(new Range(offset, length));
                    }
                });
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

    private boolean readImages() throws JournalException {
        for (ImagePart part : imageParts) {
            ByteBuffer bytes = slice(part.offsetBytes, part.lengthBytes);
            if (!source.lookup().read(part.image, part.offsetBytes, bytes, cachedOnly)) {
                return false;
            }
        }
        imageParts.clear();
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
        List<Range> looked = List.copyOf(goldParts);
        for (Range part : looked) {
            long run =
                    source.lookup()
                            .resolveAfter(
                                    asOf,
                                    volume,
                                    part.offsetBytes,
                                    part.lengthBytes,
                                    cachedOnly,
                                    new Parts());
            if (run == UndoLookup.WOULD_BLOCK) {
                return false;
            }
        }
        return readImages();
    }

    private ByteBuffer slice(long offset, long length) {
        return target.slice(target.position() + (int) (offset - startBytes), (int) length);
    }

    private final class Parts implements UndoLookup.Visitor {
        @Override
        public void beforeImage(long offset, long length, BeforeImage image) {
            imageParts.add(new ImagePart(offset, length, image));
        }

        @Override
        public void gold(long offset, long length) {
            goldParts.add(new Range(offset, length));
        }
    }
}
