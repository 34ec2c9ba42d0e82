package dev.tidemark.gateway.text;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/** Moments as microseconds since 1970 and as ISO 8601 in UTC. */
public final class Timestamps {
    private static final DateTimeFormatter MICROS =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter MILLIS =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);

    private Timestamps() {}

    public static long micros(Instant moment) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, moment);
    }

    public static Instant instant(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }

    /** With all six digits: {@code 2026-11-21T03:04:05.678901Z}. */
    public static String iso(long micros) {
        return MICROS.format(instant(micros));
    }

    /** For tables: milliseconds are enough to tell checkpoints apart. */
    public static String shortIso(long micros) {
        return MILLIS.format(instant(micros));
    }
}
