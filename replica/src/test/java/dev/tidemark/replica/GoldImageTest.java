package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.simulation.FaultPlan;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class GoldImageTest {
    private static final int VOLUME = 1;
    private static final int SIZE_BYTES = 1 << 20;

    @Test
    void a_length_whose_force_failed_is_made_durable_by_the_next_try() throws Exception {
        for (long seed = 1; seed <= 20; seed++) {
            SimulatedDisk disk = new SimulatedDisk(seed);
            GoldImage image = GoldImage.create(disk.root(), VOLUME, 4096);
            disk.faults((operation, path) -> operation == FaultPlan.Operation.FORCE);
            assertThatThrownBy(() -> image.grow(1 << 20)).isInstanceOf(StorageException.class);
            disk.faults(FaultPlan.NONE);

            GoldImage.open(disk.kill(), VOLUME).grow(1 << 20);
            GoldImage found = GoldImage.open(disk.crash(new Random(seed)), VOLUME);
            assertThat(found.sizeBytes()).as("seed %d", seed).isGreaterThanOrEqualTo(1 << 20);
        }
    }

    @Test
    void zeros_that_leave_no_holes_fill_them_while_there_is_room() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(1);
        GoldImage image = GoldImage.create(disk.root(), VOLUME, SIZE_BYTES);
        image.write(8192, ByteBuffer.wrap(new byte[] {1}));
        disk.budgetBytes(disk.usedBytes() + GoldImage.ZEROS_LEAVE_BYTES + SIZE_BYTES);
        image.zero(0, SIZE_BYTES, false);
        assertThat(image.allocatedBytes()).isEqualTo(SIZE_BYTES);
        expectZeros(image);
    }

    @Test
    void zeros_that_leave_no_holes_never_take_the_last_room() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(2);
        GoldImage image = GoldImage.create(disk.root(), VOLUME, SIZE_BYTES);
        image.write(8192, ByteBuffer.wrap(new byte[] {1}));
        long before = image.allocatedBytes();
        disk.budgetBytes(disk.usedBytes() + 4096);
        image.zero(0, SIZE_BYTES, false);
        assertThat(image.allocatedBytes()).isEqualTo(before);
        expectZeros(image);
    }

    private static void expectZeros(GoldImage image) throws StorageException {
        ByteBuffer content = ByteBuffer.allocate(SIZE_BYTES);
        image.read(0, content, false);
        assertThat(content.array()).containsOnly(0);
    }
}
