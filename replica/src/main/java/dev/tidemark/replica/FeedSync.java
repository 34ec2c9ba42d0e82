package dev.tidemark.replica;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.execution.Causes;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.journal.RecordLog;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Brings a copy whose order was broken to what its source is now, while it keeps its past: regions
 * of the source's disks and its records go into the log, as they come, as writes of the copy's own
 * between a PROMOTE and a PROMOTED mark. Points in between are refused. At its end a new stretch
 * begins, from which a {@link Feed} goes on.
 *
 * <p>One change at a time: each is called when the one before has completed. Every record may only
 * get the number after the one before, so that nothing of an earlier attempt or feed can come in
 * between unseen. Questions may be asked meanwhile: what is not in the log yet comes after them in
 * the source's order, too.
 */
public final class FeedSync implements CopyContent, AutoCloseable {
    private final Engine engine;
    private final RecordLog redo;
    private final VolumeChanges volumes;
    private final FoldWait fold;
    private final int source;
    private final int maximumBytes;
    private long nextLocal;
    private volatile boolean closed;

    FeedSync(Engine engine, VolumeChanges volumes) {
        this.engine = engine;
        this.redo = engine.journal.redo();
        this.volumes = volumes;
        this.fold = new FoldWait(engine);
        this.source = engine.roles.source();
        this.maximumBytes = LiveDevice.maximumBytes(redo.maximumPayloadBytes());
    }

    /**
     * Begins, or begins anew what an attempt before did not end. Before everything else.
     *
     * @param wanted the volumes that the source has. Of a copy of which no record is known to be
     *     the source's, other volumes become empty: what they hold was never there
     */
    public CompletableFuture<Void> begin(Set<Integer> wanted) {
        return engine.maintenance
                .submit(() -> {
                    nextLocal = redo.lastSequence() + 1;
                    return engine.promotions.syncBegins(nextLocal);
                })
                .thenCompose(needed ->
                        needed
                                ? put(promote(engine.journal.epoch() + 1), 0)
                                : CompletableFuture.completedFuture(null))
                .thenCompose(begun -> clearAllBut(wanted));
    }

    private CompletableFuture<Void> clearAllBut(Set<Integer> wanted) {
        CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
        HalfSync half = engine.roles.halfSync();
        if (half == null || half.base().isKnown()) {
            return done;
        }
        for (Volume volume : engine.volumes.all()) {
            if (!wanted.contains(volume.id())) {
                done = done.thenCompose(before -> clearAfter(volume, 0));
            }
        }
        return done;
    }

    private Mark promote(int epoch) {
        Mark mark = boundary(RecordKind.PROMOTE);
        mark.begin(epoch);
        return mark;
    }

    private Mark boundary(RecordKind kind) {
        return Mark.promotion(kind, () -> {}, mark -> engine.log.boundary(mark, null));
    }

    /**
     * Appends a mark, durably.
     *
     * @param micros when it was made; a copy's time does not go back, nor on by itself
     */
    private CompletableFuture<Void> put(Mark mark, long micros) {
        if (closed) {
            return CompletableFuture.failedFuture(isClosed());
        }
        mark.ofSource(nextLocal++, time(micros), () -> engine.roles.refusal(source));
        engine.log.write(mark);
        return mark.done()
                .exceptionally(failure -> {
                    throw new CompletionException(Failures.replica(Causes.of(failure)));
                });
    }

    private long time(long micros) {
        return Math.max(1, Math.max(micros, redo.lastTimeMicros()));
    }

    private static ReplicaException isClosed() {
        return new ReplicaException(
                ReplicaException.Kind.FAILED, "the synchronisation has ended or was given up");
    }

