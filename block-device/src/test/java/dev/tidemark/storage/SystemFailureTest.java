package dev.tidemark.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Failures that the operating system itself reports, through the C library's calls and through
 * channels.
 */
class SystemFailureTest {
    @TempDir Path scratch;

    private final List<Path> links = new ArrayList<>();

    @AfterEach
    void deleteLinks() throws IOException {
        for (Path link : links) {
            Files.delete(link);
        }
    }

    private void link(String name, String target) throws IOException {
        links.add(Files.createSymbolicLink(scratch.resolve(name), Path.of(target)));
    }

    @ParameterizedTest(name = "through the C library: {0}")
    @ValueSource(booleans = {true, false})
    void aWriteWithoutRoomIsNoSpace(boolean calls) throws Exception {
        link("full", "/dev/full");
        try (StorageFile full = directory(calls, scratch).open("full")) {
            ByteBuffer source = ByteBuffer.allocate(100);
            assertKind(Kind.NO_SPACE, () -> full.write(0, source));
            assertThat(source.remaining()).isEqualTo(100);
            assertKind(Kind.NO_SPACE, () -> full.write(5, new ByteBuffer[] {source}, 0, 1));
        }
    }

    @Test
    void aFailedWriteSaysWhatWhereAndWhy() throws Exception {
        link("full", "/dev/full");
        try (StorageFile full = directory(true, scratch).open("full")) {
            assertThatThrownBy(() -> full.write(5, ByteBuffer.allocate(100)))
                    .hasMessage(
                            "write of 100 bytes at 5 failed on "
                                    + scratch.toRealPath()
                                    + "/full: no space left on the file system");
        }
    }

    @ParameterizedTest(name = "through the C library: {0}")
    @ValueSource(booleans = {true, false})
    void aReadThatTheSystemCannotServeIsAnInputOutputError(boolean calls) throws Exception {
        // Address 0 of a process is never mapped: the kernel answers EIO.
        link("memory", "/proc/self/mem");
        try (StorageFile memory = directory(calls, scratch).openReadOnly("memory")) {
            ByteBuffer target = ByteBuffer.allocate(100);
            assertKind(Kind.IO, () -> memory.read(0, target));
            assertThat(target.position()).isZero();
        }
    }

    @Test
    void aForceThatTheSystemRefusesFails() throws Exception {
        link("full", "/dev/full");
        try (StorageFile full = directory(true, scratch).open("full")) {
            assertKind(Kind.IO, full::force);
        }
    }

    @Test
    void aPreallocationWithoutRoomFailsAndTakesNothing() throws Exception {
        try (MemoryFileSystem memory = MemoryFileSystem.any(scratch.resolve("memory"));
                StorageFile file = directory(true, memory.path()).create("a")) {
            file.write(0, ByteBuffer.allocate(10_000));
            long before = file.allocatedBytes();
            assertKind(Kind.NO_SPACE, () -> file.preallocate(1L << 46));
            assertThat(file.sizeBytes()).isEqualTo(10_000);
            assertThat(file.allocatedBytes()).isEqualTo(before);
        }
    }

    @ParameterizedTest(name = "through the C library: {0}")
    @ValueSource(booleans = {true, false})
    void aFullFileSystemGoesOnOnceThereIsRoom(boolean calls) throws Exception {
        try (MemoryFileSystem memory = small("size=1m")) {
            StorageDirectory small = directory(calls, memory.path());
            try (StorageFile file = small.create("a");
                    StorageFile other = small.create("b")) {
                other.write(0, ByteBuffer.allocate(256 << 10));
                assertKind(Kind.NO_SPACE, () -> file.write(0, ByteBuffer.allocate(2 << 20)));
                assertThat(small.usableBytes()).isZero();
                assertKind(Kind.NO_SPACE, () -> other.write(1 << 20, ByteBuffer.allocate(4096)));
                file.truncate(0);
                other.write(1 << 20, ByteBuffer.allocate(4096));
                file.write(0, ByteBuffer.allocate(256 << 10));
            }
        }
    }

    @ParameterizedTest(name = "through the C library: {0}")
    @ValueSource(booleans = {true, false})
    void aFileSystemWithoutRoomForAnEntryIsNoSpace(boolean calls) throws Exception {
        try (MemoryFileSystem memory = small("size=1m,nr_inodes=3")) {
            StorageDirectory small = directory(calls, memory.path());
            small.create("a").close();
            small.create("b").close();
            assertKind(Kind.NO_SPACE, () -> small.create("c"));
            assertKind(Kind.NO_SPACE, () -> small.directory("d"));
            assertKind(Kind.NO_SPACE, small::lock);
            small.delete("a");
            small.create("c").close();
        }
    }

