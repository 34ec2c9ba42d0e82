package dev.tidemark.replica;

import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.PointSpec;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The promotion in progress: what it makes the head, who reads that, how far it has come. {@link
 * Promotions} owns its fields and changes them on the maintenance executor; {@link #isInside} and
 * {@link #view} are for any thread.
 */
final class RunningPromotion {
    final Promotion task;
    final Source source;
    final @Nullable ImageDisk image;
    final Promoted promoted;

    /** Held by the promotion and by each view that reads the image. */
    final Gate users;

    PromotionRecord record;
    boolean recorded;
    boolean copying;
    boolean ending;
    @Nullable CopyPass pass;

    RunningPromotion(
            Promotion task,
            PromotionRecord record,
            Source source,
            @Nullable ImageDisk image,
            Runnable last) {
        this.task = task;
        this.record = record;
        this.source = source;
        this.image = image;
        this.promoted = new Promoted(source, record.volumes());
        this.users = new Gate(last);
    }

    boolean isInside(Point point) {
        long first = promoted.sequence();
        return first > 0 && point.sequence() >= first;
    }

    /** A source for a point inside; null when the promotion ends just now. Blocking. */
    @Nullable HeldSource view(Engine engine, Point point) throws JournalException, PointException {
        if (!users.enter()) {
            return null;
        }
        Journal journal = engine.journal;
        try {
            PointSource base = PointSource.open(journal, engine.volumes, engine.rules, point);
            Promoted mixture = new Promoted(source, record.volumes());
            PromotionHistory.fill(
                    mixture,
                    journal,
                    record.volumes(),
                    promoted.sequence(),
                    point.base(),
                    point.sequence());
            return new HeldSource(
                    new MixedSource(base, mixture),
                    () -> {
                        base.close();
                        users.exit();
                    });
        } catch (JournalException | PointException failure) {
            users.exit();
            throw failure;
        }
    }

    /**
     * The copy of what may differ: addresses changed between the point and the PROMOTE record, and
     * those the image has written.
     */
    CopyPass newPass(Engine engine) throws JournalException {
        Journal journal = engine.journal;
        TreeMap<Integer, BlockSet> differences = new TreeMap<>();
        Boundary start = boundaryAt(journal, promoted.sequence());
        for (int volume : record.volumes()) {
            BlockSet blocks = new BlockSet();
            journal.visitChanged(record.point().base(), start, volume, blocks::add);
            if (image != null) {
                image.visitWritten(volume, blocks::add);
            }
            differences.put(volume, blocks);
        }
        int maximumBytes = LiveDevice.maximumBytes(journal.redo().maximumPayloadBytes());
        return new CopyPass(
                engine.log, promoted, engine.rules, engine.meters, maximumBytes, differences);
    }

    /** The PROMOTE record ends a layer, so gold has been exactly there. */
    private static Boundary boundaryAt(Journal journal, long sequence) throws JournalException {
        try {
            return journal.resolve(new PointSpec.AtSequence(sequence)).base();
        } catch (PointException gone) {
            throw new IllegalStateException("the promotion's own boundary is gone", gone);
        }
    }
}