    /** A volume of the source, with the name and the size that it has. */
    public CompletableFuture<Void> volume(int id, String name, long sizeBytes) {
        Volume known = engine.volumes.find(id);
        if (known == null) {
            return volumes.addForFeed(id, name, sizeBytes);
        }
        CompletableFuture<Void> renamed =
                known.name().equals(name)
                        ? CompletableFuture.completedFuture(null)
                        : rename(id, name);
        return renamed.thenCompose(done -> grow(known, sizeBytes, 0))
                .thenCompose(done -> clearAfter(known, sizeBytes));
    }

    /** A volume does not shrink: what the source has not got reads as what it will grow by. */
    private CompletableFuture<Void> clearAfter(Volume volume, long sizeBytes) {
        long size = volume.sizeAt(Long.MAX_VALUE);
        return size > sizeBytes
                ? zero(volume.id(), sizeBytes, size - sizeBytes)
                : CompletableFuture.completedFuture(null);
    }

    private CompletableFuture<Void> grow(Volume volume, long sizeBytes, long micros) {
        return volume.sizeAt(Long.MAX_VALUE) >= sizeBytes
                ? CompletableFuture.completedFuture(null)
                : volumes.growForFeed(volume.id(), sizeBytes)
                        .thenCompose(mark -> put(mark, micros));
    }

    /** The source has given a volume another name. */
    public CompletableFuture<Void> rename(int id, String name) {
        return volumes.renameForFeed(id, name);
    }

    /** The source has deleted a volume; the copy keeps it, as a {@link Feed} does. */
    public CompletableFuture<Void> volumeRemoved(int id) {
        engine.listener.event(
                engine.id,
                "volume "
                        + id
                        + " was deleted at the source; its copy stays until it is deleted here");
        return CompletableFuture.completedFuture(null);
    }

    /** Records of the source, as {@link Shipment#next} made them; kept until the future ends. */
    public CompletableFuture<Void> append(ByteBuf batch) {
        return whenFoldAllows(() -> new Appending(batch.retain()).start());
    }

    /** What a region of the source holds; the readable bytes are kept until the future ends. */
    public CompletableFuture<Void> write(int id, long offsetBytes, ByteBuf bytes) {
        ByteBuf kept = bytes.retainedSlice();
        return staged(
                kept,
                staging -> {
                    Volume volume = within(id, offsetBytes, kept.readableBytes());
                    long at = offsetBytes;
                    while (kept.isReadable()) {
                        int length = Math.min(maximumBytes, kept.readableBytes());
                        staging.stage(volume).data(at, kept.readSlice(length));
                        at += length;
                    }
                });
    }

    /** The source holds nothing there; nothing is done where nothing was ever written. */
    public CompletableFuture<Void> zero(int id, long offsetBytes, long lengthBytes) {
        return staged(
                null,
                staging -> {
                    Volume volume = within(id, offsetBytes, lengthBytes);
                    AllocationMap map = volume.allocation();
                    long end = offsetBytes + lengthBytes;
                    long at = map.dataFrom(offsetBytes, end);
                    while (at < end) {
                        long until = map.holeFrom(at, end);
                        staging.zeros(volume, at, until, true, 0);
                        at = map.dataFrom(until, end);
                    }
                });
    }

    private Volume within(int id, long offsetBytes, long lengthBytes) throws ReplicaException {
        Volume volume = engine.volumes.named(id);
        long size = volume.sizeAt(Long.MAX_VALUE);
        if (offsetBytes < 0 || lengthBytes < 0 || lengthBytes > size - offsetBytes) {
            throw RecordWire.malformed(
                    lengthBytes
                            + " bytes at "
                            + offsetBytes
                            + " of volume "
                            + volume.name()
                            + " of "
                            + size
                            + " bytes");
        }
        return volume;
    }

    private interface Step {
        CompletableFuture<Void> run();
    }

    private CompletableFuture<Void> whenFoldAllows(Step step) {
        if (closed) {
            return CompletableFuture.failedFuture(isClosed());
        }
        if (!engine.throttle.isClosed()) {
            return step.run();
        }
        return fold.opened().thenCompose(now -> whenFoldAllows(step));
    }

