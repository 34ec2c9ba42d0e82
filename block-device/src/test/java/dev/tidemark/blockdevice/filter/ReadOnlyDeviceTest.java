package dev.tidemark.blockdevice.filter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

class ReadOnlyDeviceTest {
    private final MemoryBlockDevice memory = new MemoryBlockDevice(8192);
    private final BlockDevice device = new ReadOnlyDevice(memory);

    @Test
    void changesAreRefusedAndReadsAndFlushesPass() {
        Outcome written = new Outcome();
        device.write(0, Unpooled.wrappedBuffer(new byte[] {1}), false, written);
        Outcome zeroed = new Outcome();
        device.zero(0, 1, false, false, zeroed);
        Outcome flushed = new Outcome();
        device.flush(flushed);
        Outcome read = new Outcome();
        device.read(0, 1, read);
        device.submit();
        written.expectFailure(ErrorCode.READ_ONLY);
        zeroed.expectFailure(ErrorCode.READ_ONLY);
        flushed.expectSuccess();
        assertThat(read.expectBytes()).containsExactly(0);
        assertThat(device.features().readOnly()).isTrue();
    }
}
