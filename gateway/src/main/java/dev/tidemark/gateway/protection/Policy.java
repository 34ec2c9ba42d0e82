package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.replica.link.LinkException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What happens by itself after a takeover.
 *
 * @param action none, commit or rollback
 * @param afterMillis how long after it; 0 for at once
 */
record Policy(String action, long afterMillis) {
    static final String NONE = "none";
    static final String COMMIT = "commit";
    static final String ROLLBACK = "rollback";

    private static final Duration LONGEST = Duration.ofDays(30);

    static Policy of(@Nullable String action, @Nullable String after) {
        String chosen = action == null ? NONE : action;
        if (!List.of(NONE, COMMIT, ROLLBACK).contains(chosen)) {
            throw ProblemException.invalid("not a policy", chosen, "none, commit or rollback", "");
        }
        Duration span = after == null ? Duration.ZERO : TimeSpan.parse(after);
        if (span.compareTo(LONGEST) > 0 || span.isNegative()) {
            throw ProblemException.invalid(
                    "the policy's time is out of range", String.valueOf(after), "0s to 30d", "");
        }
        if (chosen.equals(ROLLBACK) && span.isZero()) {
            throw ProblemException.invalid(
                    "a rollback needs a time", "", "1s to 30d", "say when with --after 10m");
        }
        if (chosen.equals(NONE) && after != null) {
            throw ProblemException.invalid(
                    "nothing happens by itself with the policy none",
                    after,
                    "--after goes with --policy commit or rollback",
                    "");
        }
        return new Policy(chosen, span.toMillis());
    }

    /** What was written down. */
    static Policy of(HandoverRow row) {
        return new Policy(row.policy(), row.afterMillis());
    }

    /** What a peer asks for, which may be anything. */
    static Policy ofPeer(String action, long afterMillis) throws LinkException {
        if (!List.of(NONE, COMMIT, ROLLBACK).contains(action)
                || afterMillis < 0
                || afterMillis > LONGEST.toMillis()) {
            throw LinkException.refusal(
                    LinkException.CODE_MALFORMED, "a policy that is not known here");
        }
        return new Policy(action, afterMillis);
    }

    boolean isCommittedAtOnce() {
        return action.equals(COMMIT) && afterMillis == 0;
    }
}
