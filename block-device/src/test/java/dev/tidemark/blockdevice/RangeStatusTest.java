package dev.tidemark.blockdevice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class RangeStatusTest {
    @Test
    void neighbours_that_are_the_same_are_one_extent() {
        RangeStatus.Builder builder = new RangeStatus.Builder(4096, 2);
        assertThat(builder.add(100, 7)).isTrue();
        assertThat(builder.add(0, 9)).isTrue();
        assertThat(builder.add(50, 7)).isTrue();
        assertThat(builder.add(1, 8)).isTrue();

        RangeStatus status = builder.build();

        assertThat(status.count()).isEqualTo(2);
        assertThat(status.offsetBytes()).isEqualTo(4096);
        assertThat(status.lengthBytes(0)).isEqualTo(150);
        assertThat(status.value(0)).isEqualTo(7);
        assertThat(status.lengthBytes(1)).isEqualTo(1);
        assertThat(status.value(1)).isEqualTo(8);
        assertThat(status.endBytes()).isEqualTo(4096 + 151);
    }

    @Test
    void one_extent_too_many_is_not_added_but_the_last_may_grow() {
        RangeStatus.Builder builder = new RangeStatus.Builder(0, 1);
        assertThat(builder.add(10, 1)).isTrue();
        assertThat(builder.add(10, 2)).isFalse();
        assertThat(builder.add(10, 1)).isTrue();

        assertThat(builder.endBytes()).isEqualTo(20);
        assertThat(builder.build().endBytes()).isEqualTo(20);
    }

    @Test
    void an_answer_grows_to_as_many_extents_as_asked_for() {
        RangeStatus.Builder builder = new RangeStatus.Builder(0, 1000);
        for (int i = 0; i < 1000; i++) {
            assertThat(builder.add(i + 1, i)).isTrue();
        }
        RangeStatus status = builder.build();

        assertThat(status.count()).isEqualTo(1000);
        for (int i = 0; i < 1000; i++) {
            assertThat(status.lengthBytes(i)).isEqualTo(i + 1);
            assertThat(status.value(i)).isEqualTo(i);
        }
    }

    @Test
    void nothing_is_no_extent() {
        RangeStatus status = RangeStatus.uniform(5, 0, 1);

        assertThat(status.count()).isZero();
        assertThat(status.endBytes()).isEqualTo(5);
    }
}
