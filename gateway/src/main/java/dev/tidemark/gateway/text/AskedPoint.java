package dev.tidemark.gateway.text;

import dev.tidemark.gateway.problem.ProblemException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.regex.Pattern;

/**
 * A point in time as somebody asked for it: {@code latest}, {@code seq:N}, {@code -90s}, an ISO
 * 8601 time with a zone, or a checkpoint's name.
 */
public sealed interface AskedPoint {
    /** The newest acknowledged write. */
    record Latest() implements AskedPoint {}

    /** The state after the write with this sequence number. */
    record Sequence(long sequence) implements AskedPoint {}

    /** The state at this time, microseconds since 1970. */
    record Time(long micros) implements AskedPoint {}

    /** That long ago, counted from the moment the request arrives. */
    record Ago(Duration span) implements AskedPoint {}

    /** A tagged checkpoint. */
    record Named(String name) implements AskedPoint {}

    /** What begins like a date is a time, so that a mistyped time is never looked up as a name. */
    Pattern DATE = Pattern.compile("\\d{4}-\\d{2}-\\d{2}.*");

    /** Whether the same text means another moment when asked again later. */
    default boolean relative() {
        return this instanceof Latest || this instanceof Ago;
    }

    static AskedPoint parse(String text) {
        if (text.equals("latest")) {
            return new Latest();
        }
        if (text.startsWith("seq:")) {
            return new Sequence(sequence(text));
        }
        if (text.startsWith("-")) {
            return new Ago(ago(text));
        }
        if (DATE.matcher(text).matches()) {
            return new Time(time(text));
        }
        return new Named(Names.checkpoint(text));
    }

    private static long sequence(String text) {
        try {
            long sequence = Long.parseLong(text.substring("seq:".length()));
            if (sequence >= 0) {
                return sequence;
            }
        } catch (NumberFormatException e) {
            // Falls through to the refusal.
        }
        throw refuse(text, "seq: takes a whole number from 0 on");
    }

    private static Duration ago(String text) {
        try {
            return TimeSpan.parse(text.substring(1));
        } catch (ProblemException e) {
            throw refuse(text, "after the minus comes a duration such as 90s, 15m, 6h or 1d");
        }
    }

    private static long time(String text) {
        try {
            return Timestamps.micros(OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeException e) {
            throw refuse(
                    text,
                    "a time is written 2026-11-21T03:04:05.678Z; the zone is needed: Z for UTC or an offset such as +01:00");
        }
    }

    private static ProblemException refuse(String text, String limit) {
        return ProblemException.invalid(
                "not a point in time",
                text,
                limit,
                "use a time with a zone, a checkpoint's name, seq:N, -90s or latest");
    }
}