    @ParameterizedTest(name = "through the C library: {0}")
    @ValueSource(booleans = {true, false})
    void aReadOnlyFileSystemIsAnErrorThatSaysSo(boolean calls) throws Exception {
        try (MemoryFileSystem memory = small("ro")) {
            assertThatThrownBy(() -> directory(calls, memory.path()).create("a"))
                    .isInstanceOf(StorageException.class)
                    .hasMessageMatching("(?i).*/small/a: .*read-only.*");
        }
    }

    @Test
    void aFileSystemWithoutAllocationOrHolesGetsTheSizeAndZeros() throws Exception {
        try (MemoryFileSystem memory =
                        MemoryFileSystem.mounted(scratch.resolve("plain"), "ramfs", "mode=755");
                StorageFile file = directory(true, memory.path()).create("a")) {
            for (int round = 0; round < 2; round++) {
                byte[] ones = new byte[200_000];
                Arrays.fill(ones, (byte) 1);
                file.write(0, ByteBuffer.wrap(ones));
                file.preallocate(300_000L + round);
                file.punchHole(1, 150_000);
                assertThat(file.sizeBytes()).isEqualTo(300_000L + round);
                byte[] back = new byte[300_000];
                assertThat(file.read(0, ByteBuffer.wrap(back))).isEqualTo(back.length);
                byte[] expected = Arrays.copyOf(ones, back.length);
                Arrays.fill(expected, 1, 150_001, (byte) 0);
                assertThat(back).isEqualTo(expected);
            }
        }
    }

    @Test
    void withoutNativeAccessFilesGoThroughChannels() throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--illegal-native-access=deny",
                                "-cp",
                                System.getProperty("java.class.path"),
                                KindOfFile.class.getName(),
                                scratch.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        assertThat(process.inputReader().readLine()).isEqualTo("ChannelFile of 3 bytes");
        assertThat(process.waitFor()).isZero();
    }

    /** Prints which class a file is stored through. */
    static final class KindOfFile {
        public static void main(String[] arguments) throws Exception {
            try (StorageFile file = FileStorageDirectory.at(Path.of(arguments[0])).create("a")) {
                file.write(0, ByteBuffer.allocate(3));
                System.out.println(
                        file.getClass().getSimpleName() + " of " + file.sizeBytes() + " bytes");
            }
        }
    }

    @Test
    void aMissingParentThatCannotBeMadeIsReported() throws Exception {
        Files.createFile(scratch.resolve("file"));
        assertThatThrownBy(() -> FileStorageDirectory.at(scratch.resolve("file/inner")))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining(scratch.resolve("file/inner").toString());
    }

    @Test
    void aDirectoryThatIsGoneIsNotFound() throws Exception {
        StorageDirectory directory = directory(true, scratch.resolve("gone"));
        Files.delete(scratch.resolve("gone"));
        assertKind(Kind.NOT_FOUND, directory::files);
        assertKind(Kind.NOT_FOUND, directory::force);
        assertKind(Kind.NOT_FOUND, directory::usableBytes);
        assertKind(Kind.NOT_FOUND, () -> directory.create("a"));
    }

    @Test
    void aFailedLockAttemptDoesNotStayHeld() throws Exception {
        StorageDirectory directory = directory(true, scratch.resolve("locked"));
        Files.createDirectory(scratch.resolve("locked/lock"));
        assertKind(Kind.IO, directory::lock);
        Files.delete(scratch.resolve("locked/lock"));
        directory.lock().close();
    }

    private static StorageDirectory directory(boolean calls, Path path) throws StorageException {
        return calls ? FileStorageDirectory.at(path) : FileStorageDirectory.withChannelsOnly(path);
    }

    /**
     * A small file system; the tests that need none cover the same errors where mounting is not
     * allowed.
     */
    private MemoryFileSystem small(String options) throws Exception {
        return MemoryFileSystem.mounted(scratch.resolve("small"), "tmpfs", options);
    }

    private static void assertKind(Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StorageException.class,
                        failure ->
                                assertThat(failure.kind())
                                        .as(failure.getMessage())
                                        .isEqualTo(kind));
    }
}
