package dev.tidemark.replica;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Copies a raw image into a new gold image, leaving zeros out, one chunk per task on the I/O
 * executor so that nothing else waits for it.
 */
final class VolumeImport {
    private static final int CHUNK_BYTES = 4 << 20;

    private final Engine engine;
    private final int id;
    private final String name;
    private final long sizeBytes;
    private final StorageFile source;
    private final GoldImage gold;
    private final Progress progress;
    private final AllocationMap content = new AllocationMap();
    private final CompletableFuture<VolumeImport> end = new CompletableFuture<>();
    private long at;
    private @Nullable Exception failure;

    VolumeImport(
            Engine engine,
            int id,
            String name,
            long sizeBytes,
            StorageFile source,
            GoldImage gold,
            Progress progress) {
        this.engine = engine;
        this.id = id;
        this.name = name;
        this.sizeBytes = sizeBytes;
        this.source = source;
        this.gold = gold;
        this.progress = progress;
    }

    int id() {
        return id;
    }

    String name() {
        return name;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    GoldImage gold() {
        return gold;
    }

    AllocationMap content() {
        return content;
    }

    /** Why the copy ended early; null when it is complete. */
    @Nullable Exception failure() {
        return failure;
    }

    /** Completes, always normally, when the copy has ended. */
    CompletableFuture<VolumeImport> copy() {
        engine.scheduler.io().execute(this::step);
        return end;
    }

    private void step() {
        ByteBuf memory = PooledByteBufAllocator.DEFAULT.directBuffer(CHUNK_BYTES);
        try {
            if (engine.health.isClosing()) {
                throw Failures.replica(Failures.closed("the group"));
            }
            copyChunk(memory.nioBuffer(0, (int) Math.min(CHUNK_BYTES, sizeBytes - at)));
        } catch (StorageException | ReplicaException failed) {
            failure = failed;
        } finally {
            memory.release();
        }
        if (failure != null || at == sizeBytes) {
            end.complete(this);
        } else {
            engine.scheduler.io().execute(this::step);
        }
    }

    private void copyChunk(ByteBuffer chunk) throws StorageException {
        int length = chunk.remaining();
        source.read(at, chunk);
        Zeros.fill(chunk);
        DataParts.each(
                chunk,
                (offset, bytes) -> {
                    content.add(at + offset, bytes.remaining());
                    gold.write(at + offset, bytes);
                });
        at += length;
        progress.advanced(at, sizeBytes);
    }
}
