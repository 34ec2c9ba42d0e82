package dev.tidemark.iscsi.target;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the persistent reservations of units over restarts (APTPL, SPC-4 5.13.5). Implemented by
 * whoever embeds the target.
 */
public interface ReservationStore {
    /** Longest state of a unit. */
    int MAXIMUM_BYTES = 64 << 10;

    /** Keeps nothing: units then refuse APTPL. */
    ReservationStore NONE =
            new ReservationStore() {
                @Override
                public boolean keeps() {
                    return false;
                }

                @Override
                public byte @Nullable [] load(long unit) {
                    return null;
                }

                @Override
                public CompletionStage<Void> save(long unit, byte[] state) {
                    return CompletableFuture.completedFuture(null);
                }
            };

    /** Whether what is saved is there after a restart. */
    default boolean keeps() {
        return true;
    }

    /**
     * What was saved last for a unit; null for nothing. Must not block for long: called when the
     * unit is first opened.
     *
     * @param unit {@link UnitDescription#identifier}
     */
    byte @Nullable [] load(long unit);

    /**
     * Saves the state of a unit; an empty one when there is none any more. The stage completes once
     * it is durable; the command that changed it is answered only then.
     */
    CompletionStage<Void> save(long unit, byte[] state);
}
