package dev.tidemark.blockdevice;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random operations against a model with one cell per byte. */
class ExtentMapProperties {
    private static final int BYTES = 6000;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void everyLookupAgreesWithAByteModel(long seed) {
        Random random = new Random(seed);
        ExtentMap map = new ExtentMap();
        ByteModel model = new ByteModel();
        int longest = seed % 2 == 0 ? 12 : 200;
        for (int step = 0; step < 6000; step++) {
            int offset = random.nextInt(BYTES);
            int length =
                    random.nextInt(
                            Math.min(
                                    random.nextInt(50) == 0 ? BYTES : longest, BYTES - offset + 1));
            if (random.nextInt(5) == 0) {
                map.remove(offset, length);
                model.remove(offset, length);
            } else {
                map.put(offset, length, step, -step);
                model.put(offset, length, step);
            }
            int from = random.nextInt(BYTES);
            model.check(
                    map, from, random.nextInt(BYTES - from + 1), "seed " + seed + " step " + step);
        }
        model.check(map, 0, BYTES, "seed " + seed);
        model.checkAll(map, "seed " + seed);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {11, 12})
    void emptyingTheMapPieceByPieceLeavesNothing(long seed) {
        Random random = new Random(seed);
        ExtentMap map = new ExtentMap();
        for (int i = 0; i < 20_000; i++) {
            map.put(random.nextInt(1 << 20), 1 + random.nextInt(64), i, 0);
        }
        for (int i = 0; i < 30_000; i++) {
            map.remove(random.nextInt(1 << 20), 1 + random.nextInt(64));
        }
        map.remove(0, 1 << 21);
        assertThat(map.count()).as("seed %d", seed).isZero();
        assertThat(map.coveredBytes()).as("seed %d", seed).isZero();
        map.put(5, 5, 1, 2);
        assertThat(map.count()).isEqualTo(1);
    }

    /** One value and origin per byte; value 0 is unmapped. */
    private static final class ByteModel {
        private final long[] values = new long[BYTES];
        private final int[] origins = new int[BYTES];

        void put(int offset, int length, int value) {
            for (int i = offset; i < offset + length; i++) {
                values[i] = value + 1L;
                origins[i] = offset;
            }
        }

        void remove(int offset, int length) {
            for (int i = offset; i < offset + length; i++) {
                values[i] = 0;
            }
        }

        void check(ExtentMap map, int offset, int length, String what) {
            Recorder seen = new Recorder(offset);
            map.visit(offset, length, seen);
            assertThat(seen.at).as(what).isEqualTo(length == 0 ? offset : offset + length);
            for (int i = offset; i < offset + length; i++) {
                if (seen.values[i] != values[i]
                        || (values[i] != 0 && seen.origins[i] != origins[i])) {
                    assertThat(seen.values[i]).as("%s byte %d", what, i).isEqualTo(values[i]);
                    assertThat(seen.origins[i])
                            .as("%s origin of byte %d", what, i)
                            .isEqualTo(origins[i]);
                }
            }
        }

        void checkAll(ExtentMap map, String what) {
            long covered = 0;
            for (long value : values) {
                covered += value == 0 ? 0 : 1;
            }
            assertThat(map.coveredBytes()).as(what).isEqualTo(covered);
            Recorder seen = new Recorder(-1);
            map.visitAll(seen);
            assertThat(seen.values).as(what).isEqualTo(values);
            assertThat(seen.extents).as(what).isEqualTo(map.count());
        }
    }

    private static final class Recorder implements ExtentMap.Visitor {
        private final long[] values = new long[BYTES];
        private final int[] origins = new int[BYTES];
        private long at;
        private int extents;
        private boolean lastWasGap;

        Recorder(int start) {
            at = start;
        }

        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            advance(offset, length);
            lastWasGap = false;
            extents++;
            assertThat(b).isEqualTo(-a);
            for (long i = offset; i < offset + length; i++) {
                values[(int) i] = a + 1;
                origins[(int) i] = (int) origin;
            }
        }

        @Override
        public void gap(long offset, long length) {
            advance(offset, length);
            assertThat(lastWasGap).as("two gaps in a row at %d", offset).isFalse();
            lastWasGap = true;
        }

        private void advance(long offset, long length) {
            assertThat(length).isPositive();
            if (at >= 0) {
                assertThat(offset).isEqualTo(at);
                at = offset + length;
            }
        }
    }
}
