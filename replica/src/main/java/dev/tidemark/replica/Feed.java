package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.execution.Causes;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Puts another site's records into a copy's log, one for one, in their order and with their times.
 *
 * <p>One call at a time: {@link #append} and the changes of volumes are called anew when the one
 * before has completed. After a failure the feed takes nothing more; a new one begins where the log
 * ends. Each record may only get the number that its place in the source's order gives it, so a
 * record that is lost on the way stops all that follow.
 */
public final class Feed implements AutoCloseable {
    private final Engine engine;
    private final VolumeChanges volumes;
    private final FoldWait fold;
    private final int source;
    private long nextLocal;
    private volatile boolean closed;

    Feed(Engine engine, VolumeChanges volumes) {
        this.engine = engine;
        this.volumes = volumes;
        this.fold = new FoldWait(engine);
        this.source = engine.roles.source();
        this.nextLocal = engine.journal.redo().lastSequence() + 1;
    }

    /**
     * The last record in the log, in the source's numbers. Its epoch is 0 where both sites' numbers
     * begin to go together: what this site's history was before is not the source's.
     */
    public StreamPosition position() {
        var redo = engine.journal.redo();
        Role role = engine.roles.role();
        long last = redo.lastSequence();
        return new StreamPosition(
                role.toSource(last),
                redo.lastTimeMicros(),
                last == role.newest().localSequence() ? 0 : engine.journal.epoch());
    }

    /** Records of the source that are older than this have this time here. */
    public long floorMicros() {
        return engine.roles.role().newest().floorMicros();
    }

    /**
     * Appends a batch as {@link Shipment#next} made it.
     *
     * @param batch the caller's; read, and kept until the future has ended
     * @return fails with a {@link ReplicaException} when a record is not the next one, or damaged,
     *     or the log did not take it
     */
    public CompletableFuture<Void> append(ByteBuf batch) {
        Appending appending = new Appending(batch.retain());
        return appending.start();
    }

    /** Whether the batch that was appended last waits for the fold, which is behind. */
    public boolean waitsForFold() {
        return fold.isWaiting();
    }

    /** One batch on its way into the log. */
    private final class Appending {
        private final ByteBuf batch;
        private final RecordWire record = new RecordWire();
        private final CompletableFuture<Void> done = new CompletableFuture<>();

        /** Records that have not ended, and one for the decoding. */
        private final AtomicInteger open = new AtomicInteger(1);

        private volatile @Nullable Throwable failure;
        private int left;

        Appending(ByteBuf batch) {
            this.batch = batch;
        }

        CompletableFuture<Void> start() {
            try {
                left = RecordWire.count(batch);
                whenFoldAllows();
            } catch (ReplicaException malformed) {
                fail(malformed);
            }
            return done;
        }

        private void whenFoldAllows() {
            if (engine.roles.halfSync() != null) {
                fail(
                        new ReplicaException(
                                ReplicaException.Kind.FAILED,
                                "the copy is half synchronised; that has to come to its end first"));
            } else if (closed) {
                fail(new ReplicaException(ReplicaException.Kind.FAILED, "the feed is closed"));
            } else if (engine.throttle.isClosed()) {
                var _ = fold.opened().thenRun(this::whenFoldAllows);
            } else {
                goOn();
            }
        }

        /** Stages records until one needs something done before it. */
        private void goOn() {
            try {
                while (left > 0 && failure == null) {
                    record.decode(batch);
                    left--;
                    if (!stage()) {
                        engine.journal.redo().submit();
                        return;
                    }
                }
                if (left == 0) {
                    RecordWire.requireEnd(batch);
                }
                engine.journal.redo().submit();
                ended(null);
            } catch (ReplicaException refused) {
                engine.journal.redo().submit();
                fail(refused);
            }
        }

        /** False when the rest of the batch goes on later. */
        private boolean stage() throws ReplicaException {
            long local = engine.roles.role().toLocal(record.sequence);
            if (local != nextLocal) {
                throw RecordWire.malformed(
                        "record "
                                + record.sequence
                                + " comes where "
                                + engine.roles.role().toSource(nextLocal)
                                + " should");
            }
            nextLocal++;
            switch (record.kind) {
                case WRITE, ZERO -> stageWrite(local);
                case CHECKPOINT -> stageCheckpoint(local);
                case RESIZE -> {
                    later(volumes.growForFeed(record.volume, record.lengthBytes), local);
                    return false;
                }
                case PROMOTE -> {
                    engine.roles.requireKnownTenure(beginningEpoch());
                    later(engine.promotions.sourceBegins(local), local);
                    return false;
                }
                case PROMOTED -> {
                    later(engine.promotions.sourceEnds(local), local);
                    return false;
                }
            }
            return true;
        }

        private void stageWrite(long local) throws ReplicaException {
            Volume volume = engine.volumes.named(record.volume);
            long size = volume.sizeAt(Long.MAX_VALUE);
            if (record.offsetBytes + record.lengthBytes > size
                    || record.payload.readableBytes()
                            > engine.journal.redo().maximumPayloadBytes()) {
                throw RecordWire.malformed(
                        "record "
                                + record.sequence
                                + " of "
                                + record.lengthBytes
                                + " bytes at "
                                + record.offsetBytes
                                + " does not fit volume "
                                + volume.name()
                                + " of "
                                + size
                                + " bytes, or a storage unit here");
            }
            open.incrementAndGet();
            engine.journal
                    .redo()
                    .stage(new FeedWrite(engine.log, volume, record, local, source, ended()));
        }

        private void stageCheckpoint(long local) throws ReplicaException {
            ByteBuf text = record.payload.isReadable() ? record.payload.copy() : null;
            int flags = record.flags;
            try {
                Checkpoint.of(local, record.timeMicros, flags, text);
            } catch (IllegalArgumentException malformed) {
                if (text != null) {
                    text.release();
                }
                throw RecordWire.malformed(Failures.message(malformed));
            }
            open.incrementAndGet();
            var _ =
                    put(engine.checkpoints.ofSource(text, flags), local)
                            .whenComplete((nothing, failed) -> {
                                if (failed != null) {
                                    failure = failed;
                                }
                                ended(failed);
                            });
        }

        /** A copy that was active itself meanwhile is ahead of its source's epochs. */
        private int beginningEpoch() {
            return Math.max(record.epoch, engine.journal.epoch() + 1);
        }

        private CompletableFuture<Void> put(Mark mark, long local) {
            mark.ofSource(local, record.timeMicros, () -> engine.roles.refusal(source));
            if (record.kind == RecordKind.PROMOTE) {
                mark.begin(beginningEpoch());
            }
            mark.into(engine.log);
            engine.journal.redo().stage(mark);
            return mark.done();
        }

        /**
         * A mark whose preparation waits for a disk; what follows relies on its being in the log.
         */
        private void later(CompletableFuture<Mark> prepared, long local) {
            var _ =
                    prepared.thenCompose(
                                    mark -> {
                                        CompletableFuture<Void> written = put(mark, local);
                                        engine.journal.redo().submit();
                                        return written;
                                    })
                            .whenComplete((nothing, failed) -> {
                                if (failed == null) {
                                    goOn();
                                } else {
                                    fail(Causes.of(failed));
                                }
                            });
        }

        private Completion ended() {
            return new Completion() {
                @Override
                public void succeeded() {
                    ended(null);
                }

                @Override
                public void failed(BlockDeviceException cause) {
                    failure = cause;
                    ended(cause);
                }
            };
        }

        private void fail(Throwable cause) {
            failure = cause;
            ended(cause);
        }

        private void ended(@Nullable Throwable cause) {
            if (cause != null) {
                closed = true;
            }
            if (open.decrementAndGet() > 0) {
                return;
            }
            batch.release();
            Throwable failed = failure;
            if (failed == null) {
                done.complete(null);
            } else {
                done.completeExceptionally(Failures.replica(failed));
            }
        }
    }

    /** Completes with the source's number of the newest record that is on stable storage then. */
    public CompletableFuture<Long> force() {
        CompletableFuture<Long> result = new CompletableFuture<>();
        long last = engine.journal.redo().lastSequence();
        engine.journal
                .redo()
                .force(
                        new Completion() {
                            @Override
                            public void succeeded() {
                                result.complete(engine.roles.role().toSource(last));
                            }

                            @Override
                            public void failed(BlockDeviceException failure) {
                                result.completeExceptionally(Failures.replica(failure));
                            }
                        });
        return result;
    }

    /** The source has a new, empty volume. Nothing happens when the copy has it. */
    public CompletableFuture<Void> addVolume(int id, String name, long sizeBytes) {
        return volumes.addForFeed(id, name, sizeBytes);
    }

    /** The source has given a volume another name. */
    public CompletableFuture<Void> renameVolume(int id, String name) {
        return volumes.renameForFeed(id, name);
    }

    /**
     * The source has deleted a volume. The copy keeps it, with its past: what is deleted by mistake
     * is a reason to have a copy.
     */
    public CompletableFuture<Void> volumeRemoved(int id) {
        engine.listener.event(
                engine.id,
                "volume "
                        + id
                        + " was deleted at the source; its copy stays as long as the group is a copy");
        return CompletableFuture.completedFuture(null);
    }

    /** Takes nothing more. */
    @Override
    public void close() {
        closed = true;
        fold.end();
    }
}
