package dev.tidemark.storage.simulation;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageException.Kind;
import dev.tidemark.storage.StorageFile;
import dev.tidemark.storage.simulation.FaultPlan.Operation;
import java.nio.ByteBuffer;

/** A handle of a simulated file. */
final class SimulatedFile implements StorageFile {
    private final SimulatedDisk disk;
    private final FileNode node;
    private final int life;
    private final String path;
    private final boolean readOnly;
    private boolean closed; // guarded by the disk

    /** Counts itself as open; to be made under the disk's lock. */
    SimulatedFile(SimulatedDisk disk, FileNode node, int life, String path, boolean readOnly) {
        this.disk = disk;
        this.node = node;
        this.life = life;
        this.path = path;
        this.readOnly = readOnly;
        node.opened();
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public long sizeBytes() throws StorageException {
        return perform(Operation.SIZE, node::sizeBytes);
    }

    @Override
    public long allocatedBytes() throws StorageException {
        return perform(Operation.SIZE, node::allocatedBytes);
    }

    @Override
    public int read(long position, ByteBuffer target) throws StorageException {
        checkPosition(position);
        return perform(
                Operation.READ,
                () -> {
                    disk.failIfPlanned(Operation.READ, path);
                    return node.read(position, target);
                });
    }

    @Override
    public int readIfCached(long position, ByteBuffer target) throws StorageException {
        checkPosition(position);
        return perform(
                Operation.READ_CACHED,
                () -> {
                    disk.failIfPlanned(Operation.READ_CACHED, path);
                    return disk.blocks() ? WOULD_BLOCK : node.read(position, target);
                });
    }

    @Override
    public void expectSmallReads() {
        // All reads cost the same here.
    }

    @Override
    public void write(long position, ByteBuffer source) throws StorageException {
        checkPosition(position);
        change(
                Operation.WRITE,
                () -> {
                    write(Operation.WRITE, position, source);
                });
    }

    @Override
    public void write(long position, ByteBuffer[] sources, int from, int to)
            throws StorageException {
        checkPosition(position);
        int total = 0;
        for (int i = from; i < to; i++) {
            total += sources[i].remaining();
        }
        ByteBuffer gathered = ByteBuffer.allocate(total);
        for (int i = from; i < to; i++) {
            gathered.put(sources[i].duplicate());
        }
        write(position, gathered.flip());
        for (int i = from; i < to; i++) {
            sources[i].position(sources[i].limit());
        }
    }

    /**
     * Under a fault or a full disk a write may have taken place in part, like a short write before
     * the failure.
     */
    private void write(Operation operation, long position, ByteBuffer source)
            throws StorageException {
        if (disk.isPlannedToFail(operation, path)) {
            writePart(position, source, disk.random().nextInt(source.remaining() + 1));
            throw SimulatedDisk.inputOutputError(operation, path);
        }
        int length = source.remaining();
        if (node.content().missingBytes(position, length) > disk.freeBytes()) {
            int part = length;
            while (node.content().missingBytes(position, part) > disk.freeBytes()) {
                part = Math.max(0, part - Pages.PAGE_BYTES);
            }
            writePart(position, source, disk.random().nextInt(part + 1));
            throw noSpace(operation, length);
        }
        writePart(position, source, length);
    }

    private void writePart(long position, ByteBuffer source, int length) {
        int part = (int) Math.min(length, Math.max(0, partThatFits(position, length)));
        long before = node.allocatedBytes();
        ByteBuffer slice = source.slice(source.position(), part);
        node.write(position, slice);
        source.position(source.position() + part);
        disk.used(node.allocatedBytes() - before);
    }

    private long partThatFits(long position, int length) {
        return node.content().missingBytes(position, length) <= disk.freeBytes() ? length : 0;
    }

    private StorageException noSpace(Operation operation, long lengthBytes) {
        return SimulatedDisk.failure(
                Kind.NO_SPACE,
                operation,
                path,
                "no room for "
                        + lengthBytes
                        + " bytes, "
                        + disk.freeBytes()
                        + " are free (simulated)");
    }

    @Override
    public void force() throws StorageException {
        run(
                Operation.FORCE,
                () -> {
                    if (disk.isPlannedToFail(Operation.FORCE, path)) {
                        node.failForce(Survival.random(disk.random()));
                        throw SimulatedDisk.inputOutputError(Operation.FORCE, path);
                    }
                    node.force();
                });
    }

    @Override
    public void preallocate(long sizeBytes) throws StorageException {
        checkPosition(sizeBytes);
        change(
                Operation.PREALLOCATE,
                () -> {
                    disk.failIfPlanned(Operation.PREALLOCATE, path);
                    if (node.content().missingBytes(0, sizeBytes) > disk.freeBytes()) {
                        throw noSpace(Operation.PREALLOCATE, sizeBytes);
                    }
                    counted(() -> node.preallocate(sizeBytes));
                });
    }

    @Override
    public void truncate(long sizeBytes) throws StorageException {
        checkPosition(sizeBytes);
        change(
                Operation.TRUNCATE,
                () -> {
                    disk.failIfPlanned(Operation.TRUNCATE, path);
                    counted(() -> node.truncate(sizeBytes));
                });
    }

    @Override
    public void punchHole(long position, long lengthBytes) throws StorageException {
        change(
                Operation.PUNCH_HOLE,
                () -> {
                    long size = node.sizeBytes();
                    if (position < 0
                            || lengthBytes < 0
                            || position > size
                            || lengthBytes > size - position) {
                        throw new IllegalArgumentException(
                                "range "
                                        + position
                                        + " + "
                                        + lengthBytes
                                        + " is not inside "
                                        + path
                                        + " of "
                                        + size
                                        + " bytes");
                    }
                    disk.failIfPlanned(Operation.PUNCH_HOLE, path);
                    if (lengthBytes > 0) {
                        counted(() -> node.punchHole(position, lengthBytes));
                    }
                });
    }

    @Override
    public long dataFrom(long position) throws StorageException {
        checkPosition(position);
        return perform(
                Operation.SIZE, () -> position < node.sizeBytes() ? node.dataFrom(position) : NONE);
    }

    @Override
    public long holeFrom(long position) throws StorageException {
        checkPosition(position);
        return perform(
                Operation.SIZE, () -> position < node.sizeBytes() ? node.holeFrom(position) : NONE);
    }

    private void counted(Runnable change) {
        long before = node.allocatedBytes();
        change.run();
        disk.used(node.allocatedBytes() - before);
    }

    @Override
    public void close() throws StorageException {
        synchronized (disk) {
            if (closed) {
                return;
            }
            closed = true;
            if (disk.isAlive(life)) {
                node.closed();
                if (!node.inUse()) {
                    disk.used(-node.allocatedBytes());
                }
            }
        }
    }

    private static void checkPosition(long position) {
        if (position < 0) {
            throw new IllegalArgumentException("position " + position + " is negative");
        }
    }

    private void change(Operation operation, SimulatedDisk.Step step) throws StorageException {
        run(
                operation,
                () -> {
                    if (readOnly) {
                        throw SimulatedDisk.failure(
                                Kind.IO, operation, path, "opened for reading only");
                    }
                    step.run();
                });
    }

    private void run(Operation operation, SimulatedDisk.Step step) throws StorageException {
        perform(
                operation,
                () -> {
                    step.run();
                    return true;
                });
    }

    private <T> T perform(Operation operation, SimulatedDisk.Action<T> action)
            throws StorageException {
        return disk.perform(
                life,
                operation,
                path,
                () -> {
                    if (closed) {
                        throw SimulatedDisk.failure(Kind.IO, operation, path, "the file is closed");
                    }
                    return action.run();
                });
    }
}
