package dev.tidemark.blockdevice.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.BlockDeviceContract;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.execution.simulation.SimulatedScheduler;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Rates, on a virtual clock. */
class ThrottleDeviceTest extends BlockDeviceContract {
    private final SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private final MemoryBlockDevice memory = new MemoryBlockDevice(SIZE_BYTES);

    @Override
    protected BlockDevice newDevice() {
        return new ThrottleDevice(memory, scheduler, 1000, 1 << 20);
    }

    @Override
    protected void settle() {
        scheduler.runFor(TimeUnit.SECONDS.toNanos(2));
    }

    @Override
    protected Optional<BlockDevice> reopenAfterPowerLoss() {
        memory.losePower();
        return Optional.of(newDevice());
    }

    @Test
    void requestsPassAtTheirRateAfterTheBurst() {
        List<Outcome> reads = readMany(new ThrottleDevice(memory, scheduler, 100, 0), 210, 1);
        assertThat(ended(reads)).isEqualTo(11); // 0.1 s saved up, and the one whose turn is now
        scheduler.runFor(TimeUnit.SECONDS.toNanos(1));
        assertThat(ended(reads)).isBetween(110L, 112L);
        scheduler.runFor(TimeUnit.SECONDS.toNanos(1));
        assertThat(ended(reads)).isEqualTo(210);
    }

    @Test
    void bytesPassAtTheirRateAfterTheBurst() {
        List<Outcome> reads =
                readMany(new ThrottleDevice(memory, scheduler, 0, 1 << 20), 100, 1 << 16);
        long burst = ended(reads);
        assertThat(burst).isBetween(1L, 3L);
        scheduler.runFor(TimeUnit.SECONDS.toNanos(1));
        assertThat(ended(reads) - burst).isBetween(15L, 17L);
        scheduler.runFor(TimeUnit.SECONDS.toNanos(10));
        assertThat(ended(reads)).isEqualTo(100);
    }

    @Test
    void aRequestLargerThanASecondsWorthPassesAndTheNextPays() {
        BlockDevice device = new ThrottleDevice(memory, scheduler, 0, 1000);
        List<Outcome> reads = readMany(device, 2, 5000);
        assertThat(ended(reads)).isEqualTo(1);
        scheduler.runFor(TimeUnit.MILLISECONDS.toNanos(4899));
        assertThat(ended(reads)).isEqualTo(1);
        scheduler.runFor(TimeUnit.MILLISECONDS.toNanos(1));
        assertThat(ended(reads)).isEqualTo(2);
    }

    @Test
    void withoutLimitsEverythingPassesAtOnce() {
        assertThat(ended(readMany(new ThrottleDevice(memory, scheduler, 0, 0), 1000, 4096)))
                .isEqualTo(1000);
    }

    @Test
    void aNegativeRateIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ThrottleDevice(memory, scheduler, -1, 0))
                .withMessage("rate -1 per second is negative; 0 means no limit");
    }

    private List<Outcome> readMany(BlockDevice device, int count, int length) {
        List<Outcome> reads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Outcome read = outcome();
            device.read(0, length, read);
            reads.add(read);
        }
        device.submit();
        return reads;
    }

    private static long ended(List<Outcome> outcomes) {
        return outcomes.stream().filter(Outcome::isEnded).count();
    }
}
