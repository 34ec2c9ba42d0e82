package dev.tidemark.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageException.Kind;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operating system's directories through the C library's calls. */
class FileStorageDirectoryTest extends StorageDirectoryContract {
    @TempDir Path scratch;

    @Override
    protected StorageDirectory newDirectory() throws StorageException {
        return FileStorageDirectory.at(scratch.resolve("store"));
    }

    @Test
    void theCallsLoadHere() {
        assertThat(LinuxCalls.available()).isNotNull();
    }

    @Test
    void punchedSpaceGoesBackToTheFileSystem() throws StorageException {
        try (StorageFile file = newDirectory().create("a")) {
            file.write(0, ByteBuffer.allocateDirect(1 << 20));
            file.force();
            long before = file.allocatedBytes();
            file.punchHole(0, 1 << 20);
            assertThat(before).isGreaterThanOrEqualTo(1 << 20);
            assertThat(file.allocatedBytes()).isLessThan(before / 2);
        }
    }

    @Test
    void aSparseFileOccupiesWhatWasWritten() throws StorageException {
        try (StorageFile file = newDirectory().create("a")) {
            file.write(100L << 20, ByteBuffer.allocateDirect(4096));
            file.force();
            assertThat(file.sizeBytes()).isEqualTo((100L << 20) + 4096);
            assertThat(file.allocatedBytes()).isBetween(4096L, 1L << 20);
        }
    }

    @Test
    void holesAreToldWhereTheFileSystemKnowsThem() throws StorageException {
        try (StorageFile file = newDirectory().create("a")) {
            file.truncate(64L << 20);
            file.write(32L << 20, ByteBuffer.allocateDirect(1 << 20));
            assertThat(file.dataFrom(0)).isEqualTo(32L << 20);
            assertThat(file.holeFrom(32L << 20)).isEqualTo(33L << 20);
            assertThat(file.dataFrom(33L << 20)).isEqualTo(StorageFile.NONE);
        }
    }

    @Test
    void aCachedReadAnswersFromMemoryAndNeverFromTheDisk() throws Exception {
        Path store = scratch.resolve("store");
        try (StorageFile file = newDirectory().create("a")) {
            file.write(0, ByteBuffer.allocateDirect(1 << 20));
            file.force();
            ByteBuffer target = ByteBuffer.allocateDirect(1 << 20);
            int warm = file.readIfCached(0, target);
            if (warm == StorageFile.WOULD_BLOCK) {
                // Allowed where the file system cannot tell (overlay); on those that can it would
                // be a bug.
                assertThat(MemoryFileSystem.type(store)).isNotIn("ext2/ext3", "xfs", "btrfs");
                return;
            }
            assertThat(warm).isEqualTo(1 << 20);
            dropFromCache(store.resolve("a"));
            assertThat(file.readIfCached(0, target.clear())).isEqualTo(StorageFile.WOULD_BLOCK);
            assertThat(target.position()).isZero();
            assertThat(file.read(0, target)).isEqualTo(1 << 20);
            assertThat(file.readIfCached(0, target.clear())).isEqualTo(1 << 20);
            assertThat(file.readIfCached((1 << 20) - 5, target.clear())).isEqualTo(5);
        }
    }

    /** With POSIX_FADV_DONTNEED, which is what this asks dd for. */
    private static void dropFromCache(Path file) throws Exception {
        Process dd =
                new ProcessBuilder("dd", "if=" + file, "iflag=nocache", "count=0", "status=none")
                        .inheritIO()
                        .start();
        assertThat(dd.waitFor()).isZero();
    }

    @Test
    void anInterruptLeavesTheFileOpen() throws Exception {
        try (StorageFile file = newDirectory().create("a")) {
            AtomicReference<Object> outcome = new AtomicReference<>("none");
            Thread thread =
                    Thread.ofPlatform()
                            .start(() -> {
                                Thread.currentThread().interrupt();
                                try {
                                    file.write(0, ByteBuffer.allocate(10));
                                    outcome.set(file.sizeBytes());
                                } catch (StorageException failure) {
                                    outcome.set(failure);
                                }
                            });
            thread.join();
            assertThat(outcome.get()).isEqualTo(10L);
            assertThat(file.read(0, ByteBuffer.allocate(10))).isEqualTo(10);
        }
    }

    @Test
    void aCloseWaitsForTheCallsInFlight() throws Exception {
        StorageDirectory directory = newDirectory();
        for (int round = 0; round < 50; round++) {
            StorageFile file = directory.create("f" + round);
            file.write(0, ByteBuffer.allocateDirect(1 << 16));
            AtomicReference<Throwable> wrong = new AtomicReference<>();
            Thread reader = Thread.ofPlatform().start(() -> readUntilClosed(file, wrong));
            file.close();
            reader.join();
            assertThat(wrong.get()).isNull();
        }
    }

    private static void readUntilClosed(StorageFile file, AtomicReference<Throwable> wrong) {
        ByteBuffer target = ByteBuffer.allocateDirect(1 << 16);
        try {
            while (file.read(0, target.clear()) == target.capacity()) {
                // until the close
            }
            wrong.set(new AssertionError("short read"));
        } catch (StorageException closed) {
            if (closed.getMessage() == null
                    || !closed.getMessage().contains("the file is closed")) {
                wrong.set(closed);
            }
        }
    }

    @Test
    void anotherProcessesLockIsReportedWithItsId() throws Exception {
        StorageDirectory directory = newDirectory();
        Process holder =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElse("java"),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                LockHolder.class.getName(),
                                directory.path())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("locked");
            assertThatThrownBy(directory::lock)
                    .isInstanceOfSatisfying(
                            StorageException.class,
                            failure -> assertThat(failure.kind()).isEqualTo(Kind.LOCKED))
                    .hasMessageContaining("in use by process " + holder.pid() + ";");
        } finally {
            holder.destroyForcibly().waitFor();
        }
        directory.lock().close();
        assertThat(Files.readString(Path.of(directory.path(), "lock")))
                .isEqualTo(ProcessHandle.current().pid() + "\n");
    }

    /** Holds the lock until it is killed. */
    static final class LockHolder {
        public static void main(String[] arguments) throws Exception {
            AutoCloseable lock = FileStorageDirectory.at(Path.of(arguments[0])).lock();
            System.out.println("locked");
            System.in.read();
            lock.close();
        }
    }
}
