package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.journal.PointSpec;
import io.netty.buffer.Unpooled;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A recovery test whose write log is damaged, in a group that is not. */
class FailedImageTest {
    private static final int SIZE = 1 << 20;
    private static final int BLOCK = 8192;
    private static final UUID DAMAGED = new UUID(3, 1);
    private static final UUID SOUND = new UUID(3, 2);

    @TempDir Path folder;

    private final List<String> told = new ArrayList<>();

    private final GroupListener listener =
            new GroupListener() {
                @Override
                public void imageFailed(UUID group, UUID image, String reason) {
                    told.add(image + ": " + reason);
                }
            };

    private RealDisk open(boolean create) throws Exception {
        return new RealDisk(folder.resolve("group"), create, Rules.SAFE, listener);
    }

    private void fill() throws Exception {
        try (RealDisk disk = open(true)) {
            disk.group.addVolume("disk", SIZE).get(30, TimeUnit.SECONDS);
            write(disk.group.openVolume(1), 0, 'L');
            for (UUID id : List.of(DAMAGED, SOUND)) {
                disk.group.startImage(id, new PointSpec.Latest()).get(30, TimeUnit.SECONDS);
                write(image(disk.group, id).device(1), 0, 'a');
                write(image(disk.group, id).device(1), BLOCK, 'b');
            }
        }
    }

    private static Image image(ProtectionGroup group, UUID id) {
        return group.images().stream()
                .filter(image -> image.id().equals(id))
                .findFirst()
                .orElseThrow();
    }

    private static void write(BlockDevice device, long offset, char content) {
        byte[] data = new byte[BLOCK];
        Arrays.fill(data, (byte) content);
        Outcome outcome = new Outcome();
        device.write(offset, Unpooled.wrappedBuffer(data), true, outcome);
        device.submit();
        outcome.await().expectSuccess();
        device.close();
    }

    private static char read(BlockDevice device, long offset) {
        Outcome outcome = new Outcome();
        device.read(offset, 1, outcome);
        device.submit();
        byte[] data = outcome.await().expectBytes();
        device.close();
        return (char) data[0];
    }

    private Path folderOf(UUID id) {
        return folder.resolve("group/images/" + id);
    }

    /** Turns the first record that was forced into rubbish; returns the file as it was. */
    private byte[] damage(Path log) throws Exception {
        byte[] whole = Files.readAllBytes(log);
        byte[] broken = whole.clone();
        Arrays.fill(broken, 4096 + 200, 4096 + 300, (byte) 0x5a);
        Files.write(log, broken);
        return whole;
    }

    private Path log() throws Exception {
        try (Stream<Path> files = Files.list(folderOf(DAMAGED))) {
            return files.sorted().findFirst().orElseThrow();
        }
    }

    @Test
    void theGroupOpensAndEverythingElseOfItWorks() throws Exception {
        fill();
        damage(log());

        try (RealDisk disk = open(false)) {
            assertThat(read(disk.group.openVolume(1), 0)).isEqualTo('L');
            Image sound = image(disk.group, SOUND);
            assertThat(sound.failure()).isEmpty();
            assertThat(read(sound.device(1), BLOCK)).isEqualTo('b');
            write(disk.group.openVolume(1), 0, 'M');
            Image failed = image(disk.group, DAMAGED);
            assertThat(failed.failure()).contains("log-");
            assertThat(failed.diskBytes()).isPositive();
            assertThat(told).hasSize(1).first().asString().contains(DAMAGED.toString(), "log-");
            assertThatThrownBy(() -> failed.device(1))
                    .isInstanceOf(ReplicaException.class)
                    .hasMessageContainingAll(DAMAGED.toString(), "log-", "stop the test");
            assertThatThrownBy(() -> disk.group.promote(DAMAGED).usable().join())
                    .hasMessageContaining("could not be opened");
            assertThatThrownBy(() -> disk.group.removeVolume(1).join())
                    .as("the image still needs its volume")
                    .hasRootCauseInstanceOf(ReplicaException.class);
        }
    }

    @Test
    void itsWritesAreThereAgainOnceTheLogIsMended() throws Exception {
        fill();
        Path log = log();
        byte[] whole = damage(log);
        try (RealDisk disk = open(false)) {
            assertThat(image(disk.group, DAMAGED).failure()).isNotEmpty();
            disk.drainAndClose();
        }
        Files.write(log, whole);

        try (RealDisk disk = open(false)) {
            Image mended = image(disk.group, DAMAGED);
            assertThat(mended.failure()).isEmpty();
            assertThat(read(mended.device(1), 0)).isEqualTo('a');
            assertThat(read(mended.device(1), BLOCK)).isEqualTo('b');
        }
    }

    @Test
    void stoppingItGivesItsSpaceBackForGood() throws Exception {
        fill();
        damage(log());
        try (RealDisk disk = open(false)) {
            disk.group.stopImage(DAMAGED, false).get(30, TimeUnit.SECONDS);
            assertThat(disk.group.images()).extracting(Image::id).containsExactly(SOUND);
            assertThat(folderOf(DAMAGED)).doesNotExist();
            assertThat(disk.group.status().history().pins()).isEqualTo(1);
        }
        try (RealDisk disk = open(false)) {
            assertThat(disk.group.images()).extracting(Image::id).containsExactly(SOUND);
        }
    }
}
