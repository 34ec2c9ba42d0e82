package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Point;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/** An open view: a source at a point, and which volumes there are. */
final class PointView implements PointInTimeView {
    private final Point point;
    private final List<PointVolume> volumes;
    private final Source source;
    private final Meters meters;
    private final Executor io;
    private final Runnable onClose;
    private final AtomicBoolean closed = new AtomicBoolean();

    PointView(
            Point point,
            List<PointVolume> volumes,
            Source source,
            Meters meters,
            Executor io,
            Runnable onClose) {
        this.point = point;
        this.volumes = volumes;
        this.source = source;
        this.meters = meters;
        this.io = io;
        this.onClose = onClose;
    }

    @Override
    public Point point() {
        return point;
    }

    @Override
    public List<PointVolume> volumes() {
        return volumes;
    }

    @Override
    public BlockDevice device(int volume) throws ReplicaException {
        if (closed.get()) {
            throw new ReplicaException(ReplicaException.Kind.FAILED, "the view is closed");
        }
        return new ViewDevice(source, find(volumes, volume, point), meters, io);
    }

    /** What the view reads; fails inside a promotion in progress. */
    PointSource source() throws ReplicaException {
        if (source instanceof PointSource at) {
            return at;
        }
        throw new ReplicaException(
                ReplicaException.Kind.IN_USE,
                "sequence number "
                        + point.sequence()
                        + " lies inside the rollback or promotion in progress; ask what changed when it has ended");
    }

    static PointVolume find(List<PointVolume> volumes, int id, Point point)
            throws ReplicaException {
        for (PointVolume volume : volumes) {
            if (volume.id() == id) {
                return volume;
            }
        }
        throw new ReplicaException(
                ReplicaException.Kind.NOT_FOUND,
                "volume " + id + " did not exist at sequence number " + point.sequence());
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            onClose.run();
        }
    }
}
