package dev.tidemark.storage;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.tidemark.storage.StorageException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A directory of the operating system. Files go through {@link LinuxCalls} where there are any,
 * else through FileChannel. The name {@code lock} is taken by {@link #lock()}: it is neither listed
 * nor opened. Thread-safe; for platform threads.
 */
public final class FileStorageDirectory implements StorageDirectory {
    /**
     * rw for the owner and the group, read for others, before the process's umask; what FileChannel
     * uses, too.
     */
    private static final int FILE_MODE = 0666;

    private final Path path;
    private final @Nullable LinuxCalls calls;
    private final FileSystemSupport support = new FileSystemSupport();

    private FileStorageDirectory(Path path, @Nullable LinuxCalls calls) {
        this.path = path;
        this.calls = calls;
    }

    /** Opens a directory of the operating system, created with its parents when missing. */
    public static FileStorageDirectory at(Path path) throws StorageException {
        return at(path, LinuxCalls.available());
    }

    /** The same with nothing but the JDK's channels, as on a system without the calls. */
    static FileStorageDirectory withChannelsOnly(Path path) throws StorageException {
        return at(path, null);
    }

    private static FileStorageDirectory at(Path path, @Nullable LinuxCalls calls)
            throws StorageException {
        try {
            return new FileStorageDirectory(Files.createDirectories(path).toRealPath(), calls);
        } catch (IOException cause) {
            throw Failures.of(path.toString(), "opening the directory", cause);
        }
    }

    @Override
    public String path() {
        return path.toString();
    }

    @Override
    public List<String> files() throws StorageException {
        return list(entry -> Files.isRegularFile(entry) && !entry.endsWith(DirectoryLock.NAME));
    }

    @Override
    public List<String> directories() throws StorageException {
        return list(Files::isDirectory);
    }

    private List<String> list(Predicate<Path> wanted) throws StorageException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            for (Path entry : entries) {
                Path name = entry.getFileName();
                if (name != null && wanted.test(entry)) {
                    names.add(name.toString());
                }
            }
        } catch (DirectoryIteratorException cause) {
            throw failed("listing", path, new IOException(cause));
        } catch (IOException cause) {
            throw failed("listing", path, cause);
        }
        Collections.sort(names);
        return names;
    }

    @Override
    public boolean exists(String name) {
        return Files.exists(entry(name), LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public StorageFile create(String name) throws StorageException {
        return open(
                file(name),
                "creation",
                LinuxCalls.O_RDWR | LinuxCalls.O_CREAT | LinuxCalls.O_EXCL,
                READ,
                WRITE,
                CREATE_NEW);
    }

    @Override
    public StorageFile open(String name) throws StorageException {
        return open(file(name), "opening", LinuxCalls.O_RDWR, READ, WRITE);
    }

    @Override
    public StorageFile openReadOnly(String name) throws StorageException {
        return open(file(name), "opening", LinuxCalls.O_RDONLY, READ);
    }

    private StorageFile open(Path file, String operation, int flags, OpenOption... options)
            throws StorageException {
        if (calls == null) {
            try {
                return new ChannelFile(FileChannel.open(file, Set.of(options)), file.toString());
            } catch (IOException cause) {
                throw failed(operation, file, cause);
            }
        }
        int descriptor = calls.open(file.toString(), flags, FILE_MODE);
        if (descriptor < 0) {
            throw Failures.ofErrno(file.toString(), operation, -descriptor);
        }
        return new NativeFile(calls, descriptor, file.toString(), support);
    }

    @Override
    public void delete(String name) throws StorageException {
        Path file = file(name);
        try {
            if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new StorageException(
                        Kind.IO, "deletion failed on " + file + ": it is a directory", null);
            }
            Files.delete(file);
        } catch (IOException cause) {
            throw failed("deletion", file, cause);
        }
    }

    @Override
    public void rename(String from, String to) throws StorageException {
        Path source = file(from);
        Path target = file(to);
        try {
            Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException cause) {
            throw failed("renaming to " + to, source, cause);
        }
    }

    @Override
    public StorageDirectory directory(String name) throws StorageException {
        Path directory = entry(name);
        try {
            Files.createDirectory(directory);
        } catch (FileAlreadyExistsException exists) {
            if (!Files.isDirectory(directory)) {
                throw failed("creation of the directory", directory, exists);
            }
        } catch (IOException cause) {
            throw failed("creation of the directory", directory, cause);
        }
        return new FileStorageDirectory(directory, calls);
    }

    @Override
    public void deleteDirectory(String name) throws StorageException {
        Path directory = entry(name);
        try {
            Files.walkFileTree(directory, new Deletion());
        } catch (NoSuchFileException missing) {
            if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
                throw failed("deletion of the directory", directory, missing);
            }
        } catch (IOException cause) {
            throw failed("deletion of the directory", directory, cause);
        }
    }

    private static final class Deletion extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                throws IOException {
            if (failure != null) {
                throw failure;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
        }
    }

    @Override
    public void force() throws StorageException {
        if (calls == null) {
            try (FileChannel channel = FileChannel.open(path, READ)) {
                channel.force(true);
            } catch (IOException cause) {
                throw failed("force of the directory", path, cause);
            }
            return;
        }
        int descriptor = calls.open(path(), LinuxCalls.O_RDONLY, 0);
        if (descriptor < 0) {
            throw Failures.ofErrno(path(), "force of the directory", -descriptor);
        }
        int result = calls.fsync(descriptor);
        calls.close(descriptor);
        if (result < 0) {
            throw Failures.ofErrno(path(), "force of the directory", -result);
        }
    }

    @Override
    public AutoCloseable lock() throws StorageException {
        return DirectoryLock.take(path);
    }

    @Override
    public long usableBytes() throws StorageException {
        long usable = path.toFile().getUsableSpace();
        if (usable == 0 && !Files.isDirectory(path)) {
            throw new StorageException(Kind.NOT_FOUND, "the directory " + path + " is gone", null);
        }
        return usable;
    }

    private Path file(String name) {
        if (name.equals(DirectoryLock.NAME)) {
            throw new IllegalArgumentException(
                    "the file name 'lock' is taken by the directory's lock");
        }
        return entry(name);
    }

    private Path entry(String name) {
        return path.resolve(Names.check(name));
    }

    private static StorageException failed(String operation, Path file, IOException cause) {
        return Failures.of(file.toString(), operation, cause);
    }
}
