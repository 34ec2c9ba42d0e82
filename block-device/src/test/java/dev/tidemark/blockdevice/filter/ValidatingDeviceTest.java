package dev.tidemark.blockdevice.filter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.model.BlockDeviceContract;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ValidatingDeviceTest extends BlockDeviceContract {
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final MemoryBlockDevice memory =
            new MemoryBlockDevice(Geometry.ofSize(SIZE_BYTES), Features.LIVE, allocator);

    @Override
    protected BlockDevice newDevice() {
        return new ValidatingDevice(memory);
    }

    @Override
    protected Optional<BlockDevice> reopenAfterPowerLoss() {
        memory.losePower();
        return Optional.of(new ValidatingDevice(memory));
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
    void aReadBeyondTheSizeIsOutOfRange() {
        assertThat(refusedRead(SIZE_BYTES - 1L, 2, ErrorCode.OUT_OF_RANGE))
                .isEqualTo("read offset 1050111 length 2 reaches beyond the size 1050112");
        refusedRead(SIZE_BYTES + 1L, 0, ErrorCode.OUT_OF_RANGE);
        refusedRead(-1, 1, ErrorCode.OUT_OF_RANGE);
        refusedRead(Long.MIN_VALUE, 1, ErrorCode.OUT_OF_RANGE);
        refusedRead(Long.MAX_VALUE, Integer.MAX_VALUE >> 10, ErrorCode.OUT_OF_RANGE);
    }

    @Test
    void aQuestionAboutARangeBeyondTheSizeIsOutOfRange() {
        Outcome asked = outcome();
        device().allocation(SIZE_BYTES - 1L, 2, 1, asked);
        assertThat(asked.expectFailure(ErrorCode.OUT_OF_RANGE))
                .hasMessage("status offset 1050111 length 2 reaches beyond the size 1050112");
        Outcome warmed = outcome();
        device().prefetch(5, Long.MAX_VALUE, warmed);
        warmed.expectFailure(ErrorCode.OUT_OF_RANGE);
        Outcome within = outcome();
        device().allocation(0, SIZE_BYTES, 1, within);
        assertThat(within.expectStatus().count()).isEqualTo(1);
    }

    @Test
    void aLengthAboveTheMaximumIsInvalid() {
        assertThat(refusedRead(0, 73_400_320, ErrorCode.INVALID))
                .isEqualTo("read length 73400320 exceeds maximum 33554432");
        refusedRead(0, -1, ErrorCode.INVALID);
        ByteBuf large = Unpooled.wrappedBuffer(new byte[(32 << 20) + 1]);
        Outcome written = outcome();
        device().write(0, large, false, written);
        assertThat(written.expectFailure(ErrorCode.INVALID))
                .hasMessage("write length 33554433 exceeds maximum 33554432");
    }

    @Test
    void aWriteBeyondTheSizeHasNoSpaceAndChangesNothing() {
        Outcome written = startWrite(SIZE_BYTES - 1L, new byte[] {1, 2}, false);
        assertThat(written.expectFailure(ErrorCode.BEYOND_END))
                .hasMessage("write offset 1050111 length 2 reaches beyond the size 1050112");
        startWrite(Long.MAX_VALUE, new byte[] {1, 2}, true).expectFailure(ErrorCode.BEYOND_END);
        assertThat(memory.image()).containsOnly(0);
    }

    @Test
    void zeroesAndTrimsBeyondTheSizeDifferInTheirCode() {
        assertThat(zeroed(5, Long.MAX_VALUE, false).expectFailure(ErrorCode.BEYOND_END))
                .hasMessage(
                        "zero offset 5 length 9223372036854775807 reaches beyond the size 1050112");
        assertThat(zeroed(5, SIZE_BYTES, true).expectFailure(ErrorCode.OUT_OF_RANGE))
                .hasMessage("trim offset 5 length 1050112 reaches beyond the size 1050112");
        zeroed(0, -1, true).expectFailure(ErrorCode.INVALID);
    }

    @Test
    void aReadOnlyDeviceRefusesChangesBeforeAnythingElse() {
        BlockDevice readOnly = new ValidatingDevice(new ReadOnlyDevice(memory));
        Outcome written = outcome();
        readOnly.write(Long.MAX_VALUE, Unpooled.EMPTY_BUFFER, false, written);
        assertThat(written.expectFailure(ErrorCode.READ_ONLY))
                .hasMessage("write refused: the device is read-only");
        Outcome trimmed = outcome();
        readOnly.zero(0, 1, true, false, trimmed);
        assertThat(trimmed.expectFailure(ErrorCode.READ_ONLY))
                .hasMessage("trim refused: the device is read-only");
    }

    @Test
    void requestsOffTheDevicesGrainAreInvalid() {
        Geometry coarse = new Geometry(8192, 512, 4096, 1 << 20);
        BlockDevice device =
                new ValidatingDevice(new MemoryBlockDevice(coarse, Features.LIVE, allocator));
        Outcome read = outcome();
        device.read(512, 100, read);
        assertThat(read.expectFailure(ErrorCode.INVALID))
                .hasMessage("read offset 512 length 100 is not aligned to 512 bytes");
        Outcome zeroed = outcome();
        device.zero(1, 512, false, false, zeroed);
        zeroed.expectFailure(ErrorCode.INVALID);
        Outcome fine = outcome();
        device.read(512, 1024, fine);
        assertThat(fine.expectBytes()).hasSize(1024);
    }

    @Test
    void requestsOfLengthZeroGoNoFurther() {
        startWrite(0, new byte[0], true).expectSuccess();
        Outcome read = outcome();
        device().read(0, 0, read);
        read.expectSuccess();
        memory.submit();
        assertThat(memory.forcedWriteCount()).isZero();
    }

    private String refusedRead(long offset, int length, ErrorCode code) {
        Outcome read = outcome();
        device().read(offset, length, read);
        return String.valueOf(read.expectFailure(code).getMessage());
    }

    private Outcome zeroed(long offset, long length, boolean deallocate) {
        Outcome zeroed = outcome();
        device().zero(offset, length, deallocate, false, zeroed);
        return zeroed;
    }
}
