package dev.tidemark.gateway.exports;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.PrivateImages;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.Image;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writable copies of points, each for the connections of one client: made by the first, discarded
 * some time after the last has left, so that who comes back finds what was written. Those of a
 * gateway that died are discarded by the next start. Thread-safe.
 */
final class PrivateCopies {
    private static final Logger log = LoggerFactory.getLogger(PrivateCopies.class);

    /** Each takes journal space for what is written to it. */
    static final int MAXIMUM_COUNT = 16;

    /** Whose copy of what. */
    record Key(ClientIdentity client, UUID group, long sequence, String label) {}

    private static final class Copy {
        final UUID id = PrivateImages.newId();
        final Group group;
        final CompletableFuture<Image> image;
        int connections; // guarded by PrivateCopies.this, like the next
        Scheduler.@Nullable Cancellable end;

        Copy(Group group, long sequence) {
            this.group = group;
            this.image = group.engine().startImage(id, new PointSpec.AtSequence(sequence));
        }
    }

    /** A connection's hold on a copy. */
    record Hold(Image image, Runnable release) {}

    private final Scheduler scheduler;
    private final long keptNanos;
    private final Map<Key, Copy> copies = new HashMap<>(); // guarded by this

    /**
     * @param kept how long a copy without a connection stays
     */
    PrivateCopies(Scheduler scheduler, Duration kept) {
        this.scheduler = scheduler;
        this.keptNanos = kept.toNanos();
    }

    /** Makes the copy or joins the client's other connections; blocks until it is there. */
    Hold open(Key key, Group group) {
        Copy copy;
        synchronized (this) {
            copy = copies.get(key);
            if (copy == null) {
                checkCount();
                copy = new Copy(group, key.sequence());
                copies.put(key, copy);
            }
            copy.connections++;
            if (copy.end != null) {
                copy.end.cancel();
                copy.end = null;
            }
        }
        try {
            Copy held = copy;
            return new Hold(Engine.await(copy.image), () -> released(key, held));
        } catch (ProblemException e) {
            released(key, copy);
            throw e;
        }
    }

    private void checkCount() {
        if (copies.size() >= MAXIMUM_COUNT) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "too many private copies are open",
                            Integer.toString(copies.size()),
                            "at most " + MAXIMUM_COUNT,
                            "disconnect from one and wait a moment, or start a recovery test"));
        }
    }

    private synchronized void released(Key key, Copy copy) {
        copy.connections--;
        if (copy.connections > 0) {
            return;
        }
        if (copy.image.isCompletedExceptionally()) {
            copies.remove(key, copy);
        } else {
            copy.end = scheduler.schedule(keptNanos, () -> discard(key, copy));
        }
    }

    private void discard(Key key, Copy copy) {
        synchronized (this) {
            if (copy.connections > 0 || !copies.remove(key, copy)) {
                return;
            }
        }
        var _ =
                copy.group
                        .engine()
                        .stopImage(copy.id, true)
                        .whenComplete((nothing, failure) -> {
                            if (failure != null) {
                                log.warn(
                                        "private copy {} stays until the next start: {}",
                                        copy.id,
                                        failure.toString());
                            }
                        });
    }

    synchronized int count() {
        return copies.size();
    }
}
