package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.simulation.FaultPlan;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
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

    @Test
    void zeros_that_fill_holes_are_no_holes_though_nothing_was_written() throws Exception {
        GoldImage image = GoldImage.create(new SimulatedDisk(3).root(), VOLUME, SIZE_BYTES);
        image.zero(4096, 8192, false);
        ExtentMap found = new ExtentMap();
        image.allocation(0, SIZE_BYTES, new AllocationMap(), 100, found);
        List<String> extents = new ArrayList<>();
        found.visit(
                0,
                SIZE_BYTES,
                new ExtentMap.Visitor() {
                    @Override
                    public void extent(long offset, long length, long origin, long a, long b) {
                        extents.add(offset + "+" + length + " " + a);
                    }

                    @Override
                    public void gap(long offset, long length) {
                        extents.add("gap at " + offset);
                    }
                });
        long hole = Allocation.HOLE | Allocation.ZERO;
        assertThat(extents)
                .containsExactly(
                        "0+4096 " + hole,
                        "4096+8192 " + Allocation.ZERO,
                        "12288+" + (SIZE_BYTES - 12288) + " " + hole);
    }

    private static void expectZeros(GoldImage image) throws StorageException {
        ByteBuffer content = ByteBuffer.allocate(SIZE_BYTES);
        image.read(0, content, false);
        assertThat(content.array()).containsOnly(0);
    }
}
