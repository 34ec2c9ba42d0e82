package dev.tidemark.replica;

import dev.tidemark.journal.Point;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A rollback or promotion on its way into gold. Thread-safe. */
public interface PromotionTask {
    /** The point the group is set to; completes before {@link #usable()}. */
    CompletableFuture<Point> point();

    /** The image whose writes are promoted with the point; null for a rollback. */
    @Nullable UUID image();

    /** Completes, durably, when the live disks read as the promoted state; the copy goes on. */
    CompletableFuture<Void> usable();

    /** Share of the copy done, 0 to 1. */
    double progress();

    /** Completes when nothing differs and the PROMOTED record is durable. */
    CompletableFuture<Void> done();
}
