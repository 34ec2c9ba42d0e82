package dev.tidemark.gateway.exports;

import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.PointInTimeView;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Open views, one for each group and instant however many connections look through it. Thread-safe.
 */
final class SharedViews {
    private record Key(UUID group, long sequence) {}

    /** A view with the number of those who hold it. */
    private static final class Entry {
        final CompletableFuture<PointInTimeView> view;
        int holders; // guarded by SharedViews.this

        Entry(CompletableFuture<PointInTimeView> view) {
            this.view = view;
        }
    }

    /** A holder's hold on a view; closing it is idempotent. */
    final class Hold implements AutoCloseable {
        private final Key key;
        private final Entry entry;
        private boolean closed; // guarded by SharedViews.this

        private Hold(Key key, Entry entry) {
            this.key = key;
            this.entry = entry;
        }

        PointInTimeView view() {
            return entry.view.join();
        }

        @Override
        public void close() {
            synchronized (SharedViews.this) {
                if (closed) {
                    return;
                }
                closed = true;
                entry.holders--;
                if (entry.holders > 0) {
                    return;
                }
                entries.remove(key, entry);
            }
            if (!entry.view.isCompletedExceptionally()) {
                executor.execute(() -> entry.view.join().close());
            }
        }
    }

    private final Executor executor;
    private final Map<Key, Entry> entries = new HashMap<>(); // guarded by this

    /**
     * @param executor closes views, which may wait for reads in flight
     */
    SharedViews(Executor executor) {
        this.executor = executor;
    }

    /** Opens the view or joins those who have it open; blocks until it is there. */
    Hold open(Group group, long sequence) {
        Key key = new Key(group.row().id(), sequence);
        Hold hold;
        synchronized (this) {
            Entry entry =
                    entries.computeIfAbsent(
                            key,
                            absent ->
                                    new Entry(
                                            group.engine()
                                                    .openView(new PointSpec.AtSequence(sequence))));
            entry.holders++;
            hold = new Hold(key, entry);
        }
        try {
            Engine.await(hold.entry.view);
            return hold;
        } catch (RuntimeException e) {
            hold.close();
            throw e;
        }
    }

    synchronized int count() {
        return entries.size();
    }
}
