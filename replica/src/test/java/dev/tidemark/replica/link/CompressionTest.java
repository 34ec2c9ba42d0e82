package dev.tidemark.replica.link;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CompressionTest {
    private final ByteBufAllocator allocator = UnpooledByteBufAllocator.DEFAULT;
    private final Compression compression = new Compression();

    @Test
    void whatShrinksComesBackAsItWas() {
        ByteBuf raw = Unpooled.wrappedBuffer("tide and mark ".repeat(1000).getBytes(UTF_8));
        ByteBuf small = compression.compress(allocator, raw);
        assertThat(small).isNotNull();
        assertThat(small.readableBytes()).isLessThan(raw.readableBytes() / 10);
        ByteBuf back = Compression.decompress(allocator, small, raw.readableBytes());
        assertThat(back).isNotNull();
        assertThat(back).isEqualTo(raw);
        assertThat(Compression.decompress(allocator, small, raw.readableBytes() - 1)).isNull();
        assertThat(Compression.decompress(allocator, small, raw.readableBytes() + 1)).isNull();
        assertThat(back.release() && small.release()).isTrue();
    }

    @Test
    void whatDoesNotShrinkGoesAsItIsAndLaterBodiesAreTriedAgain() {
        byte[] noise = new byte[10_000];
        new Random(1).nextBytes(noise);
        assertThat(compression.compress(allocator, Unpooled.wrappedBuffer(noise))).isNull();
        ByteBuf zeros = Unpooled.wrappedBuffer(new byte[10_000]);
        int skipped = 0;
        ByteBuf small = compression.compress(allocator, zeros);
        while (small == null) {
            skipped++;
            small = compression.compress(allocator, zeros);
        }
        assertThat(small.release()).isTrue();
        assertThat(skipped).isEqualTo(15);
    }

    @Test
    void the_level_rises_while_the_wire_is_waited_for_and_falls_while_it_is_not() {
        Compression compression = new Compression();
        ByteBuf raw = Unpooled.wrappedBuffer(new byte[4096]);
        for (int i = 0; i < 64; i++) {
            compression.waited();
            compress(compression, raw);
        }
        assertThat(compression.level()).isGreaterThan(3);
        for (int i = 0; i < 200; i++) {
            compress(compression, raw);
        }
        assertThat(compression.level()).isEqualTo(1);
    }

    private static void compress(Compression compression, ByteBuf raw) {
        ByteBuf small = compression.compress(ByteBufAllocator.DEFAULT, raw);
        assertThat(small).isNotNull();
        small.release();
    }
}
