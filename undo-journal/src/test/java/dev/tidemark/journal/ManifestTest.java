package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageFile;
import dev.tidemark.storage.simulation.FaultPlan;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

final class ManifestTest {
    private static final UUID GROUP = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    private static final Boundary ORIGIN = new Boundary(0, 0, 1, new Position(1, 4096, 1), null);

    private final SimulatedDisk disk = new SimulatedDisk(5);
    private StorageDirectory root = disk.root();

    private Manifest.Context context() {
        return new Manifest.Context(root, new Counters(), JournalListener.NONE, failure -> {});
    }

    private Manifest create() throws JournalException {
        return Manifest.create(context(), GROUP, ORIGIN, 1);
    }

    private static void put(Manifest manifest, String key, int value, boolean force)
            throws JournalException {
        manifest.append(
                List.of(new ManifestEdit.AttributePut(key, new byte[] {(byte) value})), force);
    }

    private static int get(Manifest manifest, String key) {
        byte[] value = manifest.state().attributes().get(key);
        return value == null ? -1 : value[0];
    }

    private static RunEntry run(long number, String name) {
        Checkpoint checkpoint = new Checkpoint(number * 10, number * 100, true, name, "text");
        Boundary boundary =
                new Boundary(
                        number,
                        number * 10,
                        number * 100,
                        new Position(1, 4096 + number, number * 10 + 1),
                        checkpoint);
        return new RunEntry(
                boundary, 3, new SpanDescriptor(0, number, number, 1, 1, 4096, 64, 2, 5000));
    }

    @Test
    void everythingIsReadBack() throws Exception {
        Manifest manifest = create();
        manifest.append(List.of(new ManifestEdit.RunAdded(run(1, "größer"))), true);
        manifest.append(List.of(new ManifestEdit.RunAdded(run(2, "second"))), true);
        manifest.append(List.of(new ManifestEdit.GoldAt(1)), false);
        put(manifest, "a", 1, false);
        put(manifest, "b", 2, false);
        manifest.append(List.of(new ManifestEdit.AttributeDelete("a")), false);
        manifest.close();
        Manifest again = Manifest.open(context());
        assertThat(again.group()).isEqualTo(GROUP);
        ManifestState state = again.state();
        assertThat(state.gold()).isEqualTo(run(1, "größer").boundary());
        assertThat(state.newest()).isEqualTo(run(2, "second").boundary());
        assertThat(state.epochAt(2)).isEqualTo(3);
        assertThat(state.named("größer")).extracting(Boundary::run).isEqualTo(1L);
        assertThat(state.descriptors()).containsExactly(run(1, "").run(), run(2, "").run());
        assertThat(state.attributes()).containsOnlyKeys("b");
    }

    @Test
    void aGrownManifestIsWrittenAnewAndTheOldOneGoes() throws Exception {
        Manifest manifest = create();
        for (int i = 0; i < 300; i++) {
            manifest.append(List.of(new ManifestEdit.AttributePut("key", new byte[10_000])), false);
        }
        put(manifest, "last", 7, true);
        assertThat(root.files()).hasSize(1).doesNotContain(Manifest.fileName(1));
        try (StorageFile file = root.openReadOnly(root.files().getFirst())) {
            assertThat(file.sizeBytes()).isLessThan(2_000_000);
        }
        manifest.close();
        assertThat(get(Manifest.open(context()), "last")).isEqualTo(7);
    }

    @Test
    void aCrashAtAnyMomentKeepsWhatWasForced() throws Exception {
        for (long seed = 1; seed <= 300; seed++) {
            crashes(new Random(seed), seed);
        }
    }

    private void crashes(Random random, long seed) throws Exception {
        SimulatedDisk own = new SimulatedDisk(seed);
        root = own.root();
        Manifest manifest = create();
        Map<String, Integer> forced = new TreeMap<>();
        for (int life = 0; life < 4; life++) {
            Map<String, Integer> written = new TreeMap<>(forced);
            own.powerOffAfter(1 + random.nextInt(40));
            if (random.nextInt(3) == 0) {
                own.faults(FaultPlan.seeded(random, 0, 0.1, 0));
            }
            for (int i = 0; i < 40 && !own.isPoweredOff(); i++) {
                String key = "key" + random.nextInt(5);
                boolean force = random.nextInt(3) == 0;
                byte[] value = new byte[random.nextInt(4) == 0 ? 200_000 : 1];
                value[0] = (byte) i;
                try {
                    manifest.append(List.of(new ManifestEdit.AttributePut(key, value)), force);
                    written.put(key, i);
                    if (force) {
                        forced.clear();
                        forced.putAll(written);
                    }
                } catch (JournalException noted) {
                    // The value may or may not have reached the disk.
                }
            }
            own.faults(FaultPlan.NONE);
            root = own.crash(random);
            manifest = Manifest.open(context());
            for (Map.Entry<String, Integer> entry : forced.entrySet()) {
                assertThat(get(manifest, entry.getKey()))
                        .as("seed " + seed + " " + entry)
                        .isNotEqualTo(-1);
            }
            forced.clear();
            for (String key : manifest.state().attributes().keySet()) {
                forced.put(key, get(manifest, key));
            }
        }
    }

