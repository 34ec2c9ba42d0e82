package dev.tidemark.storage.simulation;

import dev.tidemark.storage.Names;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageException.Kind;
import dev.tidemark.storage.StorageFile;
import dev.tidemark.storage.simulation.FaultPlan.Operation;
import java.util.ArrayList;
import java.util.List;

/** A handle of a simulated directory; {@link SimulatedDisk#root} gives the first. */
public final class SimulatedDirectory implements StorageDirectory {
    private static final String LOCK = "lock";

    private final SimulatedDisk disk;
    private final DirectoryNode node;
    private final int life;
    private final String path;

    SimulatedDirectory(SimulatedDisk disk, DirectoryNode node, int life, String path) {
        this.disk = disk;
        this.node = node;
        this.life = life;
        this.path = path;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public List<String> files() throws StorageException {
        return names(FileNode.class);
    }

    @Override
    public List<String> directories() throws StorageException {
        return names(DirectoryNode.class);
    }

    private List<String> names(Class<? extends Node> type) throws StorageException {
        return perform(
                Operation.LIST,
                path,
                () -> {
                    disk.failIfPlanned(Operation.LIST, path);
                    List<String> names = new ArrayList<>();
                    node.entries()
                            .forEach((name, entry) -> {
                                if (type.isInstance(entry)) {
                                    names.add(name);
                                }
                            });
                    return names;
                });
    }

    @Override
    public boolean exists(String name) throws StorageException {
        Names.check(name);
        return perform(Operation.LIST, path, () -> node.entries().containsKey(name));
    }

    @Override
    public StorageFile create(String name) throws StorageException {
        String file = file(name);
        return perform(
                Operation.CREATE,
                file,
                () -> {
                    disk.failIfPlanned(Operation.CREATE, file);
                    if (node.entries().containsKey(name)) {
                        throw SimulatedDisk.failure(
                                Kind.EXISTS, Operation.CREATE, file, "it exists already");
                    }
                    FileNode created = new FileNode();
                    node.link(name, created);
                    return new SimulatedFile(disk, created, life, file, false);
                });
    }

    @Override
    public StorageFile open(String name) throws StorageException {
        return open(name, false);
    }

    @Override
    public StorageFile openReadOnly(String name) throws StorageException {
        return open(name, true);
    }

    private StorageFile open(String name, boolean readOnly) throws StorageException {
        String file = file(name);
        return perform(
                Operation.OPEN,
                file,
                () -> {
                    disk.failIfPlanned(Operation.OPEN, file);
                    return new SimulatedFile(
                            disk, existing(name, Operation.OPEN), life, file, readOnly);
                });
    }

    private FileNode existing(String name, Operation operation) throws StorageException {
        return switch (node.entries().get(name)) {
            case FileNode found -> found;
            case DirectoryNode directory ->
                    throw SimulatedDisk.failure(
                            Kind.IO, operation, path + "/" + name, "it is a directory");
            case null ->
                    throw SimulatedDisk.failure(
                            Kind.NOT_FOUND, operation, path + "/" + name, "no such file");
        };
    }

    @Override
    public void delete(String name) throws StorageException {
        String file = file(name);
        run(
                Operation.DELETE,
                file,
                () -> {
                    disk.failIfPlanned(Operation.DELETE, file);
                    FileNode deleted = existing(name, Operation.DELETE);
                    node.unlink(name, deleted);
                    release(deleted);
                });
    }

    @Override
    public void rename(String from, String to) throws StorageException {
        String source = file(from);
        file(to);
        run(
                Operation.RENAME,
                source,
                () -> {
                    disk.failIfPlanned(Operation.RENAME, source);
                    FileNode renamed = existing(from, Operation.RENAME);
                    if (from.equals(to)) {
                        return;
                    }
                    FileNode replaced =
                            node.entries().containsKey(to) ? existing(to, Operation.RENAME) : null;
                    node.rename(from, to, renamed);
                    if (replaced != null) {
                        release(replaced);
                    }
                });
    }

    private void release(FileNode file) {
        file.unlink();
        if (!file.inUse()) {
            disk.used(-file.allocatedBytes());
        }
    }

    @Override
    public StorageDirectory directory(String name) throws StorageException {
        String inner = path + "/" + Names.check(name);
        return perform(
                Operation.DIRECTORY,
                inner,
                () -> {
                    disk.failIfPlanned(Operation.DIRECTORY, inner);
                    DirectoryNode found =
                            switch (node.entries().get(name)) {
                                case DirectoryNode existing -> existing;
                                case FileNode file ->
                                        throw SimulatedDisk.failure(
                                                Kind.EXISTS,
                                                Operation.DIRECTORY,
                                                inner,
                                                "it is a file");
                                case null -> {
                                    DirectoryNode created = new DirectoryNode();
                                    node.link(name, created);
                                    yield created;
                                }
                            };
                    return new SimulatedDirectory(disk, found, life, inner);
                });
    }

    @Override
    public void deleteDirectory(String name) throws StorageException {
        String inner = path + "/" + Names.check(name);
        run(
                Operation.DELETE_DIRECTORY,
                inner,
                () -> {
                    disk.failIfPlanned(Operation.DELETE_DIRECTORY, inner);
                    if (node.entries().get(name) instanceof DirectoryNode found) {
                        deleteEntries(found);
                        node.unlink(name, found);
                    }
                });
    }

    private void deleteEntries(DirectoryNode directory) {
        for (String name : List.copyOf(directory.entries().keySet())) {
            Node entry = directory.entries().get(name);
            if (entry instanceof FileNode file) {
                directory.unlink(name, file);
                release(file);
            } else if (entry instanceof DirectoryNode inner) {
                deleteEntries(inner);
                directory.unlink(name, inner);
            }
        }
    }

    @Override
    public void force() throws StorageException {
        run(
                Operation.FORCE_DIRECTORY,
                path,
                () -> {
                    if (disk.isPlannedToFail(Operation.FORCE_DIRECTORY, path)) {
                        node.failForce(Survival.random(disk.random()));
                        throw SimulatedDisk.inputOutputError(Operation.FORCE_DIRECTORY, path);
                    }
                    node.force();
                });
    }

    @Override
    public AutoCloseable lock() throws StorageException {
        return perform(
                Operation.LOCK,
                path,
                () -> {
                    if (!node.lock()) {
                        throw new StorageException(
                                Kind.LOCKED,
                                "the directory "
                                        + path
                                        + " is in use by process "
                                        + life
                                        + "; stop it, or use another directory",
                                null);
                    }
                    return this::unlock;
                });
    }

    private void unlock() {
        synchronized (disk) {
            if (disk.isAlive(life)) {
                node.unlock();
            }
        }
    }

    @Override
    public long usableBytes() throws StorageException {
        return perform(Operation.SPACE, path, disk::freeBytes);
    }

    private String file(String name) {
        if (name.equals(LOCK)) {
            throw new IllegalArgumentException(
                    "the file name 'lock' is taken by the directory's lock");
        }
        return path + "/" + Names.check(name);
    }

    private <T> T perform(Operation operation, String what, SimulatedDisk.Action<T> action)
            throws StorageException {
        return disk.perform(life, operation, what, action);
    }

    private void run(Operation operation, String what, SimulatedDisk.Step step)
            throws StorageException {
        disk.perform(life, operation, what, step);
    }
}
