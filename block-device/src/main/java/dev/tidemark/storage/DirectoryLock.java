package dev.tidemark.storage;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.tidemark.storage.StorageException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The exclusive lock of a directory: a record lock on its file {@code lock}, which holds the
 * holder's process id as decimal text. The system drops it when the process ends, however that
 * happens; the file stays.
 */
final class DirectoryLock implements AutoCloseable {
    static final String NAME = "lock";
    private static final int MAXIMUM_ID_BYTES = 20;

    /**
     * Directories locked by this process. A record lock does not exclude its own process, and
     * closing any other descriptor of the file would drop it: so a second attempt must not even
     * open the file.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final FileChannel channel;

    private DirectoryLock(Path directory, FileChannel channel) {
        this.directory = directory;
        this.channel = channel;
    }

    static DirectoryLock take(Path directory) throws StorageException {
        if (!HELD.add(directory)) {
            throw held(directory, String.valueOf(ProcessHandle.current().pid()));
        }
        boolean taken = false;
        try {
            DirectoryLock lock = new DirectoryLock(directory, takeFile(directory));
            taken = true;
            return lock;
        } finally {
            if (!taken) {
                HELD.remove(directory);
            }
        }
    }

    private static FileChannel takeFile(Path directory) throws StorageException {
        Path file = directory.resolve(NAME);
        FileChannel channel = null;
        FileLock lock = null;
        try {
            channel = FileChannel.open(file, READ, WRITE, CREATE);
            lock = channel.tryLock();
            if (lock == null) {
                throw held(directory, readId(channel));
            }
            byte[] id = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
            channel.truncate(0);
            channel.write(ByteBuffer.wrap(id), 0);
            return channel;
        } catch (IOException cause) {
            lock = null;
            throw Failures.of(file.toString(), "locking", cause);
        } finally {
            if (lock == null) {
                closeQuietly(channel);
            }
        }
    }

    private static String readId(FileChannel channel) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(MAXIMUM_ID_BYTES);
        channel.read(text, 0);
        return new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).trim();
    }

    private static StorageException held(Path directory, String holder) {
        String who = holder.matches("[0-9]+") ? "process " + holder : "another process";
        return new StorageException(
                Kind.LOCKED,
                "the directory "
                        + directory
                        + " is in use by "
                        + who
                        + "; stop it, or use another directory",
                null);
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException ignored) {
                // The lock was not taken; the failure that says so is on its way.
            }
        }
    }

    @Override
    public void close() throws StorageException {
        try {
            channel.close();
        } catch (IOException cause) {
            throw Failures.of(directory.resolve(NAME).toString(), "unlocking", cause);
        } finally {
            HELD.remove(directory);
        }
    }
}
