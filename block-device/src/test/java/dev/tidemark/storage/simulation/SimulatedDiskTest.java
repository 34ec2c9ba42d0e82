package dev.tidemark.storage.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageException.Kind;
import dev.tidemark.storage.StorageFile;
import dev.tidemark.storage.simulation.FaultPlan.Operation;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/**
 * What a simulated disk does in trouble; outcomes that depend on luck are looked for over many
 * seeds.
 */
class SimulatedDiskTest {
    private static final int SEEDS = 400;

    @Test
    void whatWasForcedSurvivesEveryCrash() throws StorageException {
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", filled(5000, 1));
            file.close();
            StorageDirectory after = disk.crash(new Random(seed));
            assertThat(content(after, "a")).as("seed %d", seed).isEqualTo(filled(5000, 1));
        }
    }

    @Test
    void anUnforcedWriteIsKeptLostOrTornBetweenSectors() throws StorageException {
        Set<String> outcomes = new TreeSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", filled(4096, 1));
            file.write(0, ByteBuffer.wrap(filled(4096, 2)));
            byte[] after = content(disk.crash(new Random(seed)), "a");
            StringBuilder sectors = new StringBuilder();
            for (int i = 0; i < after.length; i += 512) {
                byte first = after[i];
                assertThat(Arrays.copyOfRange(after, i, i + 512))
                        .as("seed %d", seed)
                        .containsOnly(first);
                sectors.append(first);
            }
            outcomes.add(sectors.toString());
        }
        assertThat(outcomes).contains("11111111", "22222222");
        assertThat(outcomes).as("torn after a prefix").anyMatch(kept -> kept.matches("2+1+"));
        assertThat(outcomes).as("sectors in any order").anyMatch(kept -> kept.matches("1+2+1+.*"));
    }

    @Test
    void aLaterWriteMaySurviveAnEarlierOne() throws StorageException {
        Set<String> outcomes = new TreeSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", new byte[1024]);
            file.write(0, ByteBuffer.wrap(filled(512, 1)));
            file.write(512, ByteBuffer.wrap(filled(512, 2)));
            byte[] after = content(disk.crash(new Random(seed)), "a");
            outcomes.add(after[0] + "" + after[512]);
        }
        assertThat(outcomes).containsExactly("00", "02", "10", "12");
    }

    @Test
    void aSectorKeptCarriesWhatEarlierWritesPutIntoIt() throws StorageException {
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", new byte[512]);
            file.write(0, ByteBuffer.wrap(filled(100, 1)));
            file.write(100, ByteBuffer.wrap(filled(100, 2)));
            byte[] after = content(disk.crash(new Random(seed)), "a");
            assertThat(after[100] == 0 || after[0] == 1).as("seed %d", seed).isTrue();
        }
    }

    @Test
    void anUnforcedSizeIsKeptOrLost() throws StorageException {
        Set<Integer> sizes = new TreeSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", filled(1000, 1));
            file.write(1000, ByteBuffer.wrap(filled(1000, 2)));
            file.truncate(300);
            byte[] after = content(disk.crash(new Random(seed)), "a");
            sizes.add(after.length);
            assertThat(Arrays.copyOf(after, 300)).as("seed %d", seed).containsOnly(1);
        }
        assertThat(sizes).containsExactly(300, 1000, 2000);
    }

    @Test
    void whatATruncationCutOffDoesNotComeBackWithGrowth() throws StorageException {
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", filled(5000, 1));
            file.truncate(100);
            file.truncate(5000);
            file.force();
            byte[] after = content(disk.crash(new Random(seed)), "a");
            assertThat(Arrays.copyOfRange(after, 100, 5000)).as("seed %d", seed).containsOnly(0);
        }
    }

    @Test
    void anUnforcedHoleIsKeptLostOrTorn() throws StorageException {
        Set<Integer> zeroSectors = new TreeSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", filled(8192, 1));
            file.punchHole(1024, 4096);
            byte[] after = content(disk.crash(new Random(seed)), "a");
            int zeros = 0;
            for (int i = 0; i < 8192; i += 512) {
                zeros += after[i] == 0 ? 1 : 0;
            }
            zeroSectors.add(zeros);
        }
        assertThat(zeroSectors).contains(0, 8).hasSizeGreaterThan(2);
    }

    @Test
    void entriesNotForcedAreKeptOrLostOnTheirOwn() throws StorageException {
        Set<List<String>> outcomes = new HashSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageDirectory root = disk.root();
            root.create("old").close();
            root.force();
            root.create("new").close();
            root.delete("old");
            outcomes.add(disk.crash(new Random(seed)).files());
        }
        assertThat(outcomes)
                .containsExactlyInAnyOrder(
                        List.of(), List.of("new"), List.of("old"), List.of("new", "old"));
    }

    @Test
    void aRenameNotForcedIsAtomic() throws StorageException {
        Set<String> outcomes = new TreeSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageDirectory root = disk.root();
            forcedFile(disk, "current", filled(10, 1)).close();
            forcedFile(disk, "next", filled(10, 2)).close();
            root.rename("next", "current");
            StorageDirectory after = disk.crash(new Random(seed));
            outcomes.add(after.files() + " " + content(after, "current")[0]);
        }
        assertThat(outcomes).containsExactly("[current, next] 1", "[current] 2");
    }

    @Test
    void aFileWhoseDeletionWasLostIsWhole() throws StorageException {
        boolean seen = false;
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            forcedFile(disk, "a", filled(4096, 1)).close();
            disk.root().delete("a");
            StorageDirectory after = disk.crash(new Random(seed));
            if (after.exists("a")) {
                seen = true;
                assertThat(content(after, "a")).containsOnly(1);
                assertThat(disk.usedBytes()).isEqualTo(4096);
                after.open("a").close();
                assertThat(disk.usedBytes()).as("it is in use again").isEqualTo(4096);
            }
        }
        assertThat(seen).isTrue();
    }

    @Test
    void aDirectoryNotForcedIsLostWithAllItHolds() throws StorageException {
        Set<List<String>> outcomes = new HashSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageDirectory inner = disk.root().directory("inner");
            inner.create("a").close();
            inner.force();
            outcomes.add(disk.crash(new Random(seed)).directory("inner").files());
        }
        assertThat(outcomes).containsExactlyInAnyOrder(List.of(), List.of("a"));
    }

    @Test
    void aKillKeepsEverythingWrittenAndEndsHandlesAndLocks() throws StorageException {
        SimulatedDisk disk = new SimulatedDisk(1);
        StorageDirectory root = disk.root();
        root.lock();
        StorageFile file = root.create("a");
        file.write(0, ByteBuffer.wrap(filled(5000, 1)));
        StorageDirectory after = disk.kill();
        assertThat(content(after, "a")).isEqualTo(filled(5000, 1));
        assertOff(() -> file.read(0, ByteBuffer.allocate(1)));
        assertOff(root::files);
        after.lock();
        Set<Integer> sizes = new TreeSet<>();
        sizes.add(content(disk.crash(new Random(2)), "a").length);
        assertThat(sizes).as("it was still not forced").isSubsetOf(0, 5000);
    }

    @Test
    void powerFailsAtTheOperationArmedAndNothingChangesAfterwards() throws StorageException {
        Set<Byte> lastWrite = new TreeSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", new byte[1536]);
            disk.powerOffAfter(2);
            file.write(0, ByteBuffer.wrap(filled(512, 1)));
            assertOff(() -> file.write(512, ByteBuffer.wrap(filled(512, 2))));
            assertThat(disk.isPoweredOff()).isTrue();
            assertOff(() -> file.write(1024, ByteBuffer.wrap(filled(512, 3))));
            assertOff(file::force);
            assertThatIllegalStateException().isThrownBy(disk::kill);
            byte[] after = content(disk.crash(new Random(seed)), "a");
            lastWrite.add(after[512]);
            assertThat(after[1024]).as("seed %d", seed).isZero();
            assertOff(() -> file.write(0, ByteBuffer.wrap(filled(512, 4))));
        }
        assertThat(lastWrite).containsExactly((byte) 0, (byte) 2);
    }

    @Test
    void aFullDiskRefusesNewSpaceButNotOverwrites() throws StorageException {
        SimulatedDisk disk = new SimulatedDisk(1);
        StorageFile file = forcedFile(disk, "a", filled(8192, 1));
        disk.budgetBytes(8192 + 4096);
        assertThat(disk.root().usableBytes()).isEqualTo(4096);
        file.write(0, ByteBuffer.wrap(filled(8192, 2)));
        assertKind(Kind.NO_SPACE, () -> file.write(8192, ByteBuffer.wrap(filled(8192, 3))));
        assertKind(Kind.NO_SPACE, () -> file.preallocate(1 << 20));
        assertThat(disk.usedBytes()).isLessThanOrEqualTo(8192 + 4096);
        disk.budgetBytes(1 << 20);
        file.write(8192, ByteBuffer.wrap(filled(8192, 3)));
        file.punchHole(0, 8192);
        assertThat(disk.usedBytes()).isEqualTo(8192);
        assertThat(file.allocatedBytes()).isEqualTo(8192);
    }

    @Test
    void preallocatedSpaceCannotRunOut() throws StorageException {
        SimulatedDisk disk = new SimulatedDisk(1);
        StorageFile file = disk.root().create("a");
        file.preallocate(64 << 10);
        disk.budgetBytes(0);
        file.write(0, ByteBuffer.wrap(filled(64 << 10, 1)));
        assertKind(Kind.NO_SPACE, () -> file.write(64 << 10, ByteBuffer.wrap(filled(1, 1))));
    }

    @Test
    void aDeletedFilesSpaceReturnsWithItsLastHandle() throws StorageException {
        SimulatedDisk disk = new SimulatedDisk(1);
        StorageFile file = forcedFile(disk, "a", filled(8192, 1));
        disk.root().delete("a");
        assertThat(disk.usedBytes()).isEqualTo(8192);
        file.close();
        assertThat(disk.usedBytes()).isZero();
    }

    @Test
    void plannedFaultsFailTheirOperation() throws StorageException {
        for (Operation operation :
                List.of(Operation.READ, Operation.WRITE, Operation.FORCE, Operation.TRUNCATE)) {
            SimulatedDisk disk = new SimulatedDisk(1);
            StorageFile file = forcedFile(disk, "a", filled(512, 1));
            disk.faults((asked, path) -> asked == operation && path.endsWith("/a"));
            boolean[] failed = new boolean[4];
            failed[0] = fails(() -> file.read(0, ByteBuffer.allocate(1)));
            failed[1] = fails(() -> file.write(0, ByteBuffer.allocate(1)));
            failed[2] = fails(file::force);
            failed[3] = fails(() -> file.truncate(1));
            boolean[] expected = new boolean[4];
            expected[
                            List.of(
                                            Operation.READ,
                                            Operation.WRITE,
                                            Operation.FORCE,
                                            Operation.TRUNCATE)
                                    .indexOf(operation)] =
                    true;
            assertThat(failed).as("%s", operation).isEqualTo(expected);
        }
    }

    @Test
    void aForceThatSucceedsAfterAFailedOneMayHaveLostData() throws StorageException {
        Set<Byte> outcomes = new TreeSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageFile file = forcedFile(disk, "a", new byte[512]);
            file.write(0, ByteBuffer.wrap(filled(512, 1)));
            disk.faults((operation, path) -> operation == Operation.FORCE);
            assertKind(Kind.IO, file::force);
            disk.faults(FaultPlan.NONE);
            file.force();
            assertThat(content(disk.root(), "a")).as("readers still see it").containsOnly(1);
            outcomes.add(content(disk.crash(new Random(seed)), "a")[0]);
        }
        assertThat(outcomes).containsExactly((byte) 0, (byte) 1);
    }

    @Test
    void aFailedDirectoryForceMayLoseEntriesForGood() throws StorageException {
        Set<List<String>> outcomes = new HashSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            StorageDirectory root = disk.root();
            root.create("a").close();
            disk.faults((operation, path) -> operation == Operation.FORCE_DIRECTORY);
            assertKind(Kind.IO, root::force);
            disk.faults(FaultPlan.NONE);
            root.force();
            outcomes.add(disk.crash(new Random(seed)).files());
        }
        assertThat(outcomes).containsExactlyInAnyOrder(List.of(), List.of("a"));
    }

    @Test
    void seededFaultsHitTheirShareOfOperations() throws StorageException {
        SimulatedDisk disk = new SimulatedDisk(3);
        StorageFile file = forcedFile(disk, "a", new byte[512]);
        disk.faults(FaultPlan.seeded(new Random(4), 0.25, 0, 1));
        int failures = 0;
        for (int i = 0; i < 1000; i++) {
            failures += fails(() -> file.read(0, ByteBuffer.allocate(1))) ? 1 : 0;
        }
        assertThat(failures).isBetween(200, 300);
        assertThat(fails(() -> file.write(0, ByteBuffer.allocate(1)))).isFalse();
        assertThat(fails(file::force)).isTrue();
    }

    @Test
    void rotFlipsOneBitWhereTheTestAllowsIt() throws StorageException {
        SimulatedDisk disk = new SimulatedDisk(1);
        forcedFile(disk, "a", filled(8192, 0)).close();
        StorageFile victim = disk.root().directory("inner").create("b");
        victim.write(0, ByteBuffer.wrap(filled(8192, 0)));
        victim.force();
        SimulatedDisk.Rot rot =
                disk.rot(
                                (path, position) -> path.equals("inner/b") && position >= 4096,
                                new Random(5))
                        .orElseThrow();
        assertThat(rot.path()).isEqualTo("inner/b");
        assertThat(rot.position()).isBetween(4096L, 8191L);
        byte[] now = content(disk.root().directory("inner"), "b");
        byte[] expected = new byte[8192];
        expected[(int) rot.position()] = (byte) (1 << rot.bit());
        assertThat(now).isEqualTo(expected);
        assertThat(content(disk.root(), "a")).containsOnly(0);
        assertThat(disk.rot((path, position) -> false, new Random(5))).isEmpty();
    }

    @Test
    void rotUnderAChangeNotYetForcedHealsWithTheForce() throws StorageException {
        SimulatedDisk disk = new SimulatedDisk(1);
        StorageFile file = forcedFile(disk, "a", filled(512, 1));
        file.write(0, ByteBuffer.wrap(filled(512, 2)));
        assertThat(disk.rot((path, position) -> true, new Random(5))).isPresent();
        assertThat(content(disk.root(), "a")).containsOnly(2);
        file.force();
        assertThat(content(disk.crash(new Random(6)), "a")).containsOnly(2);
    }

    @Test
    void theSameSeedGivesTheSameDisk() throws StorageException {
        assertThat(story(42)).isEqualTo(story(42)).isNotEqualTo(story(43));
    }

    /** Random operations under faults and crashes, told as text. */
    private static String story(long seed) {
        Random random = new Random(seed);
        SimulatedDisk disk = new SimulatedDisk(seed);
        StorageDirectory root = disk.root();
        StringBuilder story = new StringBuilder();
        disk.budgetBytes(200_000);
        for (int step = 0; step < 300; step++) {
            disk.faults(step % 5 == 0 ? FaultPlan.seeded(random, 0.2, 0.2, 0.2) : FaultPlan.NONE);
            if (step % 40 == 39) {
                root = disk.crash(random);
            }
            String name = "f" + random.nextInt(5);
            try (StorageFile file = root.exists(name) ? root.open(name) : root.create(name)) {
                int position = random.nextInt(60_000);
                switch (random.nextInt(6)) {
                    case 0 -> file.force();
                    case 1 -> root.force();
                    case 2 -> root.rename(name, "f" + random.nextInt(5));
                    case 3 -> file.truncate(position);
                    default ->
                            file.write(
                                    position, ByteBuffer.wrap(filled(random.nextInt(5000), step)));
                }
                story.append(file.readIfCached(0, ByteBuffer.allocate(10)))
                        .append(file.sizeBytes());
            } catch (StorageException failure) {
                story.append(failure.getMessage());
            }
            story.append(disk.usedBytes()).append(' ');
        }
        return story.toString();
    }

    private static StorageFile forcedFile(SimulatedDisk disk, String name, byte[] content)
            throws StorageException {
        StorageFile file = disk.root().create(name);
        file.write(0, ByteBuffer.wrap(content));
        file.force();
        disk.root().force();
        return file;
    }

    private static byte[] content(StorageDirectory directory, String name) throws StorageException {
        try (StorageFile file = directory.open(name)) {
            byte[] content = new byte[(int) file.sizeBytes()];
            file.read(0, ByteBuffer.wrap(content));
            return content;
        }
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private interface Call {
        void run() throws StorageException;
    }

    private static boolean fails(Call call) throws StorageException {
        try {
            call.run();
            return false;
        } catch (StorageException failure) {
            assertThat(failure.kind()).isEqualTo(Kind.IO);
            return true;
        }
    }

    private static void assertOff(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StorageException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(Kind.IO))
                .hasMessageContaining("powered off");
    }

    private static void assertKind(Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StorageException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(kind));
    }
}
