package dev.tidemark.blockdevice.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MemoryBlockDeviceTest extends BlockDeviceContract {
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final MemoryBlockDevice memory =
            new MemoryBlockDevice(Geometry.ofSize(SIZE_BYTES), Features.LIVE, allocator);

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

    @Override
    protected long leakedBuffers() {
        return allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
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
