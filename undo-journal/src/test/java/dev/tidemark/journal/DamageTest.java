package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What was lost from the end of a file, or with the newest file, is noticed. */
final class DamageTest {
    private final JournalWorld world = new JournalWorld(3);

    private void history(int folds) throws Exception {
        world.create();
        for (int i = 0; i < folds; i++) {
            world.write(20_000, true);
            world.checkpoint("mark " + i);
            world.scheduler.runUntilIdle();
            world.fold();
        }
        world.write(20_000, true);
        world.scheduler.runUntilIdle();
    }

    private String newest(String prefix) throws Exception {
        return world.directory.files().stream()
                .filter(name -> name.startsWith(prefix))
                .toList()
                .getLast();
    }

    private byte[] content(String name) throws Exception {
        try (StorageFile file = world.directory.openReadOnly(name)) {
            ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(file.sizeBytes()));
            file.read(0, bytes);
            return bytes.array();
        }
    }

    private void put(String name, byte[] content, int length) throws Exception {
        try (StorageFile file = world.directory.open(name)) {
            file.truncate(0);
            file.write(0, ByteBuffer.wrap(content, 0, length));
            file.force();
        }
    }

    private void expectRefusal(String... said) {
        assertThatThrownBy(world::open)
                .isInstanceOf(JournalException.class)
                .hasMessageContainingAll(said)
                .extracting(failure -> ((JournalException) failure).kind())
                .isEqualTo(JournalException.Kind.CORRUPT);
    }

    /** Where the edits of a manifest begin, and how far it had been forced at each. */
    private record Edit(int position, int forced) {}

    private List<Edit> edits(byte[] manifest) {
        ByteBuffer bytes = ByteBuffer.wrap(manifest).order(ByteOrder.LITTLE_ENDIAN);
        List<Edit> edits = new ArrayList<>();
        int at = ManifestFormat.HEADER_BYTES;
        long number = bytes.getLong(ManifestFormat.NUMBER_AT);
        int length = ManifestFormat.validLength(bytes, at, number);
        while (length > 0) {
            edits.add(new Edit(at, ManifestFormat.forced(bytes, at)));
            at += length;
            length = ManifestFormat.validLength(bytes, at, number);
        }
        edits.add(new Edit(at, at));
        return edits;
    }

    @Test
    void aManifestCutBetweenAnyTwoEditsThatItHeldIsRefused() throws Exception {
        history(5);
        world.kill();
        String name = newest(Manifest.PREFIX);
        byte[] whole = content(name);
        List<Edit> edits = edits(whole);
        // GOLD_AT of the last fold has not been forced: nobody was promised it.
        int forced = edits.get(edits.size() - 2).forced();
        assertThat(edits).hasSizeGreaterThan(15);
        for (Edit edit : edits) {
            if (edit.position() < forced) {
                put(name, whole, edit.position());
                expectRefusal(Manifest.PREFIX);
            }
        }
        put(name, whole, whole.length);
        world.open();
        world.verifyPoint(world.journal().redo().lastSequence());
    }

    @Test
    void whatTheManifestHeldAtTheLastForceOfRedoIsMissedAlsoAfterALossOfPower() throws Exception {
        history(5);
        world.crash();
        String name = newest(Manifest.PREFIX);
        byte[] whole = content(name);
        List<Edit> edits = edits(whole);
        // The force of the last write has taken the witness of the fold before it along.
        put(name, whole, edits.get(edits.size() - 3).position());
        expectRefusal(name, "proves that", "restore it from a copy");
    }

    @Test
    void anOlderManifestInPlaceOfTheNewestIsRefused() throws Exception {
        history(2);
        world.kill();
        String older = newest(Manifest.PREFIX);
        byte[] olderContent = content(older);
        world.open();
        world.journal().close();
        world.kill();
        world.directory.delete(newest(Manifest.PREFIX));
        try (StorageFile file = world.directory.create(older)) {
            file.write(0, ByteBuffer.wrap(olderContent));
        }
        expectRefusal(older, "proves that");
    }

    @Test
    void theNewestRedoSegmentWithAForcedRecordIsMissed() throws Exception {
        history(2);
        long first = world.journal().redo().current().number();
        while (world.journal().redo().current().number() == first) {
            world.write(30_000, true);
            world.scheduler.runUntilIdle();
        }
        String name = SegmentKind.REDO.fileName(world.journal().redo().current().number());
        world.kill();
        byte[] whole = content(name);

        put(name, whole, SegmentHeader.RESERVED_BYTES);
        expectRefusal(name, "cut short");
        put(name, new byte[whole.length], whole.length);
        expectRefusal("the manifest proves that it had been forced");
        assertThat(world.directory.files()).as("taken for unfinished").doesNotContain(name);
        expectRefusal("the manifest proves that it had been forced");

        world.directory.create(name).close();
        put(name, whole, whole.length);
        world.open();
    }

    @Test
    void aSegmentMadeAheadMayBeMissing() throws Exception {
        history(1);
        long current = world.journal().redo().current().number();
        world.kill();
        String ahead = newest("redo-");
        assertThat(SegmentKind.REDO.numberOf(ahead)).isGreaterThan(current);
        world.directory.delete(ahead);
        world.open();
        world.verifyPoint(world.journal().redo().lastSequence());
    }
}
