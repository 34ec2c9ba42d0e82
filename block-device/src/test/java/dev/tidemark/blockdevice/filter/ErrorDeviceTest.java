package dev.tidemark.blockdevice.filter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.filter.Request.Kind;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrorDeviceTest {
    private final MemoryBlockDevice memory = new MemoryBlockDevice(8192);
    private final ByteBuf data = Unpooled.wrappedBuffer(new byte[] {1, 2, 3});

    @ParameterizedTest
    @EnumSource
    void eachKindFailsWithTheCodeChosen(Kind kind) {
        List<Request> seen = new ArrayList<>();
        BlockDevice device =
                new ErrorDevice(
                        memory,
                        request -> {
                            seen.add(request);
                            return request.kind() == kind ? ErrorCode.NO_SPACE : null;
                        });
        for (Kind other : Kind.values()) {
            Outcome outcome = start(device, other);
            device.submit();
            if (other == kind) {
                outcome.expectFailure(ErrorCode.NO_SPACE);
            } else {
                outcome.expectSuccess();
            }
        }
        assertThat(seen)
                .containsExactly(
                        new Request(Kind.READ, 10, 3, false),
                        new Request(Kind.WRITE, 10, 3, true),
                        new Request(Kind.ZERO, 10, 3, true),
                        new Request(Kind.TRIM, 10, 3, true),
                        new Request(Kind.FLUSH, 0, 0, false),
                        new Request(Kind.STATUS, 10, 3, false),
                        new Request(Kind.PREFETCH, 10, 3, false));
    }

    @Test
    void aFailedWriteIsNotHandedDown() {
        BlockDevice device = new ErrorDevice(memory, request -> ErrorCode.IO);
        assertThat(start(device, Kind.WRITE).expectFailure(ErrorCode.IO))
                .hasMessage("write offset 10 length 3 failed on purpose");
        device.submit();
        assertThat(memory.image()).containsOnly(0);
    }

    private Outcome start(BlockDevice device, Kind kind) {
        Outcome outcome = new Outcome();
        switch (kind) {
            case READ -> device.read(10, 3, outcome);
            case WRITE -> device.write(10, data, true, outcome);
            case ZERO -> device.zero(10, 3, false, true, outcome);
            case TRIM -> device.zero(10, 3, true, true, outcome);
            case FLUSH -> device.flush(outcome);
            case STATUS -> device.allocation(10, 3, 1, outcome);
            case PREFETCH -> device.prefetch(10, 3, outcome);
        }
        return outcome;
    }
}
