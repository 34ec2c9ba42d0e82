package dev.tidemark.replica.link;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CompressionTest {
    /** How long each body takes to compress, by this test's clock: it ticks when it is asked. */
    private static final long WORK_NANOS = 1000;

    private final ByteBufAllocator allocator = UnpooledByteBufAllocator.DEFAULT;
    private final AtomicLong clock = new AtomicLong();
    private final Compression compression = new Compression(() -> clock.addAndGet(WORK_NANOS));
    private final ByteBuf text =
            Unpooled.wrappedBuffer("tide and mark ".repeat(1000).getBytes(UTF_8));
    private final ByteBuf noise = noise();

    @AfterEach
    void close() {
        compression.close();
    }

    private static ByteBuf noise() {
        byte[] noise = new byte[10_000];
        new Random(1).nextBytes(noise);
        return Unpooled.wrappedBuffer(noise);
    }

    @Test
    void whatShrinksComesBackAsItWas() {
        ByteBuf small = compression.compress(allocator, text);
        assertThat(small).isNotNull();
        assertThat(small.readableBytes()).isLessThan(text.readableBytes() / 10);
        assertComesBack(small);
        assertThat(compression.decompress(allocator, small, text.readableBytes() - 1)).isNull();
        assertComesBack(small);
        assertThat(compression.decompress(allocator, small, text.readableBytes() + 1)).isNull();
        assertThat(compression.decompress(allocator, noise, text.readableBytes())).isNull();
        assertComesBack(small);
        assertThat(small.release()).isTrue();
    }

    private void assertComesBack(ByteBuf small) {
        ByteBuf back = compression.decompress(allocator, small, text.readableBytes());
        assertThat(back).isNotNull();
        assertThat(back).isEqualTo(text);
        assertThat(back.release()).isTrue();
    }

    @Test
    void noiseGoesAsItIsAndWhatFollowsItIsCompressed() {
        for (int i = 0; i < 20; i++) {
            assertThat(compression.compress(allocator, noise)).isNull();
            compress(0);
        }
    }

    @Test
    void whatHardlyShrinksGoesAsItIs() {
        ByteBuf hardly = Unpooled.buffer();
        hardly.writeBytes(noise.duplicate()).writeZero(500);
        assertThat(compression.compress(allocator, hardly)).isNull();
        ByteBuf well = Unpooled.buffer();
        well.writeBytes(noise.duplicate()).writeZero(700);
        ByteBuf small = compression.compress(allocator, well);
        assertThat(small).isNotNull();
        assertThat(small.release()).isTrue();
    }

    @Test
    void theLevelRisesWhileTheWireIsWaitedForAndFallsWhileItIsNot() {
        // What waits after the last one is not known yet.
        for (int i = 0; i < 4 * 16 + 1; i++) {
            compress(10 * WORK_NANOS);
        }
        assertThat(compression.level()).isEqualTo(5);
        for (int i = 0; i < 200; i++) {
            compress(WORK_NANOS);
        }
        assertThat(compression.level()).as("neither is scarce").isEqualTo(5);
        for (int i = 0; i < 200; i++) {
            compress(0);
        }
        assertThat(compression.level()).isEqualTo(1);
    }

    @Test
    void theLevelStaysWhereEachBodyWaitsForLessThanItsCompressionTook() {
        for (int i = 0; i < 64; i++) {
            compress(WORK_NANOS / 2);
        }
        assertThat(compression.level()).isEqualTo(1);
    }

    @Test
    void whatWaitsAfterNoiseDoesNotRaiseTheLevel() {
        for (int i = 0; i < 64; i++) {
            assertThat(compression.compress(allocator, noise)).isNull();
            waits(10 * WORK_NANOS);
            compress(0);
        }
        assertThat(compression.level()).isEqualTo(1);
    }

    private void compress(long thenWaitsNanos) {
        ByteBuf small = compression.compress(allocator, text);
        assertThat(small).isNotNull();
        assertThat(small.release()).isTrue();
        if (thenWaitsNanos > 0) {
            waits(thenWaitsNanos);
        }
    }

    /** Several times of one wait, as when several channels have something to send. */
    private void waits(long nanos) {
        compression.waits();
        clock.addAndGet(nanos - WORK_NANOS);
        compression.waits();
    }
}
