package dev.tidemark.blockdevice.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MemoryBlockDeviceTest extends BlockDeviceContract {
    private final MemoryBlockDevice memory = new MemoryBlockDevice(SIZE_BYTES);

    @Override
    protected BlockDevice newDevice() {
        return memory;
    }

    @Override
    protected Optional<BlockDevice> reopenAfterPowerLoss() {
        memory.losePower();
        return Optional.of(memory);
    }

    @Override
    protected boolean grow(long sizeBytes) {
        memory.resize(sizeBytes);
        return true;
    }

    @Test
    void aWriteWaitsForTheSubmit() {
        Outcome written = startWrite(0, new byte[] {1}, false);
        assertThat(written.isEnded()).isFalse();
        memory.submit();
        assertThat(written.isEnded()).isTrue();
    }

    @Test
    void whatWasNotFlushedIsLostWithThePower() {
        write(0, new byte[] {1});
        flush();
        write(0, new byte[] {2});
        memory.losePower();
        assertThat(read(0, 1)).containsExactly(1);
    }
}
