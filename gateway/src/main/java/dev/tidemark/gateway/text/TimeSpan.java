package dev.tidemark.gateway.text;

import dev.tidemark.gateway.problem.ProblemException;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as people write them: {@code 500ms}, {@code 90s}, {@code 1h30m}, {@code 7d}, {@code
 * 2w}.
 */
public final class TimeSpan {
    private static final Pattern PART =
            Pattern.compile("(\\d{1,12}(?:\\.\\d{1,6})?)\\s*(ms|us|s|m|h|d|w)");

    private TimeSpan() {}

    public static Duration parse(String text) {
        Matcher part = PART.matcher(text.strip());
        Duration sum = Duration.ZERO;
        int end = 0;
        while (part.lookingAt()) {
            sum = sum.plus(of(part.group(1), part.group(2)));
            end = part.end();
            part.region(end, part.regionEnd());
        }
        if (end == 0 || end != text.strip().length()) {
            throw ProblemException.invalid(
                    "not a duration",
                    text,
                    "a number with a unit: us, ms, s, m, h, d or w",
                    "write for example 500ms, 90s, 1h30m or 7d");
        }
        return sum;
    }

    private static Duration of(String number, String unit) {
        long unitMicros =
                switch (unit) {
                    case "us" -> 1L;
                    case "ms" -> 1_000L;
                    case "s" -> 1_000_000L;
                    case "m" -> 60_000_000L;
                    case "h" -> 3_600_000_000L;
                    case "d" -> 86_400_000_000L;
                    default -> 604_800_000_000L;
                };
        double micros = Double.parseDouble(number) * unitMicros;
        return Duration.ofSeconds((long) (micros / 1e6), Math.round(micros % 1e6) * 1000);
    }

    /** At most two units, the coarse one first: {@code 1h 30m}, {@code 12.3s}, {@code 450ms}. */
    public static String format(Duration span) {
        if (span.isNegative()) {
            return "-" + format(span.negated());
        }
        long seconds = span.toSeconds();
        if (seconds == 0) {
            long micros = span.toNanos() / 1000;
            return micros < 1000 ? micros + "us" : micros / 1000 + "ms";
        }
        if (seconds < 60) {
            return String.format(Locale.ROOT, "%.1fs", span.toMillis() / 1000.0);
        }
        if (seconds < 3600) {
            return two(seconds / 60, "m", seconds % 60, "s");
        }
        if (seconds < 86400) {
            return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
        }
        return two(seconds / 86400, "d", seconds % 86400 / 3600, "h");
    }

    private static String two(long coarse, String coarseUnit, long fine, String fineUnit) {
        return fine == 0 ? coarse + coarseUnit : coarse + coarseUnit + " " + fine + fineUnit;
    }

    /** One unit, exact to the millisecond, as {@link #parse} reads it. */
    public static String exact(Duration span) {
        long millis = span.toMillis();
        if (millis % 1000 != 0) {
            return millis + "ms";
        }
        long seconds = millis / 1000;
        if (seconds == 0 || seconds % 60 != 0) {
            return seconds + "s";
        }
        if (seconds % 3600 != 0) {
            return seconds / 60 + "m";
        }
        return seconds % 86400 != 0 ? seconds / 3600 + "h" : seconds / 86400 + "d";
    }
}
