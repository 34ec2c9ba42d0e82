package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** A copy that is begun, and dies at whatever it does, is begun again. */
class SyncImagesTest {
    private static final int BYTES = 8192;
    private static final int FATES = 12;

    private final byte[] content = new byte[BYTES];

    /** Makes a copy of two volumes, or goes on with what is there of it. */
    private void make(Rig rig) throws ReplicaException {
        try (SyncImages images = rig.beginCopy()) {
            for (int id = 1; id <= 2; id++) {
                images.volume(id, "disk" + id, BYTES);
                ByteBuf bytes = Unpooled.wrappedBuffer(content);
                images.write(id, 0, bytes);
                bytes.release();
            }
            images.remove(2);
            images.volume(2, "disk2", BYTES);
            images.force();
            rig.createStandby(
                    images, new StandbyStart(new StreamPosition(100, 1_000, 1), 0, new UUID(1, 1)));
        }
    }

    private static byte[] read(Rig rig, int volume) throws ReplicaException {
        byte[] read = new byte[BYTES];
        try (SyncImages images = rig.beginCopy()) {
            images.volume(volume, "disk" + volume, BYTES);
            images.read(volume, 0, ByteBuffer.wrap(read));
        }
        return read;
    }

    @Test
    void one_that_lost_power_amid_any_step_is_made_again() throws Exception {
        Arrays.fill(content, (byte) 0x5a);
        Rig whole = new Rig(1);
        make(whole);
        long operations = whole.disk.operations();
        assertThat(operations).isGreaterThan(20);
        for (int step = 1; step <= operations; step++) {
            for (int fate = 0; fate < FATES; fate++) {
                Rig rig = new Rig(fate);
                rig.disk.powerOffAfter(step);
                try {
                    make(rig);
                } catch (ReplicaException off) {
                    assertThat(rig.disk.isPoweredOff()).as("step %d", step).isTrue();
                }
                var _ = rig.disk.crash(new Random(fate));
                make(rig);
                var _ = rig.disk.crash(new Random(fate));
                assertThat(read(rig, 1)).as("step %d, fate %d", step, fate).isEqualTo(content);
            }
        }
    }
}
