package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.journal.PointSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageProperties {
    /** What one test has written, and what of it must survive. */
    private static final class Shadow {
        final UUID id;
        final VolumeModel model;
        long sequence;
        long flushed;

        Shadow(UUID id, byte[] content) {
            this.id = id;
            this.model = VolumeModel.of(content);
        }
    }

    private final List<Shadow> shadows = new ArrayList<>();

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {101, 102, 103, 104})
    void imagesSeeNeitherEachOtherNorProductionAndOutliveRestarts(long seed) throws Exception {
        Rig rig = new Rig(seed).create();
        rig.addVolume("disk", 300_000);
        for (int life = 0; life < 5; life++) {
            live(rig, life);
            boolean kill = rig.random.nextBoolean();
            long head = rig.group().status().headSequence();
            if (kill) {
                rig.killAndOpen();
                assertThat(rig.group().status().headSequence()).isEqualTo(head);
            } else {
                rig.crashAndOpen();
                rig.checkRecovered(0);
            }
            rig.checkHead();
            afterRestart(rig, kill);
        }
        stopAll(rig);
    }

    private void live(Rig rig, int life) throws Exception {
        BlockDevice device = rig.group().openVolume(1);
        for (int i = 0; i < 20; i++) {
            rig.randomWrite(device, 20_000);
        }
        rig.flush(device);
        startImage(rig, new UUID(9, life));
        for (int i = 0; i < 60; i++) {
            rig.randomWrite(device, 20_000);
            Shadow shadow = shadows.get(rig.random.nextInt(shadows.size()));
            writeTo(rig, shadow);
            if (rig.random.nextInt(10) == 0) {
                rig.scheduler.runFor(rig.random.nextInt(1500) * 1_000_000L);
            }
        }
        for (Shadow shadow : shadows) {
            assertThat(content(rig, shadow)).isEqualTo(shadow.model.imageAt(shadow.sequence));
        }
        rig.checkHead();
        device.close();
    }

    private void startImage(Rig rig, UUID id) throws Exception {
        long head = rig.group().status().headSequence();
        long at = Math.max(1, head - rig.random.nextInt(15));
        Image image = rig.await(rig.group().startImage(id, new PointSpec.AtSequence(at)));
        assertThat(image.point().sequence()).isEqualTo(at);
        shadows.add(new Shadow(id, rig.model(1).imageAt(at)));
    }

    private static Image image(Rig rig, Shadow shadow) {
        return rig.group().images().stream()
                .filter(image -> image.id().equals(shadow.id))
                .findFirst()
                .orElseThrow();
    }

    private static byte[] content(Rig rig, Shadow shadow) throws Exception {
        BlockDevice device = image(rig, shadow).device(1);
        byte[] all = rig.readAll(device);
        device.close();
        return all;
    }

    private static void writeTo(Rig rig, Shadow shadow) throws Exception {
        BlockDevice device = image(rig, shadow).device(1);
        int length = 1 + rig.random.nextInt(9000);
        int offset = rig.random.nextInt(300_000 - length);
        shadow.sequence++;
        if (rig.random.nextInt(5) == 0) {
            rig.zero(device, offset, length);
            shadow.model.zero(shadow.sequence, offset, length);
        } else {
            boolean fua = rig.random.nextInt(6) == 0;
            byte[] data = rig.bytes(length);
            rig.write(device, offset, data, fua);
            shadow.model.write(shadow.sequence, offset, data);
            shadow.flushed = fua ? shadow.sequence : shadow.flushed;
        }
        if (rig.random.nextInt(8) == 0) {
            rig.flush(device);
            shadow.flushed = shadow.sequence;
        }
        device.close();
    }

    private void afterRestart(Rig rig, boolean kill) throws Exception {
        assertThat(rig.group().images()).hasSameSizeAs(shadows);
        for (Shadow shadow : shadows) {
            long least = kill ? shadow.sequence : shadow.flushed;
            byte[] now = content(rig, shadow);
            List<Long> prefixes = shadow.model.pointsEqualTo(now, least, shadow.sequence);
            assertThat(prefixes)
                    .as("seed %d: a prefix of the test's writes", rig.seed)
                    .isNotEmpty();
            shadow.sequence = prefixes.getLast();
            shadow.flushed = shadow.sequence;
            shadow.model.discardAfter(shadow.sequence);
        }
    }

    private void stopAll(Rig rig) throws Exception {
        while (!shadows.isEmpty()) {
            Shadow gone = shadows.remove(rig.random.nextInt(shadows.size()));
            rig.await(rig.group().stopImage(gone.id, false));
            for (Shadow shadow : shadows) {
                assertThat(content(rig, shadow)).isEqualTo(shadow.model.imageAt(shadow.sequence));
            }
        }
        rig.checkHead();
        assertThat(rig.group().status().history().pins()).isZero();
    }
}
