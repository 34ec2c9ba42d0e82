package dev.tidemark.replica;

import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.RecordCursor;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.storage.StorageException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Brings a group back to where its journal says it was: a fold that was interrupted is finished,
 * the redo after it becomes layers again. Blocking.
 */
final class Recovery {
    private final Engine engine;
    private final VolumeChanges volumes;
    private long replayedRecords;
    private boolean foldFinished;

    Recovery(Engine engine, VolumeChanges volumes) {
        this.engine = engine;
        this.volumes = volumes;
    }

    /**
     * @param copies the newest record that the copy of each peer is known to have; null when nobody
     *     says
     */
    void run(@Nullable Map<UUID, Long> copies)
            throws ReplicaException, JournalException, StorageException {
        engine.roles.recover();
        volumes.recover();
        foldFinished = finishFold(engine);
        engine.head.begin(engine.journal.goldBoundary().redo());
        engine.journal.deleteAttribute(Drain.CLEAN, false);
        // Pins first: nothing that an image or a promotion needs may expire.
        engine.images.recover();
        engine.promotions.recover();
        engine.roleChanges.recover();
        engine.dirtyMaps.recover(copies);
        if (copies != null) {
            engine.openingHolds.take(copies);
        }
        replay();
        engine.promotions.resumeAfterReplay();
        engine.roleChanges.resumeAfterReplay();
        engine.journal.start();
        engine.listener.recovered(
                engine.id,
                engine.journal.redo().lastSequence(),
                replayedRecords,
                foldFinished,
                engine.images.count());
        engine.fold.request();
    }

    /**
     * Before anything else stands on gold: writes the interval of a recorded run into gold again,
     * from redo.
     */
    static boolean finishFold(Engine engine)
            throws JournalException, ReplicaException, StorageException {
        Boundary pending = engine.journal.pendingRun();
        if (pending == null) {
            return false;
        }
        Layer layer = new Layer(engine.journal.goldBoundary().redo());
        try (RecordCursor cursor = engine.journal.redo().cursor(layer.begin())) {
            while (cursor.next() && cursor.sequence() <= pending.sequence()) {
                putAgain(engine, layer, cursor);
            }
        }
        layer.seal(
                new Layer.End(
                        pending.sequence(),
                        pending.timeMicros(),
                        pending.redo(),
                        pending.checkpoint()));
        ByteBuf memory = PooledByteBufAllocator.DEFAULT.directBuffer(FoldSteps.BUFFER_BYTES);
        try {
            FoldSteps steps =
                    new FoldSteps(
                            engine.journal,
                            engine.volumes,
                            engine.meters,
                            layer,
                            pending,
                            memory.nioBuffer(0, FoldSteps.BUFFER_BYTES),
                            true);
            engine.rules.fold(steps);
        } catch (StorageException failure) {
            throw failure;
        } catch (IOException failure) {
            throw Failures.replica(failure);
        } finally {
            memory.release();
        }
        return true;
    }

    private static void putAgain(Engine engine, Layer layer, RecordCursor cursor) {
        RecordKind kind = cursor.kind();
        boolean write = kind == RecordKind.WRITE;
        Volume volume = engine.volumes.find(cursor.volume());
        if (volume == null || (!write && kind != RecordKind.ZERO)) {
            return;
        }
        volume.allocation().add(cursor.offsetBytes(), write ? cursor.lengthBytes() : 0);
        layer.put(
                cursor.volume(),
                cursor.offsetBytes(),
                cursor.lengthBytes(),
                write ? cursor.segment() : Head.zeroKind(cursor.flags()),
                cursor.position(),
                0,
                0);
    }

    private void replay() throws JournalException {
        Boundary gold = engine.journal.goldBoundary();
        try (RecordCursor cursor = engine.journal.redo().cursor(gold.redo())) {
            while (cursor.next()) {
                replay(cursor);
                replayedRecords++;
            }
        }
    }

    private void replay(RecordCursor cursor) throws JournalException {
        switch (cursor.kind()) {
            case WRITE, ZERO -> replayWrite(cursor);
            case CHECKPOINT -> seal(cursor, cursor.checkpoint());
            case RESIZE -> replayResize(cursor);
            case PROMOTE -> {
                engine.promotions.replayedPromote(cursor.sequence(), cursor.epoch());
                seal(cursor, null);
            }
            case PROMOTED -> {
                engine.promotions.replayedPromoted(cursor.sequence());
                seal(cursor, null);
            }
        }
    }

    private void replayWrite(RecordCursor cursor) {
        Volume volume = engine.volumes.find(cursor.volume());
        if (volume == null) {
            return;
        }
        engine.throttle.charge(
                engine.head.put(
                        cursor.kind(),
                        cursor.flags(),
                        volume,
                        cursor.offsetBytes(),
                        cursor.lengthBytes(),
                        cursor.segment(),
                        cursor.position()));
        engine.head.cutIfFull(cursor.sequence(), cursor.timeMicros(), cursor.end());
        engine.checkpoints.written();
    }

    private void replayResize(RecordCursor cursor) throws JournalException {
        Volume volume = engine.volumes.find(cursor.volume());
        if (volume == null || volume.sizeAt(Long.MAX_VALUE) >= cursor.lengthBytes()) {
            return;
        }
        volume.resizeInHistory(cursor.sequence(), cursor.lengthBytes());
        volume.save(engine.journal, false);
        volume.publishSize();
    }

    private void seal(RecordCursor cursor, @Nullable Checkpoint checkpoint) {
        engine.head.seal(cursor.sequence(), cursor.timeMicros(), cursor.end(), checkpoint);
    }
}
