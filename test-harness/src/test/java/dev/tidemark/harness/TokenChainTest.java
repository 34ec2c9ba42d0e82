package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TokenChainTest {
    private final List<byte[]> areas = List.of(new byte[4096], new byte[4096], new byte[4096]);

    private void put(int... tokens) {
        for (int token : tokens) {
            ByteBuffer area = ByteBuffer.wrap(areas.get(token % 3));
            area.putLong(token / 3 * 256, token).putLong(token / 3 * 256 + 8, ~(long) token);
        }
    }

    @Test
    void a_prefix_is_told_by_its_last_token() {
        assertThat(TokenChain.last("empty", areas)).isZero();
        put(1, 2, 3, 4);
        assertThat(TokenChain.last("four", areas)).isEqualTo(4);
    }

    @Test
    void a_token_without_the_one_before_is_found() {
        put(1, 2, 4);
        assertThatThrownBy(() -> TokenChain.last("here", areas))
                .hasMessage("here: token 3 is missing and token 4 is there");
    }

    @Test
    void a_torn_token_is_found() {
        put(1, 2);
        areas.get(2)[15]++;
        assertThatThrownBy(() -> TokenChain.last("here", areas))
                .hasMessage("here: slot 0 of disk 2 does not hold token 2");
    }
}
