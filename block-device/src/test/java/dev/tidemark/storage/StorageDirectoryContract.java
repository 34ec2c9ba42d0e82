package dev.tidemark.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageException.Kind;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every {@link StorageDirectory} and its files promise; subclassed once per implementation.
 */
public abstract class StorageDirectoryContract {
    @SuppressWarnings("NullAway.Init") // made before each test
    private StorageDirectory directory;

    /** A fresh, empty directory. */
    protected abstract StorageDirectory newDirectory() throws Exception;

    @BeforeEach
    void makeDirectory() throws Exception {
        directory = newDirectory();
    }

    @Test
    void aCreatedFileIsEmptyAndListed() throws StorageException {
        try (StorageFile file = directory.create("b")) {
            assertThat(file.sizeBytes()).isZero();
            assertThat(file.path()).endsWith("b");
        }
        directory.create("a").close();
        directory.directory("inner");
        assertThat(directory.files()).containsExactly("a", "b");
        assertThat(directory.directories()).containsExactly("inner");
        assertThat(directory.exists("a")).isTrue();
        assertThat(directory.exists("inner")).isTrue();
        assertThat(directory.exists("c")).isFalse();
    }

    @Test
    void creatingTwiceFailsWithExists() throws StorageException {
        directory.create("a").close();
        assertKind(Kind.EXISTS, () -> directory.create("a"));
    }

