package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.LeakPresenceDetector;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** The same bytes give the same requests and replies, however the network cuts them. */
final class RequestDecoderProperties {
    private static final int DISK_BYTES = 1 << 16;
    private static final List<ReplyForm> FORMS = List.of(ReplyForm.values());
    private static final long BASE_SEED = Long.getLong("tidemark.seed", 20261121);

    /** Random requests, sound and unsound; a disconnect is only put last. */
    private static byte[] stream(Random random, ReplyForm form) {
        ByteBuf bytes = Unpooled.buffer();
        int count = 1 + random.nextInt(40);
        for (int cookie = 0; cookie < count; cookie++) {
            int type = random.nextInt(10) == 0 ? 5 + random.nextInt(5) : random.nextInt(8);
            type = type == NbdCommand.DISCONNECT.code() ? 1 : type;
            int length = random.nextInt(8) == 0 ? 0 : random.nextInt(3000);
            int flags = random.nextInt(6) == 0 ? 1 << random.nextInt(7) : 0;
            long offset = random.nextInt(6) == 0 ? random.nextLong() : random.nextInt(DISK_BYTES);
            boolean extended = form == ReplyForm.EXTENDED;
            bytes.writeBytes(
                    extended
                            ? RawClient.extended(flags, type, cookie, offset, length)
                            : RawClient.request(flags, type, cookie, offset, length));
            boolean carries =
                    type == NbdCommand.WRITE.code()
                            || (extended && (flags & CommandFlags.PAYLOAD_LEN) != 0);
            if (carries) {
                byte[] payload = new byte[length];
                random.nextBytes(payload);
                bytes.writeBytes(payload);
            }
        }
        return ByteBufUtil.getBytes(bytes);
    }

    private static TestDisk disk() {
        return new TestDisk(Geometry.ofSize(DISK_BYTES), Features.LIVE);
    }

    /** Feeds the stream in pieces to a whole handler; returns all it sent. */
    private static String play(byte[] stream, List<Integer> cuts, TestDisk disk, ReplyForm form) {
        NbdLimits limits = NbdLimits.DEFAULT.withInFlight(3, 5000);
        TestCatalog catalog = new TestCatalog();
        NbdService service = new NbdService(catalog, limits, NbdMetrics.NONE);
        List<Session.Context> contexts =
                form.chunked() ? List.of(Session.Context.allocation(1, disk)) : List.of();
        Session session = new Session(catalog.export("disk", disk), form, contexts);
        EmbeddedChannel channel = new EmbeddedChannel(new TransmissionHandler(service, session));
        int start = 0;
        for (int cut : cuts) {
            if (channel.isOpen()) {
                channel.writeInbound(piece(stream, start, cut));
            }
            start = cut;
        }
        if (channel.isOpen()) {
            channel.writeInbound(piece(stream, start, stream.length));
        }
        channel.runPendingTasks();
        StringBuilder sent = new StringBuilder();
        ByteBuf reply = channel.readOutbound();
        while (reply != null) {
            sent.append(ByteBufUtil.hexDump(reply));
            reply.release();
            reply = channel.readOutbound();
        }
        channel.finishAndReleaseAll();
        assertThat(catalog.open).hasValue(0);
        return sent.toString();
    }

    private static ByteBuf piece(byte[] stream, int from, int to) {
        return ByteBufAllocator.DEFAULT.directBuffer(to - from).writeBytes(stream, from, to - from);
    }

    @RepeatedTest(200)
    void random_cuts_change_nothing(RepetitionInfo repetition) {
        long seed = BASE_SEED + repetition.getCurrentRepetition();
        Random random = new Random(seed);
        ReplyForm form = FORMS.get(random.nextInt(FORMS.size()));
        byte[] stream = stream(random, form);
        List<Integer> cuts =
                random.ints(random.nextInt(60), 0, stream.length).sorted().boxed().toList();
        TestDisk whole = disk();
        TestDisk cut = disk();
        String expected = play(stream, List.of(), whole, form);
        String actual = play(stream, cuts, cut, form);
        assertThat(actual).as("replies, seed %d", seed).isEqualTo(expected);
        assertThat(cut.content(0, DISK_BYTES))
                .as("disk, seed %d", seed)
                .isEqualTo(whole.content(0, DISK_BYTES));
        LeakPresenceDetector.check();
    }

    @RepeatedTest(200)
    void random_bytes_neither_throw_nor_leak(RepetitionInfo repetition) {
        long seed = BASE_SEED + repetition.getCurrentRepetition();
        Random random = new Random(seed);
        ReplyForm form = FORMS.get(random.nextInt(FORMS.size()));
        byte[] stream = stream(random, form);
        for (int count = random.nextInt(20); count > 0; count--) {
            stream[random.nextInt(stream.length)] = (byte) random.nextInt();
        }
        List<Integer> cuts =
                random.ints(random.nextInt(20), 0, stream.length).sorted().boxed().toList();
        assertThat(play(stream, cuts, disk(), form).length() % 2).as("seed %d", seed).isZero();
        LeakPresenceDetector.check();
    }

    @Test
    void a_payload_that_dribbles_in_is_kept_in_one_buffer_and_arrives_whole() {
        byte[] payload = new byte[5000];
        new Random(BASE_SEED).nextBytes(payload);
        PayloadAssembler assembler = new PayloadAssembler(ByteBufAllocator.DEFAULT);
        assembler.start(payload.length);
        ByteBuf whole = null;
        for (byte value : payload) {
            assertThat(whole).isNull();
            ByteBuf one = ByteBufAllocator.DEFAULT.directBuffer(1).writeByte(value);
            whole = assembler.take(one);
            // Nobody keeps the small buffers once there are too many of them.
            assertThat(one.refCnt()).isBetween(1, 2);
            one.release();
        }
        assertThat(content(whole)).isEqualTo(payload);
        LeakPresenceDetector.check();
    }

    @Test
    void an_unfinished_payload_is_given_back() {
        for (int pieces : new int[] {1, 2, PayloadAssembler.MAXIMUM_PIECES + 5}) {
            PayloadAssembler assembler = new PayloadAssembler(ByteBufAllocator.DEFAULT);
            assembler.start(1000);
            for (int count = 0; count < pieces; count++) {
                ByteBuf one = ByteBufAllocator.DEFAULT.directBuffer(1).writeByte(1);
                assertThat(assembler.take(one)).isNull();
                one.release();
            }
            assembler.discard();
        }
        LeakPresenceDetector.check();
    }

    @Test
    void a_payload_that_came_in_one_read_is_not_copied() {
        PayloadAssembler assembler = new PayloadAssembler(ByteBufAllocator.DEFAULT);
        assembler.start(100);
        ByteBuf received = ByteBufAllocator.DEFAULT.directBuffer(200).writeZero(200);
        ByteBuf payload = assembler.take(received);
        assertThat(received.refCnt()).isEqualTo(2);
        received.setByte(0, 7);
        assertThat(content(payload)[0]).isEqualTo((byte) 7);
        received.release();
        LeakPresenceDetector.check();
    }

    private static byte[] content(@Nullable ByteBuf payload) {
        if (payload == null) {
            throw new AssertionError("no payload");
        }
        byte[] bytes = ByteBufUtil.getBytes(payload);
        payload.release();
        return bytes;
    }

    @Test
    void the_commands_codes_are_those_of_the_protocol() {
        List<Integer> codes = new ArrayList<>();
        for (NbdCommand command : NbdCommand.values()) {
            assertThat(NbdCommand.of(command.code())).isSameAs(command);
            codes.add(command.code());
        }
        assertThat(codes).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    }
}
