package dev.tidemark.gateway.targets;

import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.iscsi.target.ReservationStore;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Persistent reservations in the catalogue, all read at the start. Thread-safe; states are written
 * in the order in which they come.
 */
final class KeptReservations implements ReservationStore {
    private final Catalogue catalogue;
    private final Executor executor;
    private final Map<Long, byte[]> states;
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null); // by this

    /**
     * @param executor writes, and may block
     */
    KeptReservations(Catalogue catalogue, Executor executor) {
        this.catalogue = catalogue;
        this.executor = executor;
        this.states = new ConcurrentHashMap<>(catalogue.reservations());
    }

    @Override
    public byte @Nullable [] load(long unit) {
        return states.get(unit);
    }

    @Override
    public synchronized CompletionStage<Void> save(long unit, byte[] state) {
        CompletableFuture<Void> written =
                last.exceptionally(earlier -> null) // whoever waited for it was told
                        .thenRunAsync(() -> write(unit, state), executor);
        last = written;
        return written.copy();
    }

    private void write(long unit, byte[] state) {
        catalogue.keepReservations(unit, state);
        if (state.length == 0) {
            states.remove(unit);
        } else {
            states.put(unit, state);
        }
    }
}
