package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** How the command line words what the API answers. */
final class Formats {
    private Formats() {}

    /** Seconds as a duration: {@code 12.3s}, {@code 1h 5m}. */
    static String seconds(double seconds) {
        return TimeSpan.format(Duration.ofNanos((long) (seconds * 1e9)));
    }

    /** Milliseconds for what is short. */
    static String time(@Nullable String iso) {
        if (iso == null) {
            return "-";
        }
        return iso.length() > 23 ? iso.substring(0, 23) + "Z" : iso;
    }

    /**
     * The exact point taken: {@code 2026-11-21T03:04:05.678901Z (seq:42, checkpoint
     * before-upgrade)}.
     */
    static String point(PointDocument point) {
        String checkpoint = point.checkpoint() == null ? "" : ", checkpoint " + point.checkpoint();
        return point.time() + " (" + point.name() + checkpoint + ")";
    }

    static String age(String iso) {
        return seconds(Duration.between(Instant.parse(iso), Instant.now()).toMillis() / 1e3);
    }

    static String orDash(@Nullable String text) {
        return text == null || text.isEmpty() ? "-" : text;
    }
}