    private interface Filling {
        void fill(Staging staging) throws ReplicaException;
    }

    private CompletableFuture<Void> staged(@Nullable ByteBuf kept, Filling filling) {
        CompletableFuture<Void> done =
                whenFoldAllows(() -> {
                    Staging staging = new Staging();
                    try {
                        filling.fill(staging);
                    } catch (ReplicaException refused) {
                        staging.refuse(refused);
                    }
                    return staging.end();
                });
        return kept == null ? done : done.whenComplete((nothing, failure) -> kept.release());
    }

    /** Records on their way into the log. */
    private final class Staging implements Completion {
        private final AtomicInteger open = new AtomicInteger(1);
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private final List<SyncWrite> filled = new ArrayList<>();
        private volatile @Nullable Throwable failure;

        /** The next record, to be filled by the caller. */
        SyncWrite stage(Volume volume) {
            return stage(volume, 0);
        }

        SyncWrite stage(Volume volume, long micros) {
            open.incrementAndGet();
            SyncWrite write =
                    new SyncWrite(engine.log, volume, this, source, nextLocal++, time(micros));
            filled.add(write);
            return write;
        }

        /** Zeros, in pieces as {@link ZeroRequest}'s. */
        void zeros(Volume volume, long from, long end, boolean deallocate, long micros) {
            long budget = engine.head.weightLimitBytes();
            long at = from;
            while (at < end) {
                long until = ZeroRequest.pieceEnd(volume.allocation(), budget, at, end);
                stage(volume, micros).zeros(at, until - at, deallocate);
                at = until;
            }
        }

        void refuse(Throwable refused) {
            failure = refused;
        }

        /** Puts them into the log. */
        CompletableFuture<Void> end() {
            if (failure == null) {
                filled.forEach(redo::stage);
                redo.submit();
                succeeded();
            } else {
                filled.clear();
                closed = true;
                done.completeExceptionally(failure);
            }
            return done;
        }

        @Override
        public void succeeded() {
            if (open.decrementAndGet() > 0) {
                return;
            }
            Throwable failed = failure;
            if (failed == null) {
                done.complete(null);
            } else {
                closed = true;
                done.completeExceptionally(Failures.replica(failed));
            }
        }

        @Override
        public void failed(BlockDeviceException cause) {
            failure = cause;
            succeeded();
        }
    }

    /** A batch of the source's records: what they wrote, without their marks. */
    private final class Appending {
        private final ByteBuf batch;
        private final RecordWire record = new RecordWire();
        private int left;

        Appending(ByteBuf batch) {
            this.batch = batch;
        }

        CompletableFuture<Void> start() {
            try {
                left = RecordWire.count(batch);
            } catch (ReplicaException malformed) {
                batch.release();
                closed = true;
                return CompletableFuture.failedFuture(malformed);
            }
            return goOn().whenComplete((nothing, failure) -> batch.release());
        }

        /** Stages records until one needs something done before what follows. */
        private CompletableFuture<Void> goOn() {
            Staging staging = new Staging();
            Volume growing = null;
            try {
                while (left > 0 && growing == null) {
                    record.decode(batch);
                    left--;
                    Volume volume = engine.volumes.find(record.volume);
                    if (volume != null) {
                        growing = stage(staging, volume);
                    }
                }
                if (left == 0) {
                    RecordWire.requireEnd(batch);
                }
            } catch (ReplicaException refused) {
                staging.refuse(refused);
            }
            Volume grown = growing;
            CompletableFuture<Void> done = staging.end();
            return grown == null
                    ? done
                    : done.thenCompose(before -> grow(grown, record.lengthBytes, record.timeMicros))
                            .thenCompose(before -> goOn());
        }

