package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.replica.link.DataOrder.Data;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DataOrderProperties {
    @Test
    void whateverOrderItComesInItIsTakenInTheOrderOfItsNumbers() {
        for (long seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            int count = 1 + random.nextInt(50);
            List<Long> numbers = new ArrayList<>();
            for (long number = 1; number <= count; number++) {
                numbers.add(number);
            }
            Collections.shuffle(numbers, random);
            DataOrder order = new DataOrder(0);
            List<Integer> taken = new ArrayList<>();
            for (long number : numbers) {
                order.add(number, new Data((int) number, Unpooled.EMPTY_BUFFER));
                for (Data data = order.poll(); data != null; data = order.poll()) {
                    taken.add(data.kind());
                }
                assertThat(order.takenNumber()).as("seed %d", seed).isEqualTo(taken.size());
                assertThat(order.add(number, new Data(0, Unpooled.EMPTY_BUFFER))).isFalse();
            }
            assertThat(taken).as("seed %d", seed).isSorted().hasSize(count);
        }
    }

    @Test
    void nothingIsAdmittedBeyondWhatWasGranted() {
        DataOrder order = new DataOrder(Frames.credit(60) + Frames.credit(40));
        assertThat(order.admit(60)).isTrue();
        assertThat(order.admit(41)).isFalse();
        assertThat(order.admit(40)).isTrue();
        assertThat(order.admit(0)).isFalse();
        assertThat(order.admit(-1)).isFalse();
        order.grant(Frames.credit(0));
        assertThat(order.admit(1)).isFalse();
        assertThat(order.admit(0)).isTrue();
        assertThat(order.grantedBytes()).isEqualTo(100 + 3 * Frames.DATA_OVERHEAD_BYTES);
    }

    @Test
    void whatWaitsForAGapIsBoundedAlsoWhenItIsEmpty() {
        DataOrder order = new DataOrder(100 * Frames.credit(0));
        int taken = 0;
        while (taken < 1000 && order.admit(0)) {
            assertThat(order.add(2 + taken, new Data(1, Unpooled.EMPTY_BUFFER))).isTrue();
            taken++;
        }
        assertThat(taken).isEqualTo(100);
    }

    @Test
    void whatWaitsForAGapIsReleasedAtTheEnd() {
        ByteBuf body = Unpooled.buffer(1);
        DataOrder order = new DataOrder(1);
        assertThat(order.add(2, new Data(1, body))).isTrue();
        assertThat(order.poll()).isNull();
        order.clear();
        assertThat(body.refCnt()).isZero();
    }
}
