package dev.tidemark.blockdevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExtentMapTest {
    private final ExtentMap map = new ExtentMap();

    @Test
    void anEmptyMapIsOneGap() {
        assertThat(parts(10, 20)).containsExactly("gap 10+20");
        assertThat(map.isEmpty()).isTrue();
        assertThat(map.endBytes()).isZero();
    }

    @Test
    void aSplitExtentKeepsItsOriginOnBothSides() {
        map.put(100, 100, 7, 8);
        map.put(140, 20, 9, 10);
        assertThat(parts(90, 130))
                .containsExactly(
                        "gap 90+10",
                        "100+40@100=7,8",
                        "140+20@140=9,10",
                        "160+40@100=7,8",
                        "gap 200+20");
        assertThat(map.count()).isEqualTo(3);
        assertThat(map.coveredBytes()).isEqualTo(100);
        assertThat(map.endBytes()).isEqualTo(200);
    }

    @Test
    void removingTheMiddleLeavesTwoParts() {
        map.put(0, 100, 1, 1);
        map.remove(40, 20);
        assertThat(parts(0, 100)).containsExactly("0+40@0=1,1", "gap 40+20", "60+40@0=1,1");
    }

    @Test
    void adjacentPutsStayTwoExtents() {
        map.put(0, 10, 1, 1);
        map.put(10, 10, 1, 1);
        assertThat(map.count()).isEqualTo(2);
    }

    @Test
    void zeroLengthsDoNothing() {
        map.put(5, 0, 1, 1);
        map.put(0, 10, 1, 1);
        map.remove(5, 0);
        map.put(5, 0, 2, 2);
        assertThat(parts(0, 10)).containsExactly("0+10@0=1,1");
        assertThat(parts(3, 0)).isEmpty();
    }

    @Test
    void aRangeMayReachTheLastOffset() {
        map.put(Long.MAX_VALUE - 10, 10, 1, 1);
        assertThat(parts(Long.MAX_VALUE - 20, 20)).hasSize(2);
        assertThatIllegalArgumentException().isThrownBy(() -> map.put(Long.MAX_VALUE, 1, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> map.put(-1, 1, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> map.visit(0, -1, new Parts()));
    }

    @Test
    void clearForgetsEverything() {
        for (int i = 0; i < 1000; i++) {
            map.put(i * 10L, 5, i, i);
        }
        map.clear();
        assertThat(map.isEmpty()).isTrue();
        assertThat(parts(0, 100)).containsExactly("gap 0+100");
        map.put(1, 1, 1, 1);
        assertThat(map.count()).isEqualTo(1);
    }

    @Test
    void onePutOverManyExtentsReplacesThemAll() {
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            map.put(random.nextInt(1 << 20), 3, i, 0);
        }
        map.put(0, 1 << 21, 1, 2);
        assertThat(map.count()).isEqualTo(1);
        assertThat(parts(0, 1 << 21)).containsExactly("0+2097152@0=1,2");
    }

    private List<String> parts(long offset, long length) {
        Parts parts = new Parts();
        map.visit(offset, length, parts);
        return parts.seen;
    }

    private static final class Parts implements ExtentMap.Visitor {
        private final List<String> seen = new ArrayList<>();

        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            seen.add(offset + "+" + length + "@" + origin + "=" + a + "," + b);
        }

        @Override
        public void gap(long offset, long length) {
            seen.add("gap " + offset + "+" + length);
        }
    }
}
