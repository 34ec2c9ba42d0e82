package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.PointSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Opens maps of the past. On the maintenance executor; may wait for a disk. */
final class Histories {
    private final Engine engine;
    private final Journal journal;

    Histories(Engine engine) {
        this.engine = engine;
        this.journal = engine.journal;
    }

    /** What changed on a live disk since a point. */
    HistoryMap liveChanges(int volume, PointSpec since) throws ReplicaException, JournalException {
        Volume live = engine.volumes.named(volume);
        Point point = engine.promotions.resolve(since);
        Pin pin = pin(point);
        try {
            LiveChanges changes =
                    new LiveChanges(
                            journal,
                            engine.head,
                            volume,
                            point.sequence(),
                            firstInterval(volume, point.sequence(), Long.MAX_VALUE));
            return map(live, point, changes, pin);
        } catch (JournalException failure) {
            pin.close();
            throw failure;
        }
    }

    /**
     * What changed on every live disk since a record that a copy has: a little more may be called
     * changed.
     *
     * @param peer whose copy it is
     * @return maps by volume, the caller's to close, but of those that were imported since: history
     *     does not tell what is in them; none when neither history nor a dirty map reaches back, or
     *     nothing says that the copy's record is this site's
     */
    Optional<Map<Integer, HistoryMap>> sinceRecord(UUID peer, StreamPosition copy, long floorMicros)
            throws ReplicaException, JournalException {
        boolean own = isOwn(copy, floorMicros);
        Boundary base = own ? boundaryBefore(copy.sequence()) : null;
        if (base != null) {
            Optional<Map<Integer, HistoryMap>> maps =
                    maps(
                            base.sequence(),
                            volume ->
                                    liveChanges(
                                            volume.id(),
                                            new PointSpec.AtSequence(base.sequence())));
            if (maps.isPresent()) {
                return maps;
            }
        }
        return sinceTail(peer, copy, floorMicros, own);
    }

    /**
     * The same from the oldest boundary on, with what a dirty map knows of the time before. The
     * copy holds what gold was after its record, also inside of a promotion: that the points there
     * cannot be had is no matter.
     */
    private Optional<Map<Integer, HistoryMap>> sinceTail(
            UUID peer, StreamPosition copy, long floorMicros, boolean own)
            throws ReplicaException, JournalException {
        try (Pin pin = pinTail()) {
            Boundary tail = pin.point().base();
            boolean reached = copy.sequence() >= tail.sequence();
            DirtyMap dirty = reached ? null : engine.dirtyMaps.since(peer, copy, floorMicros, tail);
            if (reached ? !own : dirty == null) {
                return Optional.empty();
            }
            return maps(
                    copy.sequence(),
                    volume -> {
                        LiveChanges since =
                                new LiveChanges(
                                        journal, engine.head, volume.id(), tail.sequence(), null);
                        return new ChangedMap(
                                volume.id(),
                                dirty == null
                                        ? since
                                        : new MappedChanges(dirty, volume.id(), since),
                                oldestSize(volume, copy.sequence()),
                                pin(pin.point()),
                                engine.scheduler.io());
                    });
        }
    }

    /** Sizes that no point has any more are forgotten: the oldest then is not less than it was. */
    private static long oldestSize(Volume volume, long sequence) {
        if (!volume.existedAt(sequence)) {
            return 0;
        }
        long known = volume.sizeAt(sequence);
        return known == 0 ? volume.firstSizeBytes() : known;
    }

    /** Retention may go on between a look and the pin. */
    private Pin pinTail() throws ReplicaException {
        while (true) {
            Boundary tail = journal.oldestBoundary();
            Point point = new Point(tail.sequence(), tail.timeMicros(), tail, tail.checkpoint());
            try {
                return journal.pin(point);
            } catch (PointException gone) {
                if (journal.oldestBoundary().run() == tail.run()) {
                    throw Failures.replica(gone);
                }
            }
        }
    }

    private interface MapMaking {
        HistoryMap of(Volume volume) throws ReplicaException, JournalException;
    }

    /** One for each volume that was not imported since; none when history has just gone. */
    private Optional<Map<Integer, HistoryMap>> maps(long since, MapMaking making)
            throws ReplicaException, JournalException {
        Map<Integer, HistoryMap> maps = new TreeMap<>();
        boolean whole = false;
        try {
            for (Volume volume : engine.volumes.all()) {
                if (volume.importedAt() < since) {
                    maps.put(volume.id(), making.of(volume));
                }
            }
            whole = true;
            return Optional.of(maps);
        } catch (ReplicaException failure) {
            if (failure.kind() == ReplicaException.Kind.OUTSIDE_WINDOW) {
                return Optional.empty();
            }
            throw failure;
        } finally {
            if (!whole) {
                maps.values().forEach(HistoryMap::close);
            }
        }
    }

