package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.simulation.FaultPlan;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class GoldImageTest {
    private static final int VOLUME = 1;

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
}
