package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class WrittenGroundTest {
    private static final int UNIT_BYTES = 4 << 20;

    private final WrittenGround ground = new WrittenGround(true);
    private int end = SegmentHeader.RESERVED_BYTES;

    private int append(int bytes) {
        end += bytes;
        @Nullable ByteBuffer zeros = ground.append(bytes, end, UNIT_BYTES);
        return zeros == null ? 0 : zeros.remaining();
    }

    @Test
    void nothingIsWrittenAheadWhileNobodyWaitsForAForce() {
        for (int i = 0; i < 100; i++) {
            assertThat(append(4200)).isZero();
            ground.forceBegins(false);
        }
    }

    @Test
    void smallForcesThatAreAwaitedFindGroundThatWasWrittenBefore() {
        append(4200);
        ground.forceBegins(true);
        List<Integer> written = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            written.add(append(4200));
            ground.forceBegins(true);
        }
        assertThat(written.getFirst()).isPositive();
        assertThat(written.stream().filter(zeros -> zeros > 0)).hasSize(3);
        assertThat(written).allMatch(zeros -> zeros <= WrittenGround.AHEAD_BYTES);
    }

    @Test
    void largeForcesDoNot() {
        for (int i = 0; i < 10; i++) {
            for (int n = 0; n < 17; n++) {
                assertThat(append(4096)).isZero();
            }
            ground.forceBegins(true);
        }
    }

    @Test
    void zerosEndWithTheSegment() {
        ground.forceBegins(true);
        append(UNIT_BYTES - end - 10_000);
        assertThat(append(2000)).isZero();
        assertThat(append(8000)).isZero();
        end = SegmentHeader.RESERVED_BYTES;
        ground.startSegment();
        assertThat(append(1000)).isPositive();
    }

    @Test
    void segmentsThatGrowAreLeftAlone() {
        WrittenGround growing = new WrittenGround(false);
        growing.forceBegins(true);
        assertThat(growing.append(1000, 5096, UNIT_BYTES)).isNull();
    }
}