    /** The newest boundary up to a record at which a point can be had. */
    private @Nullable Boundary boundaryBefore(long sequence) {
        Boundary at = journal.boundaryUpTo(sequence);
        while (at != null && engine.promotions.isGone(at.sequence())) {
            at = journal.boundaryUpTo(at.sequence() - 1);
        }
        return at;
    }

    /** By the record itself, or by the boundaries around it when redo does not tell any more. */
    private boolean isOwn(StreamPosition copy, long floorMicros) throws JournalException {
        if (!copy.isKnown() || copy.sequence() > journal.redo().lastSequence()) {
            return false;
        }
        StreamPosition own = Shipment.position(engine, copy.sequence());
        if (own.timeMicros() != 0) {
            return own.isSameAs(copy, floorMicros);
        }
        Boundary before = journal.boundaryUpTo(copy.sequence());
        Boundary after = before == null ? null : journal.boundaryAfter(before);
        return before != null
                && after != null
                && copy.timeMicros() >= before.timeMicros()
                && copy.timeMicros() <= Math.max(after.timeMicros(), floorMicros);
    }

    private HistoryMap map(
            Volume live, Point since, ChangedMap.Changes changes, @Nullable Pin pin) {
        long before = live.existedAt(since.sequence()) ? live.sizeAt(since.sequence()) : 0;
        return new ChangedMap(live.id(), changes, before, pin, engine.scheduler.io());
    }

    private Pin pin(Point point) throws ReplicaException {
        try {
            return journal.pin(point);
        } catch (PointException gone) {
            throw Failures.replica(gone);
        }
    }

    /** What changed between a point and the one a view or test shows. */
    HistoryMap changes(PointSource shown, @Nullable ImageDisk image, int volume, PointSpec since)
            throws ReplicaException, JournalException {
        Volume live = engine.volumes.named(volume);
        Point point = engine.promotions.resolve(since);
        Point until = shown.point();
        if (point.sequence() > until.sequence()) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "sequence number %d is after the disk's own, %d; name an earlier point"
                            .formatted(point.sequence(), until.sequence()));
        }
        Pin pin = pin(point);
        try {
            return map(live, point, between(point, until, image, volume), pin);
        } catch (JournalException failure) {
            pin.close();
            throw failure;
        }
    }

    private FixedChanges between(Point since, Point until, @Nullable ImageDisk image, int volume)
            throws JournalException {
        Boundary to = until.base();
        long after = Math.max(since.sequence(), to.sequence());
        List<ExtentMap> written = new ArrayList<>();
        if (until.sequence() > after) {
            written.add(RedoWrites.between(journal, volume, to, after, until.sequence()));
        }
        if (since.sequence() >= to.sequence()) {
            return new FixedChanges(journal, volume, null, to, written, image);
        }
        Boundary from = boundaryUpTo(since.sequence());
        LiveChanges.FirstInterval first = firstInterval(volume, since.sequence(), to.sequence());
        if (first != null) {
            written.add(first.written());
            from = first.end();
        }
        return new FixedChanges(journal, volume, from, to, written, image);
    }

    private Boundary boundaryUpTo(long sequence) {
        return Objects.requireNonNull(journal.boundaryUpTo(sequence), "the pin holds it");
    }

    /**
     * What was written after a point in the interval in which it lies, while single writes of that
     * time are kept; null when the point ends an interval, its interval is not folded yet, or only
     * the interval as a whole is known.
     */
    private LiveChanges.@Nullable FirstInterval firstInterval(
            int volume, long sequence, long lastSequence) throws JournalException {
        Boundary before = boundaryUpTo(sequence);
        Boundary end = journal.boundaryAfter(before);
        if (before.sequence() == sequence || end == null || end.sequence() > lastSequence) {
            return null;
        }
        Point whole = new Point(end.sequence(), end.timeMicros(), before, end.checkpoint());
        try (Pin pin = journal.pin(whole)) {
            long last = pin.point().sequence();
            ExtentMap written = RedoWrites.between(journal, volume, before, sequence, last);
            return new LiveChanges.FirstInterval(end, written);
        } catch (PointException notFine) {
            return null;
        }
    }

    /** The last writes of a live disk. */
    HistoryMap liveLastWrites(int volume, HistoryMap.Mark mark) throws ReplicaException {
        RecentWrites recent = new RecentWrites(journal, engine.volumes.named(volume).id());
        return new LastWriteMap(journal, volume, mark, recent, engine.scheduler.io());
    }

    /** The last writes up to a point. */
    HistoryMap lastWrites(PointSource shown, int volume, HistoryMap.Mark mark)
            throws JournalException {
        Point point = shown.point();
        Boundary base = point.base();
        ExtentMap writes =
                point.sequence() == base.sequence()
                        ? new ExtentMap()
                        : RedoWrites.between(journal, volume, base, 0, point.sequence());
        return new LastWriteMap(
                journal,
                volume,
                mark,
                (offset, length, visitor) -> {
                    writes.visit(offset, length, visitor);
                    return base;
                },
                engine.scheduler.io());
    }
}
