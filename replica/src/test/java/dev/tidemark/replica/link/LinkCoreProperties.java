package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.replica.link.OutboundChannel.Wait;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two ends of a link on a simulated network of several streams, each in order and none in order
 * with another: what is sent arrives once, in order, within credit; silence ends the link.
 */
class LinkCoreProperties {
    private static final long SECOND = 1_000_000_000L;
    private static final int CREDIT = 200_000;

    private final List<World> worlds = new ArrayList<>();

    private World world(long seed) {
        World world = new World(seed);
        worlds.add(world);
        return world;
    }

    @AfterEach
    void close() {
        worlds.forEach(World::close);
    }

    /** One way of one stream: frames arrive in order, some time later. */
    private static final class Wire implements FrameStream {
        private final SimulatedScheduler scheduler;
        private final Random random;
        private final EmbeddedChannel decoder = new EmbeddedChannel(new FrameDecoder());
        private final Queue<ByteBuf> onTheWay = new ArrayDeque<>();
        private @Nullable LinkCore from;
        private @Nullable LinkCore to;
        boolean hangs;
        boolean closed;

        Wire(SimulatedScheduler scheduler, Random random) {
            this.scheduler = scheduler;
            this.random = random;
        }

        @Override
        public void send(ByteBuf frame) {
            onTheWay.add(frame);
            var _ = scheduler.schedule(random.nextInt(30_000_000), this::arrive);
        }

        private void arrive() {
            ByteBuf frame = onTheWay.remove();
            LinkCore here = from;
            if (here != null && onTheWay.size() == 3) {
                here.writable();
            }
            LinkCore there = to;
            if (hangs || closed || there == null) {
                frame.release();
                return;
            }
            decoder.writeInbound(frame);
            for (Frame each = decoder.readInbound(); each != null; each = decoder.readInbound()) {
                there.received(each);
            }
        }

        @Override
        public boolean isWritable() {
            return onTheWay.size() < 4;
        }

        @Override
        public void close() {
            closed = true;
            hangs = true;
        }

        void drain() {
            onTheWay.forEach(ByteBuf::release);
            onTheWay.clear();
            decoder.finishAndReleaseAll();
        }
    }

    /** One side. */
    private static class Side implements LinkUser {
        final List<String> told = new ArrayList<>();
        @Nullable InboundHandler taker;
        @Nullable InboundChannel inbound;

        @Override
        public void up(Link link) {
            told.add("up");
        }

        @Override
        public void down(Link link, String reason) {
            told.add("down: " + reason);
        }

        @Override
        public CompletableFuture<ByteBuf> requested(Link link, int method, ByteBuf body) {
            if (method == 9) {
                return CompletableFuture.failedFuture(LinkException.refusal(123, "not today"));
            }
            return method == 8
                    ? new CompletableFuture<>()
                    : CompletableFuture.completedFuture(Unpooled.copiedBuffer(body));
        }

