package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A paired peer that breaks the rules of the link, over TLS on loopback: the link ends with a
 * reason, and the next one works.
 */
@Timeout(120)
class BadFramesTest {
    private TestSite near;
    private TestSite far;
    private int port;

    @BeforeEach
    void start() throws Exception {
        near = new TestSite(new UUID(1, 1));
        far = new TestSite(new UUID(2, 2));
        near.trusts(far);
        far.trusts(near);
        port = far.listen();
    }

    @AfterEach
    void stop() {
        near.close();
        far.close();
    }

    private RawLink raw() throws Exception {
        RawLink link = new RawLink(near, port);
        await("the link", () -> far.told.contains("up"));
        return link;
    }

    private static void await(String what, BooleanSupplier condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    /** The far site ends the link for that reason, nothing failed there, and it goes on. */
    private void expectEnd(String reason) throws Exception {
        await(
                reason + " in " + far.told,
                () -> far.told.stream().anyMatch(each -> each.startsWith("down: ")));
        assertThat(far.told).as("%s", far.told).anyMatch(each -> each.contains(reason));
        assertThat(far.told).noneMatch(each -> each.startsWith("!"));
        near.endpoint.dial(far.id, List.of("127.0.0.1:" + port));
        await("a new link", () -> near.endpoint.link(far.id).isPresent());
        ByteBuf answer =
                near.endpoint
                        .link(far.id)
                        .orElseThrow()
                        .request(1, Unpooled.wrappedBuffer(new byte[3]))
                        .get(10, TimeUnit.SECONDS);
        assertThat(answer.readableBytes()).isEqualTo(3);
        near.endpoint.forget(far.id, "the test goes on");
        await("no link", () -> far.endpoint.link(near.id).isEmpty());
        far.told.clear();
    }

    private static ByteBuf data(long number, int rawBytes, int bytes) {
        ByteBuf body = Unpooled.buffer().writeLongLE(number).writeShortLE(0).writeShortLE(0);
        return body.writeIntLE(rawBytes).writeZero(bytes);
    }

    private static ByteBuf open() {
        return Unpooled.buffer().writeShortLE(1);
    }

    private void takeAll() {
        far.taker = user -> new Ignoring();
    }

    @Test
    void aBodyThatIsCutShortEndsTheLink() throws Exception {
        record Cut(FrameType type, int bytes) {}
        List<Cut> cuts =
                List.of(
                        new Cut(FrameType.HEARTBEAT, 7),
                        new Cut(FrameType.HEARTBEAT_ANSWER, 0),
                        new Cut(FrameType.REQUEST, 5),
                        new Cut(FrameType.RESPONSE, 5),
                        new Cut(FrameType.OPEN, 1),
                        new Cut(FrameType.DATA, 15),
                        new Cut(FrameType.MESSAGE, 1),
                        new Cut(FrameType.CLOSE, 3),
                        new Cut(FrameType.REFUSE, 2));
        takeAll();
        for (Cut cut : cuts) {
            try (RawLink link = raw()) {
                if (cut.type() == FrameType.DATA) {
                    link.open(2);
                }
                link.send(
                        cut.type(),
                        cut.type() == FrameType.OPEN || cut.type() == FrameType.DATA ? 2 : 0,
                        Unpooled.buffer().writeZero(cut.bytes()));
                expectEnd(cut.type() + " is cut short");
            }
        }
    }

    @Test
    void framesThatHaveNoPlaceOnALinkEndIt() throws Exception {
        for (FrameType type :
                List.of(FrameType.HELLO, FrameType.WELCOME, FrameType.PAIR, FrameType.PAIRED)) {
            try (RawLink link = raw()) {
                link.send(type, 0, Unpooled.EMPTY_BUFFER);
                expectEnd(type + " on a link that is up");
            }
        }
    }

    @Test
    void channelsThatAreOpenedWronglyEndTheLink() throws Exception {
        takeAll();
        for (int channel : new int[] {0, -2, 1, Integer.MIN_VALUE}) {
            try (RawLink link = raw()) {
                link.send(FrameType.OPEN, channel, open());
                expectEnd("channel " + channel + " is opened wrongly");
            }
        }
        try (RawLink link = raw()) {
            link.send(FrameType.OPEN, 2, open());
            link.send(FrameType.OPEN, 2, open());
            expectEnd("channel 2 is opened wrongly");
        }
    }

    @Test
    void dataThatIsNotWhatItSaysEndsTheLink() throws Exception {
        takeAll();
        record Bad(ByteBuf body, String reason) {}
        List<Bad> all =
                List.of(
                        new Bad(data(1, 5, 4), "is not what it says"),
                        new Bad(data(1, 5, 6), "is not what it says"),
                        new Bad(data(1, -1, 0), "beyond the credit"),
                        new Bad(data(1, Integer.MAX_VALUE, 0), "DATA of " + Integer.MAX_VALUE),
                        new Bad(data(0, 0, 0), "DATA 0 comes twice"),
                        new Bad(data(-1, 0, 0), "DATA -1 comes twice"));
        for (Bad bad : all) {
            try (RawLink link = raw()) {
                link.open(2);
                link.send(FrameType.DATA, 2, bad.body());
                expectEnd(bad.reason());
            }
        }
        try (RawLink link = raw()) {
            link.open(2);
            link.send(FrameType.DATA, 2, data(1, 1, 1));
            link.send(FrameType.DATA, 2, data(1, 1, 1));
            expectEnd("DATA 1 comes twice");
        }
    }

    @Test
    void emptyDataBehindAGapEndsTheLinkBeforeItFillsTheMemory() throws Exception {
        takeAll();
        try (RawLink link = raw()) {
            link.open(2);
            int most = (int) (TestSite.CREDIT_BYTES / Frames.credit(0));
            link.sendMany(FrameType.DATA, 2, number -> data(number + 2, 0, 0), most + 1000);
            expectEnd("beyond the credit");
        }
    }

    @Test
    void aPeerThatAsksAndDoesNotReadIsHungUpOn() throws Exception {
        try (RawLink link = raw()) {
            link.stopReading();
            ByteBuf asked = Unpooled.buffer().writeIntLE(1).writeShortLE(1).writeZero(60_000);
            byte[] body = new byte[asked.readableBytes()];
            asked.readBytes(body);
            link.sendMany(FrameType.REQUEST, 0, number -> Unpooled.wrappedBuffer(body), 10_000);
            expectEnd("does not read what it asks for");
        }
    }

    @Test
    void channelsAreBounded() throws Exception {
        takeAll();
        try (RawLink link = raw()) {
            int more = 10;
            link.sendMany(
                    FrameType.OPEN,
                    channel -> 2 + 2 * channel,
                    number -> open(),
                    LinkCore.MAXIMUM_CHANNELS + more);
            assertThat(link.await(FrameType.CLOSE, more)).isEqualTo(more);
            link.send(FrameType.HELLO, 0, Unpooled.EMPTY_BUFFER);
            expectEnd("HELLO on a link that is up");
        }
    }

    @Test
    void whatFailsHereIsAnsweredAndTheLinkGoesOn() throws Exception {
        near.endpoint.dial(far.id, List.of("127.0.0.1:" + port));
        await("a link", () -> near.endpoint.link(far.id).isPresent());
        Link link = near.endpoint.link(far.id).orElseThrow();
        var failing = link.request(TestSite.METHOD_THAT_FAILS, Unpooled.EMPTY_BUFFER);
        assertThat(failing)
                .failsWithin(10, TimeUnit.SECONDS)
                .withThrowableThat()
                .withMessageContaining("its log says why");
        assertThat(link.request(1, Unpooled.EMPTY_BUFFER)).succeedsWithin(10, TimeUnit.SECONDS);
    }

    private static final class Ignoring implements InboundHandler {
        @Override
        public void received(int kind, ByteBuf body) {}

        @Override
        public void message(int kind, ByteBuf body) {}

        @Override
        public void closed(int code, String reason) {}
    }

    /** The test's own hand on a link: sends any frame. */
    private static final class RawLink implements AutoCloseable {
        private final RawStream stream;

        RawLink(TestSite site, int port) throws Exception {
            stream = new RawStream(site, port, Tls.LINK);
            stream.write(FrameType.HELLO, 0, Hello.of(site, UUID.randomUUID(), 0, 1).encode());
            stream.await(FrameType.WELCOME, 1);
        }

        void send(FrameType type, int channel, ByteBuf body) throws IOException {
            stream.write(type, channel, body);
        }

        /** Returns when the channel was accepted: what is sent before that breaks the protocol. */
        void open(int channel) throws Exception {
            send(FrameType.OPEN, channel, BadFramesTest.open());
            stream.await(FrameType.OPENED, 1);
        }

        interface Body {
            ByteBuf of(int number);
        }

        interface Channel {
            int of(int number);
        }

        void sendMany(FrameType type, int channel, Body body, int count) {
            sendMany(type, number -> channel, body, count);
        }

        /** Until the other side hangs up. */
        void sendMany(FrameType type, Channel channel, Body body, int count) {
            try {
                for (int i = 0; i < count; i++) {
                    stream.put(type, channel.of(i), body.of(i));
                }
                stream.flush();
            } catch (IOException hungUp) {
                // That is what the test waits for.
            }
        }

        void stopReading() {
            stream.stopReading();
        }

        int await(FrameType type, int count) throws Exception {
            return stream.await(type, count);
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }
    }
}
