package dev.tidemark.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageException.Kind;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
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

    private Path newDirectoryPath() {
        return scratch.resolve("store");
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
            file.uncache(0, 1 << 20);
            assertThat(file.readIfCached(0, target.clear())).isEqualTo(StorageFile.WOULD_BLOCK);
            assertThat(target.position()).isZero();
            assertThat(file.read(0, target)).isEqualTo(1 << 20);
            assertThat(file.readIfCached(0, target.clear())).isEqualTo(1 << 20);
            assertThat(file.readIfCached((1 << 20) - 5, target.clear())).isEqualTo(5);
        }
    }

    @Test
    void smallReadsComeFromAMappingThatShowsWhatWasWrittenAndGoesWithTheFile() throws Exception {
        Path path = newDirectoryPath().resolve("a");
        Random random = new Random(7);
        byte[] content = new byte[1 << 20];
        random.nextBytes(content);
        StorageFile file = newDirectory().create("a");
        file.write(0, ByteBuffer.wrap(content));
        file.force();
        file.expectSmallReads();
        assertThat(isMapped(path)).as("before it is read").isFalse();
        for (int i = 0; i < 500; i++) {
            int position = random.nextInt(content.length - 5000);
            if (i % 5 == 0) {
                byte[] news = new byte[1 + random.nextInt(5000)];
                random.nextBytes(news);
                System.arraycopy(news, 0, content, position, news.length);
                file.write(position, ByteBuffer.wrap(news));
            }
            int length = 1 + random.nextInt(5000);
            ByteBuffer target = buffer(random.nextBoolean(), length + 9).position(9);
            assertThat(file.readIfCached(position, target)).isEqualTo(length);
            assertThat(target.remaining()).isZero();
            byte[] read = new byte[length];
            target.get(9, read);
            assertThat(read).isEqualTo(Arrays.copyOfRange(content, position, position + length));
        }
        ByteBuffer last = ByteBuffer.allocateDirect(100);
        assertThat(file.readIfCached(content.length - 7, last)).as("at the end").isEqualTo(7);
        assertThat(file.readIfCached(content.length + 5L, last)).as("past it").isZero();
        assertThat(isMapped(path)).as("while it is open").isTrue();
        file.close();
        assertThat(isMapped(path)).as("once it is closed").isFalse();
        assertThatThrownBy(() -> file.readIfCached(0, last.clear()))
                .isInstanceOf(StorageException.class);
    }

    @Test
    void aMappedFileIsNotReadFromTheDiskByAReadOfWhatIsCached() throws Exception {
        StorageDirectory directory = newDirectory();
        // A memory file system has nothing else to read from.
        boolean waits = !MemoryFileSystem.type(newDirectoryPath()).equals("tmpfs");
        boolean waited = false;
        // To give pages up is a favour that the kernel may refuse, so it is asked for more than
        // once.
        for (int attempt = 0; attempt < 20 && waited != waits; attempt++) {
            try (StorageFile file = directory.create("a" + attempt)) {
                file.write(0, ByteBuffer.allocateDirect(1 << 20));
                file.force();
                file.expectSmallReads();
                file.uncache(0, 1 << 20);
                ByteBuffer target = ByteBuffer.allocateDirect(4096);
                waited = file.readIfCached(512 << 10, target) == StorageFile.WOULD_BLOCK;
                assertThat(file.read(512 << 10, target.clear())).isEqualTo(4096);
                assertThat(file.readIfCached(512 << 10, target.clear())).isEqualTo(4096);
            }
        }
        assertThat(waited).isEqualTo(waits);
    }

    private static boolean isMapped(Path file) throws Exception {
        return Files.readString(Path.of("/proc/self/maps")).contains(file.toRealPath().toString());
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
