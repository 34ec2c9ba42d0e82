package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.RecordCursor;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.journal.RecordLog;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * A running recovery test: a view, and a write log of its own over it. What was written is found
 * through one extent map per volume, kept in memory and rebuilt from the log at a restart.
 * Thread-safe.
 */
final class ImageDisk implements HeldImage, Source {
    private final ImageRecord record;
    private final PointSource base;
    private final RecordLog log;
    private final Meters meters;
    private final Executor io;
    private final Map<Integer, ExtentMap> written = new TreeMap<>();
    private final AtomicInteger handles = new AtomicInteger();
    private final LongAdder bytesWritten = new LongAdder();
    private final CompletableFuture<Void> quiet = new CompletableFuture<>();
    private final Gate gate = new Gate(() -> quiet.complete(null));

    /** Set once it is being promoted: nobody may write any more. */
    private volatile boolean frozen;

    ImageDisk(ImageRecord record, PointSource base, RecordLog log, Meters meters, Executor io) {
        this.record = record;
        this.base = base;
        this.log = log;
        this.meters = meters;
        this.io = io;
        // Complete before anybody writes; each map is its own lock.
        record.volumes().forEach(volume -> written.put(volume.id(), new ExtentMap()));
    }

    /** Reads the write log back. Blocking; before anybody else has the image. */
    void replay() throws JournalException {
        try (RecordCursor cursor = log.cursor(log.begin())) {
            while (cursor.next()) {
                boolean write = cursor.kind() == RecordKind.WRITE;
                if (write || cursor.kind() == RecordKind.ZERO) {
                    put(
                            cursor.volume(),
                            cursor.offsetBytes(),
                            cursor.lengthBytes(),
                            write ? cursor.segment() : Head.zeroKind(cursor.flags()),
                            cursor.position());
                    bytesWritten.add(write ? cursor.lengthBytes() : 0);
                }
            }
        }
    }

    private void put(int volume, long offset, long length, long a, long b) {
        ExtentMap map = Objects.requireNonNull(written.get(volume), "not in the image");
        synchronized (map) {
            map.put(offset, length, a, b);
        }
    }

    @Override
    public boolean read(int volume, long offsetBytes, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException {
        if (!gate.enter()) {
            throw Failures.closed("image " + record.id());
        }
        try {
            return new LogRead(volume, offsetBytes).read(target, cachedOnly);
        } catch (JournalException failure) {
            throw Failures.device(failure);
        } finally {
            gate.exit();
        }
    }

    @Override
    public long allocation(
            int volume, long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException {
        if (!gate.enter()) {
            throw Failures.closed("image " + record.id());
        }
        try {
            return new LogRead(volume, offsetBytes).allocation(lengthBytes, limit, into);
        } finally {
            gate.exit();
        }
    }

    /** What was written to a volume: the extents of the log. The image is frozen. */
    void visitWritten(int volume, RangeSet.Visitor visitor) {
        ExtentMap map = written.get(volume);
        if (map == null) {
            return;
        }
        synchronized (map) {
            Extents extents = Extents.of(map);
            for (int i = 0; i < extents.count(); i++) {
                visitor.range(extents.offset(i), extents.length(i));
            }
        }
    }

    /** What was written to a range so far. */
    void visitWritten(int volume, long offset, long length, ExtentMap.Visitor visitor) {
        ExtentMap map = written.get(volume);
        if (map != null) {
            synchronized (map) {
                map.visit(offset, length, visitor);
            }
        }
    }

    @Override
    public UUID id() {
        return record.id();
    }

    @Override
    public Point point() {
        return record.point();
    }

    @Override
    public long startedMicros() {
        return record.startedMicros();
    }

    @Override
    public List<PointVolume> volumes() {
        return record.volumes();
    }

    @Override
    public BlockDevice device(int volume) throws ReplicaException {
        PointVolume found = PointView.find(record.volumes(), volume, record.point());
        if (frozen) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "image " + record.id() + " is being promoted; use the live disk");
        }
        if (gate.isClosed()) {
            throw new ReplicaException(
                    ReplicaException.Kind.NOT_FOUND, "image " + record.id() + " is stopped");
        }
        return new ImageDevice(this, found, io);
    }

    @Override
    public long bytesWritten() {
        return bytesWritten.sum();
    }

    @Override
    public long diskBytes() {
        return log.diskBytes();
    }

    @Override
    public int openHandles() {
        return handles.get();
    }

    @Override
    public String failure() {
        return "";
    }

    AtomicInteger handles() {
        return handles;
    }

    RecordLog log() {
        return log;
    }

