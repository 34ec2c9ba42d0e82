package dev.tidemark.blockdevice.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The model of volumes against plain copies of every image. */
class VolumeModelProperties {
    private static final int SIZE = 50_000;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void everyPointIsTheImageAfterItsWrites(long seed) {
        Random random = new Random(seed);
        byte[] base = new byte[SIZE];
        random.nextBytes(base);
        VolumeModel model = VolumeModel.of(base);
        List<byte[]> images = new ArrayList<>(List.of(base.clone()));
        for (int sequence = 1; sequence <= 200; sequence++) {
            images.add(step(random, model, sequence, images.getLast().clone()));
        }
        model.discardAfter(150);
        assertThat(model.lastSequence()).isEqualTo(150);
        images.subList(151, images.size()).clear();
        for (int sequence = 151; sequence <= 180; sequence++) {
            images.add(step(random, model, sequence, images.getLast().clone()));
        }
        for (int sequence = 0; sequence < images.size(); sequence++) {
            check(model, sequence, images.get(sequence), "seed " + seed + " sequence " + sequence);
        }
    }

    private static byte[] step(Random random, VolumeModel model, int sequence, byte[] image) {
        byte[] grown = image;
        int offset = random.nextInt(image.length);
        int length = random.nextInt(Math.min(12_000, image.length - offset) + 1);
        switch (random.nextInt(10)) {
            case 0 -> {
                grown = Arrays.copyOf(image, image.length + random.nextInt(6000));
                model.resize(sequence, grown.length);
            }
            case 1, 2, 3 -> {
                model.zero(sequence, offset, length);
                Arrays.fill(grown, offset, offset + length, (byte) 0);
            }
            default -> {
                byte[] data = new byte[length];
                random.nextBytes(data);
                model.write(sequence, offset, Unpooled.wrappedBuffer(data));
                System.arraycopy(data, 0, grown, offset, length);
            }
        }
        return grown;
    }

    private static void check(VolumeModel model, long sequence, byte[] image, String what) {
        assertThat(model.sizeAt(sequence)).as(what).isEqualTo(image.length);
        assertThat(model.imageAt(sequence)).as(what).isEqualTo(image);
        assertThat(model.sha256At(sequence)).as(what).isEqualTo(VolumeModel.sha256(image));
        assertThat(model.hashAt(sequence)).as(what).isEqualTo(VolumeModel.hash(image));
        assertThat(model.firstDifference(sequence, 100, Arrays.copyOfRange(image, 100, 9000)))
                .as(what)
                .isEqualTo(-1);
        assertThat(model.pointsEqualTo(image, 0, model.lastSequence())).as(what).contains(sequence);
        image[777]++;
        assertThat(model.firstDifference(sequence, 100, Arrays.copyOfRange(image, 100, 9000)))
                .as(what)
                .isEqualTo(777);
        assertThat(VolumeModel.hash(image)).as(what).isNotEqualTo(model.hashAt(sequence));
        image[777]--;
    }

    @Test
    void sequenceNumbersMayRepeatOrSkipButNotDescend() {
        VolumeModel model = new VolumeModel(10);
        model.write(5, 0, new byte[] {1});
        model.write(5, 1, new byte[] {2});
        assertThat(model.imageAt(4)).containsOnly(0);
        assertThat(model.imageAt(7)).startsWith(1, 2);
        assertThatIllegalArgumentException().isThrownBy(() -> model.write(4, 0, new byte[1]));
        assertThatIllegalArgumentException().isThrownBy(() -> model.write(6, 10, new byte[1]));
        assertThatIllegalArgumentException().isThrownBy(() -> model.resize(6, 9));
    }
}