        /** The volume, when it is to grow next. */
        private @Nullable Volume stage(Staging staging, Volume volume) throws ReplicaException {
            switch (record.kind) {
                case WRITE -> {
                    within(volume.id(), record.offsetBytes, record.lengthBytes);
                    if (record.payload.readableBytes() > redo.maximumPayloadBytes()) {
                        throw RecordWire.malformed(
                                "record "
                                        + record.sequence
                                        + " of "
                                        + record.lengthBytes
                                        + " bytes does not fit a storage unit here");
                    }
                    staging.stage(volume, record.timeMicros)
                            .data(record.offsetBytes, record.payload)
                            .checkedBy(record.checksums);
                }
                case ZERO -> {
                    within(volume.id(), record.offsetBytes, record.lengthBytes);
                    boolean hole = (record.flags & PendingRecord.FLAG_DEALLOCATE) != 0;
                    staging.zeros(
                            volume,
                            record.offsetBytes,
                            record.offsetBytes + record.lengthBytes,
                            hole,
                            record.timeMicros);
                }
                case RESIZE -> {
                    // One that changes nothing is passed over: others would wait in a row for it.
                    return volume.sizeAt(Long.MAX_VALUE) < record.lengthBytes ? volume : null;
                }
                case CHECKPOINT, PROMOTE, PROMOTED -> {
                    // Points in between are refused here.
                }
            }
            return null;
        }
    }

    /**
     * The copy is the source at a record: durable when the future completes.
     *
     * @param position that record
     * @param why the source says that this was needed
     */
    public CompletableFuture<Void> end(StreamPosition position, String why) {
        try {
            engine.roles.requireKnownTenure(position.epoch());
        } catch (ReplicaException refused) {
            return CompletableFuture.failedFuture(refused);
        }
        // The source's epochs must not be ahead of the copy's.
        CompletableFuture<Void> before =
                position.epoch() > engine.journal.epoch()
                        ? put(promote(position.epoch()), position.timeMicros())
                        : CompletableFuture.completedFuture(null);
        Mark mark = boundary(RecordKind.PROMOTED);
        return before.thenCompose(nothing -> put(mark, position.timeMicros()))
                .thenCompose(nothing ->
                        engine.maintenance.submit(() -> {
                            engine.promotions.syncEnds(mark, position, why);
                            closed = true;
                            return null;
                        }));
    }

    @Override
    public <T> List<T> allocated(
            int id, long offsetBytes, long lengthBytes, int limit, RangeMaker<T> maker)
            throws ReplicaException {
        Volume volume = engine.volumes.named(id);
        // The source may be ahead of what has arrived here.
        long end = Math.min(offsetBytes + lengthBytes, volume.sizeAt(Long.MAX_VALUE));
        List<T> ranges = new ArrayList<>();
        long at = offsetBytes;
        try {
            while (at < end && ranges.size() < limit) {
                ExtentMap window = new ExtentMap();
                long until = engine.head.allocation(id, at, end - at, limit, window);
                window.visit(at, until - at, new DataRanges<>(ranges, limit, maker));
                at = until;
            }
        } catch (BlockDeviceException failure) {
            throw Failures.replica(failure);
        }
        return ranges;
    }

    private record DataRanges<T>(List<T> into, int limit, RangeMaker<T> maker)
            implements ExtentMap.Visitor {
        @Override
        public void extent(long offset, long length, long origin, long value, long unused) {
            if ((value & Allocation.ZERO) == 0 && into.size() < limit) {
                into.add(maker.range(offset, length));
            }
        }

        @Override
        public void gap(long offset, long length) {
            throw new AssertionError("nothing is said about " + offset + " + " + length);
        }
    }

    @Override
    public void read(int id, long offsetBytes, ByteBuffer target) throws ReplicaException {
        within(id, offsetBytes, target.remaining());
        try {
            engine.head.read(id, offsetBytes, target.slice(), false);
            target.position(target.limit());
        } catch (BlockDeviceException failure) {
            throw Failures.replica(failure);
        }
    }

    /** Takes nothing more; the copy stays half synchronised unless the end was reached. */
    @Override
    public void close() {
        closed = true;
        fold.end();
    }
}
