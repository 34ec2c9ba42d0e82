package dev.tidemark.blockdevice.filter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.model.BlockDeviceContract;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class CopyOnWriteDeviceTest extends BlockDeviceContract {
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final MemoryBlockDevice base =
            new MemoryBlockDevice(Geometry.ofSize(SIZE_BYTES), Features.LIVE, allocator);
    private final CopyOnWriteDevice copyOnWrite =
            new CopyOnWriteDevice(new ReadOnlyDevice(base), allocator);

    @Override
    protected BlockDevice newDevice() {
        return copyOnWrite;
    }

    @Override
    protected boolean grow(long sizeBytes) {
        base.resize(sizeBytes);
        return true;
    }

    @Override
    protected long leakedBuffers() {
        return allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
    }

    @Test
    void readsMixTheOverlayAndTheBaseAndTheBaseStays() {
        byte[] below = random(1, 20_000);
        Outcome filled = outcome();
        base.write(0, Unpooled.wrappedBuffer(below), false, filled);
        base.submit();
        byte[] image = base.image();
        write(5000, random(2, 100));
        write(9000, random(3, 1));
        Outcome trimmed = outcome();
        copyOnWrite.zero(7000, 10, true, false, trimmed);
        byte[] expected = below.clone();
        System.arraycopy(random(2, 100), 0, expected, 5000, 100);
        System.arraycopy(random(3, 1), 0, expected, 9000, 1);
        Arrays.fill(expected, 7000, 7010, (byte) 0);
        assertThat(read(0, 20_000)).isEqualTo(expected);
        assertThat(base.image()).isEqualTo(image);
    }

    @Test
    void memoryOfOverwrittenDataIsFreed() {
        for (int i = 0; i < 100; i++) {
            write(0, random(i, 4096));
        }
        assertThat(copyOnWrite.overlayBytes()).isEqualTo(4096);
        write(100, random(0, 10));
        assertThat(copyOnWrite.overlayBytes()).isEqualTo(4106);
        Outcome zeroed = outcome();
        copyOnWrite.zero(0, 4096, false, false, zeroed);
        assertThat(copyOnWrite.overlayBytes()).isZero();
    }

    @Test
    void aFailureBelowFailsTheReadOnce() {
        BlockDevice failing =
                new CopyOnWriteDevice(
                        new ErrorDevice(
                                base, request -> request.offsetBytes() > 0 ? ErrorCode.IO : null),
                        allocator);
        Outcome written = outcome();
        failing.write(100, Unpooled.wrappedBuffer(new byte[10]), false, written);
        Outcome read = outcome();
        failing.read(0, 4096, read);
        read.expectFailure(ErrorCode.IO);
    }
}