        @Override
        public void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body) {
            InboundHandler handler = taker;
            if (handler == null) {
                channel.refuse(101, "nothing is taken here");
            } else {
                inbound = channel.accept(CREDIT, Unpooled.EMPTY_BUFFER, handler);
            }
        }
    }

    /** Both sides and what joins them. */
    private static final class World implements AutoCloseable {
        final Random random;
        final SimulatedScheduler scheduler;
        final List<Wire> wires = new ArrayList<>();
        final Side here = new Side();
        final Side there = new Side();
        final LinkCore near;
        final LinkCore far;

        World(long seed) {
            random = new Random(seed);
            scheduler = new SimulatedScheduler(random.nextLong());
            int streams = 1 + random.nextInt(4);
            List<Wire> out = wires(streams);
            List<Wire> back = wires(streams);
            near = core(out, here, true);
            far = core(back, there, false);
            out.forEach(wire -> {
                wire.from = near;
                wire.to = far;
            });
            back.forEach(wire -> {
                wire.from = far;
                wire.to = near;
            });
            near.start();
            far.start();
        }

        private List<Wire> wires(int count) {
            List<Wire> made = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                made.add(new Wire(scheduler, random));
            }
            wires.addAll(made);
            return made;
        }

        private LinkCore core(List<Wire> streams, LinkUser user, boolean dialled) {
            return new LinkCore(
                    new LinkCore.Parts(
                            LinkOptions.DEFAULT,
                            scheduler,
                            new UUID(1, dialled ? 1 : 2),
                            "peer",
                            "test",
                            dialled,
                            "nowhere",
                            List.copyOf(streams),
                            user),
                    () -> {},
                    () -> {});
        }

        @Override
        public void close() {
            scheduler.runUntilIdle();
            scheduler.discardAll();
            wires.forEach(Wire::drain);
        }

        <T> T await(CompletableFuture<T> future) {
            for (int i = 0; i < 100 && !future.isDone(); i++) {
                scheduler.runFor(SECOND / 10);
            }
            return future.join();
        }
    }

    /** Takes DATA, and grants as much again later. */
    private static final class Taker implements InboundHandler {
        final List<byte[]> taken = new ArrayList<>();
        long outstanding;

        @Override
        public void received(int kind, ByteBuf body) {
            assertThat(kind).isEqualTo(taken.size() % 7);
            byte[] bytes = new byte[body.readableBytes()];
            body.readBytes(bytes);
            taken.add(bytes);
            outstanding += Frames.credit(bytes.length);
        }

        @Override
        public void message(int kind, ByteBuf body) {
            // None is sent.
        }

        @Override
        public void closed(int code, String reason) {
            // The test is over.
        }
    }

    private static final class Sender implements OutboundHandler {
        long acknowledged;
        @Nullable String closed;

        @Override
        public void ready() {
            // The test asks for credit itself.
        }

        @Override
        public void acknowledged(ByteBuf body) {
            acknowledged = body.readLongLE();
        }

        @Override
        public void message(int kind, ByteBuf body) {
            // None is sent.
        }

        @Override
        public void closed(int code, String reason) {
            closed = code + " " + reason;
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void dataArrivesOnceAndInOrderOverStreamsThatAreNot(long seed) {
        World world = world(seed);
        Taker taker = new Taker();
        world.there.taker = taker;
        Sender sender = new Sender();
        OutboundChannel channel = world.await(world.near.open(1, Unpooled.EMPTY_BUFFER, sender));
        List<byte[]> sent = new ArrayList<>();
        for (int turn = 0; turn < 3000 && sent.size() < 300; turn++) {
            if (channel.credit() > 0 && world.random.nextInt(3) > 0) {
                byte[] bytes = body(world.random);
                channel.send(sent.size() % 7, Unpooled.wrappedBuffer(bytes));
                sent.add(bytes);
            } else {
                world.scheduler.runFor(world.random.nextInt(40_000_000));
            }
            InboundChannel inbound = world.there.inbound;
            if (inbound != null && world.random.nextInt(4) == 0) {
                inbound.grant(taker.outstanding);
                taker.outstanding = 0;
                inbound.acknowledge(Unpooled.buffer(8).writeLongLE(taker.taken.size()));
            }
        }
        world.scheduler.runFor(2 * SECOND);
        assertThat(sent).hasSize(300);
        assertThat(taker.taken).hasSameSizeAs(sent);
        for (int i = 0; i < sent.size(); i++) {
            assertThat(Arrays.equals(taker.taken.get(i), sent.get(i))).as("body %d", i).isTrue();
        }
        assertThat(sender.acknowledged).isPositive();
        assertThat(world.near.status().sentRawBytes())
                .isEqualTo(world.far.status().receivedRawBytes());
    }

    private static byte[] body(Random random) {
        byte[] bytes = new byte[random.nextInt(30_000)];
        if (random.nextBoolean()) {
            random.nextBytes(bytes);
        }
        return bytes;
    }

    @Test
    void aSenderWithoutCreditIsStopped() {
        World world = world(30);
        world.there.taker = new Taker();
        OutboundChannel channel =
                world.await(world.near.open(1, Unpooled.EMPTY_BUFFER, new Sender()));
        channel.send(0, Unpooled.wrappedBuffer(new byte[CREDIT]));
        assertThat(channel.credit()).isNotPositive();
        assertThatThrownBy(() -> channel.send(1, Unpooled.wrappedBuffer(new byte[1])))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void itSaysWhatDataWaitsFor() {
        World world = world(29);
        world.there.taker = new Taker();
        OutboundChannel channel =
                world.await(world.near.open(1, Unpooled.EMPTY_BUFFER, new Sender()));
        assertThat(channel.waitsFor()).isEqualTo(Wait.NOTHING);
        channel.send(0, Unpooled.wrappedBuffer(new byte[100]));
        assertThat(channel.waitsFor()).as("not looked at").isEqualTo(Wait.COMPRESSION);
        world.scheduler.runFor(1);
        assertThat(channel.waitsFor()).as("under way").isEqualTo(Wait.WIRE);
        world.scheduler.runFor(SECOND);
        assertThat(channel.waitsFor()).as("taken, not granted again").isEqualTo(Wait.NOTHING);

        channel.limit(1);
        channel.send(1, Unpooled.wrappedBuffer(new byte[100_000]));
        world.scheduler.runFor(SECOND);
        channel.send(2, Unpooled.wrappedBuffer(new byte[100]));
        world.scheduler.runFor(SECOND);
        assertThat(channel.waitsFor()).as("beyond the limit").isEqualTo(Wait.WIRE);

        channel.limit(0);
        channel.send(3, Unpooled.wrappedBuffer(new byte[CREDIT]));
        assertThat(channel.waitsFor()).as("not granted").isEqualTo(Wait.CREDIT);
    }

    @Test
    void aRefusedChannelAndARefusedRequestSayWhy() {
        World world = world(31);
        assertThatThrownBy(
                        () -> world.await(world.near.open(1, Unpooled.EMPTY_BUFFER, new Sender())))
                .hasMessageContaining("nothing is taken here");
        ByteBuf answer = world.await(world.near.request(7, Unpooled.wrappedBuffer(new byte[5])));
        assertThat(answer.readableBytes()).isEqualTo(5);
        assertThatThrownBy(() -> world.await(world.far.request(9, Unpooled.EMPTY_BUFFER)))
                .hasMessageContaining("not today");
    }

    @Test
    void aPeerThatHangsIsGivenUpAfterFiveSeconds() {
        World world = world(32);
        world.there.taker = new Taker();
        Sender sender = new Sender();
        world.await(world.near.open(1, Unpooled.EMPTY_BUFFER, sender));
        CompletableFuture<ByteBuf> unanswered = world.near.request(8, Unpooled.EMPTY_BUFFER);
        world.scheduler.runFor(20 * SECOND);
        assertThat(world.here.told).containsExactly("up");
        world.wires.forEach(wire -> wire.hangs = true);
        world.scheduler.runFor(4 * SECOND);
        assertThat(world.here.told).containsExactly("up");
        world.scheduler.runFor(3 * SECOND);
        assertThat(world.here.told.getLast()).contains("nothing was heard");
        assertThat(sender.closed).contains("nothing was heard");
        assertThat(unanswered).isCompletedExceptionally();
        assertThat(world.wires).allMatch(wire -> wire.closed);
    }

    @Test
    void dataBeyondTheCreditEndsTheLink() {
        World world = world(33);
        world.there.taker = new Taker();
        world.await(world.near.open(1, Unpooled.EMPTY_BUFFER, new Sender()));
        ByteBuf data = Unpooled.buffer().writeLongLE(1).writeShortLE(0).writeShortLE(0);
        data.writeIntLE(CREDIT + 1).writeZero(CREDIT + 1);
        world.far.received(new Frame(FrameType.DATA, false, 2, data));
        world.scheduler.runFor(SECOND);
        assertThat(world.there.told.getLast()).contains("beyond the credit");
    }
}
