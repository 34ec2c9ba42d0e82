package dev.tidemark.journal;

import java.util.LinkedHashSet;
import java.util.Set;

/** The points that retention must keep. Thread-safe. */
final class Pins {
    private final Set<Held> held = new LinkedHashSet<>();
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

    /** True when a pin needs a record between these two sequence numbers, both included. */
    boolean needsRedo(long first, long last) {
        synchronized (held) {
            return held.stream()
                    .anyMatch(pin ->
                            first <= pin.point.sequence() && last > pin.point.base().sequence());
        }
    }
}