    @Test
    void whatIsMissingIsNotFound() {
        assertKind(Kind.NOT_FOUND, () -> directory.open("a"));
        assertKind(Kind.NOT_FOUND, () -> directory.openReadOnly("a"));
        assertKind(Kind.NOT_FOUND, () -> directory.delete("a"));
        assertKind(Kind.NOT_FOUND, () -> directory.rename("a", "b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "/a", "a\0"})
    void aNameIsASinglePathComponent(String name) {
        assertThatIllegalArgumentException().isThrownBy(() -> directory.create(name));
        assertThatIllegalArgumentException().isThrownBy(() -> directory.open(name));
        assertThatIllegalArgumentException().isThrownBy(() -> directory.delete(name));
        assertThatIllegalArgumentException().isThrownBy(() -> directory.rename("a", name));
        assertThatIllegalArgumentException().isThrownBy(() -> directory.directory(name));
        assertThatIllegalArgumentException().isThrownBy(() -> directory.deleteDirectory(name));
        assertThatIllegalArgumentException().isThrownBy(() -> directory.exists(name));
    }

    @Test
    void whatIsWrittenIsReadThroughAnyHandle() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            ByteBuffer source = bytes("hello world");
            file.write(5, source);
            assertThat(source.hasRemaining()).isFalse();
            assertThat(file.sizeBytes()).isEqualTo(16);
            try (StorageFile other = directory.openReadOnly("a")) {
                assertThat(text(other, 0, 16)).isEqualTo("\0\0\0\0\0hello world");
            }
        }
    }

    @Test
    void aReadIsShortOnlyAtTheEndOfTheFile() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.write(0, bytes("0123456789"));
            ByteBuffer target = ByteBuffer.allocate(8);
            assertThat(file.read(6, target)).isEqualTo(4);
            assertThat(target.position()).isEqualTo(4);
            assertThat(file.read(10, target)).isZero();
            assertThat(file.read(1000, target)).isZero();
            assertThat(target.position()).isEqualTo(4);
        }
    }

    @Test
    void aReadFillsOnlyTheBuffersWindow() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.write(0, bytes("0123456789"));
            byte[] around = "abcdefgh".getBytes(UTF_8);
            assertThat(file.read(0, ByteBuffer.wrap(around, 2, 3))).isEqualTo(3);
            assertThat(new String(around, UTF_8)).isEqualTo("ab012fgh");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void largeTransfersAreComplete(boolean direct) throws StorageException {
        byte[] content = new byte[3_000_001];
        new Random(1).nextBytes(content);
        ByteBuffer source = buffer(direct, content.length).put(content).flip();
        ByteBuffer target = buffer(direct, content.length);
        try (StorageFile file = directory.create("a")) {
            file.write(7, source);
            assertThat(file.read(7, target)).isEqualTo(content.length);
            byte[] back = new byte[content.length];
            target.get(0, back);
            assertThat(back).isEqualTo(content);
        }
    }

    @Test
    void aReadOnlyBufferCanBeWritten() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.write(0, bytes("abc").asReadOnlyBuffer());
            ByteBuffer direct = ByteBuffer.allocateDirect(3).put(bytes("def")).flip();
            file.write(3, direct.asReadOnlyBuffer());
            assertThat(text(file, 0, 6)).isEqualTo("abcdef");
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void aGatheredWriteWritesItsBuffersInOrder(long seed) throws StorageException {
        Random random = new Random(seed);
        ByteBuffer[] sources = new ByteBuffer[2500];
        ByteBuffer expected = ByteBuffer.allocate(1 << 20);
        for (int i = 0; i < sources.length; i++) {
            byte[] part = new byte[random.nextInt(i % 100 == 0 ? 20_000 : 200)];
            random.nextBytes(part);
            sources[i] =
                    buffer(random.nextBoolean(), part.length + 3)
                            .put(new byte[3])
                            .put(part)
                            .flip()
                            .position(3);
            if (i >= 2 && i < 2490) {
                expected.put(part);
            }
        }
        try (StorageFile file = directory.create("a")) {
            file.write(100, sources, 2, 2490);
            byte[] back = new byte[expected.flip().remaining()];
            assertThat(file.read(100, ByteBuffer.wrap(back)))
                    .as("seed %d", seed)
                    .isEqualTo(back.length);
            assertThat(ByteBuffer.wrap(back)).as("seed %d", seed).isEqualTo(expected);
            assertThat(file.sizeBytes()).isEqualTo(100 + back.length);
            for (int i = 0; i < sources.length; i++) {
                boolean written = i >= 2 && i < 2490;
                assertThat(sources[i].position()).isEqualTo(written ? sources[i].limit() : 3);
            }
        }
    }

    @Test
    void aCachedReadGivesTheSameBytesOrNothing() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.write(0, bytes("0123456789"));
            for (int i = 0; i < 50; i++) {
                ByteBuffer target = buffer(i % 2 == 0, 8).position(1);
                int count = file.readIfCached(6, target);
                if (count == StorageFile.WOULD_BLOCK) {
                    assertThat(target.position()).isEqualTo(1);
                } else {
                    assertThat(count).isEqualTo(4);
                    assertThat(target.position()).isEqualTo(5);
                    assertThat(target.get(1)).isEqualTo((byte) '6');
                }
            }
        }
    }

    @Test
    void hintsChangeNoContentAndFailNever() throws StorageException {
        StorageFile file = directory.create("a");
        file.write(0, bytes("0123456789"));
        file.writeSoon(0, 1L << 40);
        file.uncache(0, 1L << 40);
        file.force();
        file.uncache(3, 4);
        ByteBuffer target = buffer(true, 10);
        assertThat(file.read(0, target)).isEqualTo(10);
        assertThat(target.flip()).isEqualTo(bytes("0123456789"));
        file.close();
        file.writeSoon(0, 10);
        file.uncache(0, 10);
    }

    @Test
    void truncationCutsAndGrowthIsZeros() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.write(0, bytes("0123456789"));
            file.truncate(4);
            assertThat(file.sizeBytes()).isEqualTo(4);
            file.truncate(6);
            assertThat(text(file, 0, 10)).isEqualTo("0123\0\0");
        }
    }

    @Test
    void preallocationGrowsWithZerosAndKeepsContent() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.write(0, bytes("0123"));
            file.preallocate(100_000);
            assertThat(file.sizeBytes()).isEqualTo(100_000);
            assertThat(file.allocatedBytes()).isGreaterThanOrEqualTo(100_000);
            file.preallocate(10);
            assertThat(file.sizeBytes()).isEqualTo(100_000);
            assertThat(text(file, 0, 6)).isEqualTo("0123\0\0");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 512, 4096, 5000})
    void aHoleReadsAsZerosAndItsSurroundingsStay(long position) throws StorageException {
        byte[] content = new byte[300_000];
        new Random(2).nextBytes(content);
        try (StorageFile file = directory.create("a")) {
            file.write(0, ByteBuffer.wrap(content));
            file.punchHole(position, 200_003);
            file.punchHole(position, 0);
            Arrays.fill(content, (int) position, (int) position + 200_003, (byte) 0);
            byte[] back = new byte[content.length];
            file.read(0, ByteBuffer.wrap(back));
            assertThat(back).isEqualTo(content);
            assertThat(file.sizeBytes()).isEqualTo(content.length);
        }
    }

    @Test
    void whatIsCalledAHoleReadsAsZerosAndWhatWasWrittenIsNone() throws StorageException {
        byte[] content = new byte[500_000];
        new Random(3).nextBytes(content);
        try (StorageFile file = directory.create("a")) {
            file.truncate(2_000_000);
            file.write(300_001, ByteBuffer.wrap(content));
            file.punchHole(400_003, 100_000);
            byte[] back = new byte[2_000_000];
            file.read(0, ByteBuffer.wrap(back));
            long at = 0;
            while (at < back.length) {
                long data = Math.min(file.dataFrom(at), back.length);
                for (long i = at; i < data; i++) {
                    assertThat(back[(int) i]).as("byte %d in a hole", i).isZero();
                }
                at = Math.min(file.holeFrom(data), back.length);
                assertThat(at == data && data < back.length).as("no progress at %d", at).isFalse();
            }
            assertThat(file.dataFrom(300_001)).isEqualTo(300_001);
            assertThat(file.holeFrom(300_001)).isGreaterThan(400_002);
            assertThat(file.dataFrom(2_000_000)).isEqualTo(StorageFile.NONE);
            assertThat(file.holeFrom(2_000_000)).isEqualTo(StorageFile.NONE);
            assertThat(file.holeFrom(1_999_999)).isBetween(1_999_999L, 2_000_000L);
        }
    }

    @Test
    void aHoleOutsideTheFileIsTheCallersFault() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.truncate(100);
            assertThatIllegalArgumentException().isThrownBy(() -> file.punchHole(50, 51));
            assertThatIllegalArgumentException().isThrownBy(() -> file.punchHole(-1, 2));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> file.punchHole(101, Long.MAX_VALUE));
        }
    }

    @Test
    void aDeletedFileStaysReadableThroughOpenHandles() throws StorageException {
        StorageFile file = directory.create("a");
        file.write(0, bytes("still here"));
        directory.delete("a");
        assertThat(directory.files()).isEmpty();
        assertThat(text(file, 0, 10)).isEqualTo("still here");
        file.close();
        assertKind(Kind.NOT_FOUND, () -> directory.open("a"));
    }

    @Test
    void aRenameReplacesItsTarget() throws StorageException {
        write("old", "old content");
        write("new", "new content");
        directory.rename("new", "old");
        assertThat(directory.files()).containsExactly("old");
        try (StorageFile file = directory.open("old")) {
            assertThat(text(file, 0, 11)).isEqualTo("new content");
        }
        directory.rename("old", "old");
        assertThat(directory.files()).containsExactly("old");
    }

    @Test
    void aSubDirectoryIsOpenedAgainWithItsContent() throws StorageException {
        directory.directory("inner").create("a").close();
        assertThat(directory.directory("inner").files()).containsExactly("a");
        directory.directory("inner").directory("deeper").create("b").close();
        directory.deleteDirectory("inner");
        assertThat(directory.directories()).isEmpty();
        directory.deleteDirectory("inner");
        assertThat(directory.directory("inner").files()).isEmpty();
    }

    @Test
    void filesAndDirectoriesAreNotTakenForEachOther() throws StorageException {
        directory.create("file").close();
        directory.directory("inner");
        assertKind(Kind.EXISTS, () -> directory.directory("file"));
        assertKind(Kind.EXISTS, () -> directory.create("inner"));
        assertKind(Kind.IO, () -> directory.delete("inner"));
        assertKind(Kind.IO, () -> directory.open("inner"));
        assertThat(directory.directories()).containsExactly("inner");
    }

    @Test
    void forcesSucceedOnAHealthyDisk() throws StorageException {
        try (StorageFile file = directory.create("a")) {
            file.write(0, bytes("x"));
            file.force();
        }
        directory.force();
    }

    @Test
    void aClosedFileRefusesEverything() throws StorageException {
        StorageFile file = directory.create("a");
        file.write(0, bytes("x"));
        file.close();
        file.close();
        assertKind(Kind.IO, () -> file.read(0, ByteBuffer.allocate(1)));
        assertKind(Kind.IO, () -> file.write(0, bytes("y")));
        assertKind(Kind.IO, file::force);
        assertKind(Kind.IO, file::sizeBytes);
    }

    @Test
    void aFileOpenedForReadingCannotBeWritten() throws StorageException {
        write("a", "x");
        try (StorageFile file = directory.openReadOnly("a")) {
            assertThat(text(file, 0, 1)).isEqualTo("x");
            assertThatThrownBy(() -> file.write(0, bytes("y"))).isInstanceOf(Exception.class);
            assertThat(text(file, 0, 1)).isEqualTo("x");
        }
    }

    @Test
    void theLockExcludesUntilItIsClosedAndItsFileIsHidden() throws Exception {
        AutoCloseable lock = directory.lock();
        assertThatThrownBy(() -> directory.lock())
                .isInstanceOfSatisfying(
                        StorageException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(Kind.LOCKED))
                .hasMessageContaining("in use by process");
        assertThatThrownBy(() -> directory.lock()).isInstanceOf(StorageException.class);
        assertThat(directory.files()).isEmpty();
        assertThatIllegalArgumentException().isThrownBy(() -> directory.open("lock"));
        lock.close();
        directory.lock().close();
    }

    @Test
    void usableSpaceIsKnown() throws StorageException {
        assertThat(directory.usableBytes()).isPositive();
    }

    private void write(String name, String content) throws StorageException {
        try (StorageFile file = directory.create(name)) {
            file.write(0, bytes(content));
        }
    }

    private static String text(StorageFile file, long position, int length)
            throws StorageException {
        ByteBuffer target = ByteBuffer.allocate(length);
        int count = file.read(position, target);
        return new String(target.array(), 0, count, UTF_8);
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(UTF_8));
    }

    static ByteBuffer buffer(boolean direct, int bytes) {
        return direct ? ByteBuffer.allocateDirect(bytes) : ByteBuffer.allocate(bytes);
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
