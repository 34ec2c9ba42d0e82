package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.CorruptedFrameException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameDecoderTest {
    private final EmbeddedChannel channel = new EmbeddedChannel(new FrameDecoder());

    private static byte[] bytes(FrameType type, boolean compressed, int number, byte[] body) {
        ByteBuf frame =
                Frames.frame(
                        UnpooledByteBufAllocator.DEFAULT,
                        type,
                        compressed,
                        number,
                        Unpooled.wrappedBuffer(body));
        byte[] bytes = ByteBufUtil.getBytes(frame);
        frame.release();
        return bytes;
    }

    @Test
    void framesComeOutAsTheyWentInHoweverTheyAreSplit() {
        for (long seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            byte[] body = new byte[random.nextInt(3000)];
            random.nextBytes(body);
            boolean compressed = random.nextBoolean();
            byte[] sent = bytes(FrameType.DATA, compressed, (int) seed, body);
            for (int at = 0; at < sent.length; ) {
                int length = Math.min(sent.length - at, 1 + random.nextInt(200));
                channel.writeInbound(Unpooled.copiedBuffer(sent, at, length));
                at += length;
            }
            Frame frame = channel.readInbound();
            assertThat(frame).as("seed %d", seed).isNotNull();
            assertThat(frame.type()).isEqualTo(FrameType.DATA);
            assertThat(frame.compressed()).isEqualTo(compressed);
            assertThat(frame.channel()).isEqualTo((int) seed);
            assertThat(ByteBufUtil.getBytes(frame.body())).isEqualTo(body);
            frame.body().release();
        }
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, magic",
        "4, 0, type 0 is unknown",
        "4, 99, type 99 is unknown",
        "4, 255, type 255 is unknown",
        "5, 1, MESSAGE has flags 1",
        "5, 2, MESSAGE has flags 2",
        "6, 1, reserved",
        "7, 1, reserved",
        "11, 1, exceeds maximum",
        "11, 255, exceeds maximum",
        "12, 9, wrong checksum",
        "16, 9, wrong checksum",
        "20, 9, wrong checksum"
    })
    void aFrameThatBreaksARuleIsTheLast(int at, int value, String message) {
        byte[] sent = bytes(FrameType.MESSAGE, false, 2, new byte[] {1, 2, 3});
        sent[at] = (byte) value;
        assertThatThrownBy(() -> channel.writeInbound(Unpooled.wrappedBuffer(sent)))
                .isInstanceOf(CorruptedFrameException.class)
                .hasMessageContaining(message);
        byte[] good = bytes(FrameType.MESSAGE, false, 2, new byte[] {1, 2, 3});
        channel.writeInbound(Unpooled.wrappedBuffer(good));
        assertThat(channel.<Frame>readInbound()).isNull();
        channel.finishAndReleaseAll();
    }
}