    @Test
    void aFailedWriteIsNeverReadBack() throws Exception {
        Manifest manifest = create();
        put(manifest, "a", 1, true);
        disk.faults((operation, path) -> operation == FaultPlan.Operation.WRITE);
        assertThatThrownBy(() -> put(manifest, "a", 2, true)).isInstanceOf(JournalException.class);
        disk.faults(FaultPlan.NONE);
        put(manifest, "b", 3, true);
        root = disk.crash(new Random(1));
        Manifest again = Manifest.open(context());
        assertThat(get(again, "a")).isEqualTo(1);
        assertThat(get(again, "b")).isEqualTo(3);
    }

    @Test
    void whatAFailedForceLeftInTheCacheIsWrittenAgainByTheNextStart() throws Exception {
        for (long seed = 1; seed <= 20; seed++) {
            SimulatedDisk own = new SimulatedDisk(seed);
            root = own.root();
            Manifest manifest = create();
            put(manifest, "a", 1, true);
            own.faults((operation, path) -> operation == FaultPlan.Operation.FORCE);
            assertThatThrownBy(() -> put(manifest, "a", 2, true))
                    .isInstanceOf(JournalException.class);
            own.faults(FaultPlan.NONE);
            root = own.kill();
            Manifest restarted = Manifest.open(context());
            assertThat(get(restarted, "a")).isEqualTo(2);
            restarted.force();
            root = own.crash(new Random(seed));
            assertThat(get(Manifest.open(context()), "a")).as("seed %d", seed).isEqualTo(2);
        }
    }

    private void flip(String name, long position) throws Exception {
        try (StorageFile file = root.open(name)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            file.read(position, one);
            one.put(0, (byte) (one.get(0) ^ 1));
            file.write(position, one.flip());
            file.force();
        }
    }

    @Test
    void damageInFrontOfAForcedEditIsRefused() throws Exception {
        Manifest manifest = create();
        put(manifest, "a", 1, true);
        put(manifest, "b", 2, true);
        manifest.close();
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        try (StorageFile file = root.openReadOnly(Manifest.fileName(1))) {
            file.read(0, bytes);
        }
        int at = indexOf(bytes, 'a');
        flip(Manifest.fileName(1), at);
        assertThatThrownBy(() -> Manifest.open(context()))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining(Manifest.fileName(1) + " at position")
                .hasMessageContaining("proves that what was here had been forced");
    }

    private static int indexOf(ByteBuffer bytes, char key) {
        for (int i = 0; i + 2 < bytes.limit(); i++) {
            if (bytes.get(i) == 1 && bytes.get(i + 1) == 0 && bytes.get(i + 2) == key) {
                return i + 2;
            }
        }
        throw new AssertionError("no key " + key);
    }

    @Test
    void foreignLaterAndMissingManifestsAreNamed() throws Exception {
        assertThatThrownBy(() -> Manifest.open(context()))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("holds no whole manifest")
                .hasMessageContaining("restore it from a copy");
        create().close();
        root.rename(Manifest.fileName(1), Manifest.fileName(2));
        assertThatThrownBy(() -> Manifest.open(context()))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("says it is manifest 1");
        root.rename(Manifest.fileName(2), Manifest.fileName(1));
        ByteBuffer header = ByteBuffer.allocate(ManifestFormat.HEADER_BYTES);
        try (StorageFile file = root.open(Manifest.fileName(1))) {
            file.read(0, header);
            header.order(java.nio.ByteOrder.LITTLE_ENDIAN);
            header.putInt(ManifestFormat.VERSION_AT, 9);
            header.putInt(
                    ManifestFormat.HEADER_CHECKSUM_AT,
                    Checksum.of(header, 0, ManifestFormat.HEADER_CHECKSUM_AT));
            file.write(0, header.flip());
        }
        assertThatThrownBy(() -> Manifest.open(context()))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("has format version 9, this program reads versions up to 2");
    }
}
