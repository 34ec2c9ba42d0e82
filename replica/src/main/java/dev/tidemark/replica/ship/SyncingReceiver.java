package dev.tidemark.replica.ship;

import dev.tidemark.replica.CopyContent;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.StreamPosition;
import io.netty.buffer.ByteBuf;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A copy that is made or synchronised at this desk: takes regions of the disks, and an end. */
abstract class SyncingReceiver extends CopyReceiver {
    SyncingReceiver(@Nullable ProtectionGroup copy, Executor executor, Awaited awaited) {
        super(copy, executor, awaited);
    }

    /** What the source asks about. */
    abstract CopyContent content();

    /** The only site that may ask. */
    abstract UUID source();

    @Override
    final CompletableFuture<Void> content(int kind, ByteBuf body)
            throws MalformedMessageException, ReplicaException {
        return switch (kind) {
            case Kinds.DATA_REGION -> {
                Bytes.require(body, 12);
                yield write(body.readIntLE(), body.readLongLE(), body);
            }
            case Kinds.DATA_ZERO -> {
                Bytes.require(body, 20);
                yield zero(body.readIntLE(), body.readLongLE(), body.readLongLE());
            }
            case Kinds.DATA_END -> {
                StreamPosition position = position(body);
                // A source of before does not say why.
                String why = body.isReadable() ? line(Bytes.readText(body)) : "";
                yield complete(position, why).thenRunAsync(() -> completed(position), executor);
            }
            default -> super.content(kind, body);
        };
    }

    private static String line(String text) {
        return text.replaceAll("\\p{Cntrl}", " ");
    }

    private void completed(StreamPosition position) {
        acknowledge(position.sequence());
        end();
    }

    abstract CompletableFuture<Void> write(int volume, long offsetBytes, ByteBuf bytes)
            throws ReplicaException;

    abstract CompletableFuture<Void> zero(int volume, long offsetBytes, long lengthBytes)
            throws ReplicaException;

    /**
     * Everything is there: the copy is the source after the record at that position.
     *
     * @param why it was synchronised, for people
     */
    abstract CompletableFuture<Void> complete(StreamPosition position, String why)
            throws ReplicaException;
}