    Meters meters() {
        return meters;
    }

    PointSource base() {
        return base;
    }

    @Override
    public ImageRecord record() {
        return record;
    }

    /** No new handles: the image is being promoted. */
    void freeze() {
        frozen = true;
    }

    void thaw() {
        frozen = false;
    }

    boolean isFrozen() {
        return frozen;
    }

    boolean isClosed() {
        return gate.isClosed();
    }

    /** Refuses everything from now on; completes when nothing is in flight. */
    CompletableFuture<Void> close() {
        gate.close();
        return quiet;
    }

    /** Takes a write into the log; the completion runs exactly once. */
    void stage(
            RecordKind kind,
            int flags,
            int volume,
            long offset,
            long length,
            @Nullable ByteBuf data,
            boolean force,
            Completion done) {
        if (!gate.enter()) {
            done.failed(Failures.closed("image " + record.id()));
            return;
        }
        log.stage(new ImageWrite(done).fill(kind, flags, volume, offset, length, data, force));
    }

    void force(Completion done) {
        if (!gate.enter()) {
            done.failed(Failures.closed("image " + record.id()));
            return;
        }
        log.force(
                new Completion() {
                    @Override
                    public void succeeded() {
                        done.succeeded();
                        gate.exit();
                    }

                    @Override
                    public void failed(BlockDeviceException failure) {
                        done.failed(failure);
                        gate.exit();
                    }
                });
    }

    /** A tester's write: its own record in the write log. */
    private final class ImageWrite extends PendingRecord {
        private final Completion done;

        ImageWrite(Completion done) {
            this.done = done;
        }

        ImageWrite fill(
                RecordKind kind,
                int flags,
                int volume,
                long offset,
                long length,
                @Nullable ByteBuf data,
                boolean force) {
            reset(kind, flags, volume, offset, length, data, force);
            return this;
        }

        @Override
        protected void appended() {
            boolean write = kind() == RecordKind.WRITE;
            put(
                    volume(),
                    offsetBytes(),
                    lengthBytes(),
                    write ? segment() : Head.zeroKind(flags()),
                    position());
            if (write) {
                bytesWritten.add(lengthBytes());
                meters.writeLogBytes.add(lengthBytes());
            }
        }

        @Override
        protected void completed() {
            done.succeeded();
            gate.exit();
        }

        @Override
        protected void failed(BlockDeviceException failure) {
            done.failed(failure);
            gate.exit();
        }
    }

    /** One read: parts from the log, the rest from the view below. */
    private final class LogRead implements ExtentMap.Visitor {
        private static final long BASE = -3;
        private final int volume;
        private final long start;
        private final Extents parts = new Extents(4);

        LogRead(int volume, long start) {
            this.volume = volume;
            this.start = start;
        }

        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            parts.extent(offset, length, origin, a, b);
        }

        @Override
        public void gap(long offset, long length) {
            parts.extent(offset, length, offset, BASE, 0);
        }

        private void lookUp(long length) {
            ExtentMap map = written.get(volume);
            if (map == null) {
                gap(start, length);
                return;
            }
            synchronized (map) {
                map.visit(start, length, this);
            }
        }

        boolean read(ByteBuffer target, boolean cachedOnly)
                throws JournalException, BlockDeviceException {
            lookUp(target.remaining());
            for (int i = 0; i < parts.count(); i++) {
                if (!read(i, target, cachedOnly)) {
                    return false;
                }
            }
            return true;
        }

        long allocation(long length, int limit, ExtentMap into) throws BlockDeviceException {
            lookUp(length);
            long at = start;
            for (int i = 0; i < parts.count() && at == parts.offset(i); i++) {
                if (into.count() >= limit) {
                    break;
                }
                if (parts.segment(i) == BASE) {
                    at = base.allocation(volume, at, parts.length(i), limit, into);
                } else {
                    into.put(at, parts.length(i), HeadRead.bits(parts.segment(i)), 0);
                    at = parts.end(i);
                }
            }
            return at;
        }

        private boolean read(int i, ByteBuffer target, boolean cachedOnly)
                throws JournalException, BlockDeviceException {
            long offset = parts.offset(i);
            int at = target.position() + (int) (offset - start);
            ByteBuffer bytes = target.slice(at, (int) parts.length(i));
            long segment = parts.segment(i);
            if (segment == BASE) {
                return base.read(volume, offset, bytes, cachedOnly);
            }
            if (segment < 0) {
                Zeros.fill(bytes);
                return true;
            }
            return log.read(
                    segment, parts.position(i), volume, parts.origin(i), offset, bytes, cachedOnly);
        }
    }
}
