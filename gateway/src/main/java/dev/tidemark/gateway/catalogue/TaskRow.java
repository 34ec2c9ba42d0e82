package dev.tidemark.gateway.catalogue;

import org.jspecify.annotations.Nullable;

/**
 * A piece of long work.
 *
 * @param state running, succeeded, failed or interrupted
 * @param progress share done, 0 to 1
 * @param result JSON of what it made, null until it succeeded or when it makes nothing
 * @param problem why it failed, null otherwise
 */
public record TaskRow(
        long id,
        String kind,
        String subject,
        String state,
        double progress,
        String detail,
        long startedMicros,
        @Nullable Long endedMicros,
        @Nullable String result,
        @Nullable String problem) {

    public boolean running() {
        return state.equals("running");
    }
}
