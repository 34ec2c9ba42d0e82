package dev.tidemark.blockdevice.filter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.BlockDeviceContract;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.execution.simulation.SimulatedScheduler;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Requests that overtake each other, on a virtual clock. */
class DelayDeviceTest extends BlockDeviceContract {
    private static final long LONGEST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private final MemoryBlockDevice memory = new MemoryBlockDevice(SIZE_BYTES);
    private final Random random = new Random(2);

    @Override
    protected BlockDevice newDevice() {
        return new DelayDevice(memory, scheduler, () -> random.nextLong(LONGEST_NANOS));
    }

    @Override
    protected void settle() {
        scheduler.runFor(2 * LONGEST_NANOS);
    }

    @Override
    protected Optional<BlockDevice> reopenAfterPowerLoss() {
        memory.losePower();
        return Optional.of(newDevice());
    }

    @Test
    void aRequestWaitsForItsDelay() {
        BlockDevice slow = new DelayDevice(memory, scheduler, () -> 1000);
        Outcome read = outcome();
        slow.read(0, 10, read);
        slow.submit();
        scheduler.runFor(999);
        assertThat(read.isEnded()).isFalse();
        scheduler.runFor(1);
        assertThat(read.expectBytes()).hasSize(10);
    }

    @Test
    void aCloseWaitsForWhatWasDelayed() {
        BlockDevice slow = new DelayDevice(memory, scheduler, () -> 1000);
        Outcome read = outcome();
        slow.read(0, 10, read);
        slow.close();
        assertThat(memory.isClosed()).isFalse();
        scheduler.runFor(1000);
        assertThat(memory.isClosed()).isTrue();
        read.expectSuccess();
    }
}
