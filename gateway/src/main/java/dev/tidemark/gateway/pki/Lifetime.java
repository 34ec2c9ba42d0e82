package dev.tidemark.gateway.pki;

import dev.tidemark.gateway.problem.ProblemException;
import java.time.Duration;
import java.time.Instant;

/**
 * How long a certificate holds.
 *
 * @param days 1 to {@value #LONGEST_DAYS}
 */
public record Lifetime(int days) {
    /** A hundred years. */
    static final int LONGEST_DAYS = 36_500;

    /** Clocks differ: a certificate holds from a little before it was made. */
    private static final Duration SKEW = Duration.ofMinutes(5);

    /** Checks the range. */
    public Lifetime {
        if (days < 1 || days > LONGEST_DAYS) {
            throw ProblemException.invalid(
                    "lifetime out of range",
                    Integer.toString(days),
                    "1 to " + LONGEST_DAYS + " days",
                    "");
        }
    }

    Instant start(Instant now) {
        return now.minus(SKEW);
    }

    Instant end(Instant now) {
        return now.plus(Duration.ofDays(days));
    }
}
