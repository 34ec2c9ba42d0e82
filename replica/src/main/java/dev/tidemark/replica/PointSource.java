package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.RecordCursor;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.journal.UndoLookup;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All volumes at one point: the redo records between the base boundary and the point, else the
 * first before-image after the base, else gold. Holds a pin until it is closed and the reads in
 * flight have ended. Thread-safe.
 */
final class PointSource implements Source {
    private final Journal journal;
    private final Volumes volumes;
    private final Rules rules;
    private final Point point;
    private final @Nullable Pin pin;
    private final UndoLookup lookup;

    /** Redo records in (base, point], by volume; immutable. */
    private final Map<Integer, ExtentMap> overlay;

    private final Gate gate = new Gate(this::end);

    private PointSource(
            Journal journal,
            Volumes volumes,
            Rules rules,
            Point point,
            @Nullable Pin pin,
            Map<Integer, ExtentMap> overlay)
            throws JournalException {
        this.journal = journal;
        this.volumes = volumes;
        this.rules = rules;
        this.point = point;
        this.pin = pin;
        this.overlay = overlay;
        this.lookup = journal.lookup(point.base());
    }

    /** Pins the point and reads the headers of the redo records up to it. Blocking. */
    static PointSource open(Journal journal, Volumes volumes, Rules rules, Point point)
            throws JournalException, PointException {
        Pin pin = rules.pinsViews() ? journal.pin(point) : null;
        try {
            return new PointSource(journal, volumes, rules, point, pin, overlay(journal, point));
        } catch (JournalException failure) {
            if (pin != null) {
                pin.close();
            }
            throw failure;
        }
    }

    private static Map<Integer, ExtentMap> overlay(Journal journal, Point point)
            throws JournalException {
        Map<Integer, ExtentMap> overlay = new TreeMap<>();
        if (point.sequence() <= point.base().sequence()) {
            return overlay;
        }
        try (RecordCursor cursor = journal.redo().cursor(point.base().redo(), point.sequence())) {
            while (cursor.next()) {
                put(overlay, cursor);
            }
        }
        return overlay;
    }

    private static void put(Map<Integer, ExtentMap> overlay, RecordCursor cursor) {
        boolean write = cursor.kind() == RecordKind.WRITE;
        if (write || cursor.kind() == RecordKind.ZERO) {
            overlay.computeIfAbsent(cursor.volume(), id -> new ExtentMap())
                    .put(
                            cursor.offsetBytes(),
                            cursor.lengthBytes(),
                            write ? cursor.segment() : Head.zeroKind(cursor.flags()),
                            cursor.position());
        }
    }

    Point point() {
        return point;
    }

    /** Adds what the records up to the point have written after a sequence number. */
    @Nullable ExtentMap overlay(int volume) {
        return overlay.get(volume);
    }

    Journal journal() {
        return journal;
    }

    Volumes volumes() {
        return volumes;
    }

    Rules rules() {
        return rules;
    }

    UndoLookup lookup() {
        return lookup;
    }

    @Override
    public boolean read(int volume, long offsetBytes, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException {
        if (!gate.enter()) {
            throw Failures.closed("the view at sequence number " + point.sequence());
        }
        try {
            return new PointRead(this, volume, offsetBytes, target, cachedOnly).run();
        } catch (JournalException failure) {
            throw Failures.device(failure);
        } finally {
            gate.exit();
        }
    }

    @Override
    public long allocation(
            int volume, long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException {
        if (!gate.enter()) {
            throw Failures.closed("the view at sequence number " + point.sequence());
        }
        try {
            return new PointAllocation(this, volume, limit, into).paint(offsetBytes, lengthBytes);
        } catch (JournalException failure) {
            throw Failures.device(failure);
        } finally {
            gate.exit();
        }
    }

    /** Lets reads in flight end, then the pin goes. Idempotent. */
    void close() {
        gate.close();
    }

    private void end() {
        lookup.close();
        if (pin != null) {
            pin.close();
        }
    }
}
