package dev.tidemark.journal;

import java.util.LinkedHashSet;
import java.util.Set;

/** The points that retention must keep. Thread-safe. */
final class Pins {
    private final Set<Held> held = new LinkedHashSet<>();
    private final Set<HeldRedo> heldRedo = new LinkedHashSet<>(); // guarded by held
    private final Runnable onRelease;

    /**
     * @param onRelease told when something may be needed by nobody any more
     */
    Pins(Runnable onRelease) {
        this.onRelease = onRelease;
    }

    /** One pin; equal to nothing but itself. */
    private final class Held implements Pin {
        private final Point point;

        Held(Point point) {
            this.point = point;
        }

        @Override
        public Point point() {
            return point;
        }

        @Override
        public void close() {
            synchronized (held) {
                held.remove(this);
            }
            onRelease.run();
        }
    }

    /** A hold of redo; equal to nothing but itself. */
    private final class HeldRedo implements RedoHold {
        private final Runnable onGivenUp;
        private long after; // guarded by held

        HeldRedo(long after, Runnable onGivenUp) {
            this.after = after;
            this.onGivenUp = onGivenUp;
        }

        @Override
        public void advance(long sequence) {
            synchronized (held) {
                if (sequence <= after) {
                    return;
                }
                after = sequence;
            }
            onRelease.run();
        }

        @Override
        public void close() {
            synchronized (held) {
                heldRedo.remove(this);
            }
            onRelease.run();
        }
    }

    /**
     * Keeps redo after a sequence number.
     *
     * @param onGivenUp told when it is kept no longer although nobody has ended the hold
     */
    RedoHold hold(long after, Runnable onGivenUp) {
        HeldRedo hold = new HeldRedo(after, onGivenUp);
        synchronized (held) {
            heldRedo.add(hold);
        }
        return hold;
    }

    Pin add(Point point) {
        Held pin = new Held(point);
        synchronized (held) {
            held.add(pin);
        }
        return pin;
    }

    int count() {
        synchronized (held) {
            return held.size();
        }
    }

    /** Undo runs after this one are needed; {@link Long#MAX_VALUE} when none is. */
    long oldestBaseRun() {
        synchronized (held) {
            return held.stream()
                    .mapToLong(pin -> pin.point.base().run())
                    .min()
                    .orElse(Long.MAX_VALUE);
        }
    }

    /**
     * Ends the hold that needs the oldest redo, and says so to its owner.
     *
     * @return the sequence number after which it kept redo; -1 when there is no hold
     */
    long giveUpOldestHold() {
        HeldRedo oldest = null;
        synchronized (held) {
            for (HeldRedo hold : heldRedo) {
                if (oldest == null || hold.after < oldest.after) {
                    oldest = hold;
                }
            }
            if (oldest == null) {
                return -1;
            }
            heldRedo.remove(oldest);
        }
        oldest.onGivenUp.run();
        synchronized (held) {
            return oldest.after;
        }
    }

    /** True when a pin needs a record between these two sequence numbers, both included. */
    boolean needsRedo(long first, long last) {
        synchronized (held) {
            return held.stream()
                    .anyMatch(pin ->
                            first <= pin.point.sequence() && last > pin.point.base().sequence());
        }
    }

    /** True when a hold keeps redo up to this sequence number. */
    boolean holdsRedo(long last) {
        synchronized (held) {
            return heldRedo.stream().anyMatch(hold -> last > hold.after);
        }
    }
}
