package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TokenChainTest {
    private static final int SLOTS = 4;
    private static final int SLOT_BYTES = 256;
    private static final TokenChain.Ring RING = new TokenChain.Ring(SLOTS, SLOT_BYTES);

    private final List<byte[]> areas =
            List.of(new byte[RING.bytes()], new byte[RING.bytes()], new byte[RING.bytes()]);

    private void put(long... tokens) {
        for (long token : tokens) {
            int slot = (int) (token / 3 % SLOTS);
            ByteBuffer area =
                    ByteBuffer.wrap(areas.get((int) (token % 3)), slot * SLOT_BYTES, SLOT_BYTES);
            while (area.hasRemaining()) {
                area.putLong(token).putLong(~token);
            }
        }
    }

    private long last() {
        return RING.last("here", areas);
    }

    @Test
    void a_prefix_is_told_by_its_last_token() {
        assertThat(last()).isZero();
        put(1, 2, 3, 4);
        assertThat(last()).isEqualTo(4);
    }

    @Test
    void a_token_without_the_one_before_is_found() {
        put(1, 2, 4);
        assertThatThrownBy(this::last)
                .hasMessage("here: slot 1 of disk 0 has token 0 and not 3; the last is 4");
    }

    @Test
    void a_token_that_is_torn_at_its_beginning_or_end_is_found() {
        put(1, 2);
        areas.get(2)[15]++;
        assertThatThrownBy(this::last)
                .hasMessage("here: slot 0 of disk 2 is not whole from byte 15 on");
        areas.get(2)[15]--;
        areas.get(0)[2 * SLOT_BYTES - 1]++;
        assertThatThrownBy(this::last)
                .hasMessage("here: slot 1 of disk 0 is not whole from byte 255 on");
    }

    @Test
    void a_token_that_was_to_be_overwritten_or_not_yet_is_found() {
        for (long token = 1; token <= 14; token++) {
            put(token);
        }
        assertThat(last()).isEqualTo(14);
        put(1);
        assertThatThrownBy(this::last)
                .hasMessage("here: slot 0 of disk 1 has token 1 and not 13; the last is 14");
        put(13, 15 + 12);
        assertThatThrownBy(this::last).hasMessageContaining("; the last is 27");
    }
}
