package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Holds the transmission phase to the protocol, packet by packet. */
@ParameterizedClass
@EnumSource(TestServer.Kind.class)
@Timeout(60)
final class TransmissionConformanceTest {
    private static final int DISK_BYTES = 1 << 20;
    private static final int FLUSH = NbdCommand.FLUSH.code();

    @Parameter TestServer.Kind kind = TestServer.Kind.TCP;

    private TestDisk disk = new TestDisk(0);
    private TestServer server;
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        start(new TestDisk(DISK_BYTES), NbdLimits.DEFAULT);
    }

    private void start(TestDisk device, NbdLimits limits) throws IOException {
        disk = device;
        server = new TestServer(kind, new TestCatalog().add("disk", device), limits);
        client = server.connect().go("disk");
    }

    private void restart(TestDisk device, NbdLimits limits) throws IOException {
        stop();
        start(device, limits);
    }

    @AfterEach
    void stop() throws IOException {
        disk.release();
        client.close();
        server.close();
    }

    private void expectUsable() throws IOException {
        client.send(RawClient.request(0, FLUSH, 4711, 0, 0)).expect(4711, NbdError.OK);
    }

    private static byte[] pattern(int lengthBytes, int seed) {
        byte[] bytes = new byte[lengthBytes];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static ByteBuffer trims(int count) {
        ByteBuffer burst = ByteBuffer.allocate(RequestHeader.COMPACT_BYTES * count);
        for (int cookie = 0; cookie < count; cookie++) {
            burst.put(RawClient.request(0, NbdCommand.TRIM.code(), cookie, 0, 1));
        }
        return burst.flip();
    }

    // ---- commands

    @Test
    void a_read_answers_header_and_bytes() throws IOException {
        disk.fill(1000, new byte[] {1, 2, 3, 4});
        client.ask(NbdCommand.READ, 0x0102030405060708L, 1000, 4);
        assertThat(client.receiveHex(20))
                .isEqualTo("67446698" + "00000000" + "0102030405060708" + "01020304");
    }

    @Test
    void a_long_read_answers_all_its_bytes() throws IOException {
        byte[] content = pattern(DISK_BYTES, 1);
        disk.fill(0, content);
        client.ask(NbdCommand.READ, 1, 0, DISK_BYTES).expect(1, NbdError.OK);
        assertThat(client.receive(DISK_BYTES).array()).isEqualTo(content);
    }

    @Test
    void a_write_reaches_the_device_and_its_reply_carries_no_data() throws IOException {
        client.write(0, 9, 4097, new byte[] {5, 6, 7});
        assertThat(client.receiveHex(16)).isEqualTo("67446698" + "00000000" + "0000000000000009");
        assertThat(disk.content(4096, 5)).containsExactly(0, 5, 6, 7, 0);
        assertThat(disk.lastFua()).isFalse();
    }

    @Test
    void a_write_spread_over_many_socket_reads_arrives_whole() throws IOException {
        byte[] data = pattern(700_000, 2);
        ByteBuffer head = RawClient.request(0, 1, 1, 100, data.length);
        client.send(head);
        for (int at = 0; at < data.length; at += 70_000) {
            client.send(ByteBuffer.wrap(data, at, 70_000));
        }
        client.expect(1, NbdError.OK);
        assertThat(disk.content(100, data.length)).isEqualTo(data);
    }

    @Test
    void fua_is_passed_on_and_accepted_on_every_command() throws IOException {
        client.write(CommandFlags.FUA, 1, 0, new byte[] {1}).expect(1, NbdError.OK);
        assertThat(disk.lastFua()).isTrue();
        for (NbdCommand command : new NbdCommand[] {NbdCommand.TRIM, NbdCommand.WRITE_ZEROES}) {
            client.ask(command, 2, 0, 512).expect(2, NbdError.OK);
            assertThat(disk.lastFua()).as("FUA of a plain %s", command).isFalse();
            client.send(RawClient.request(CommandFlags.FUA, command.code(), 2, 0, 512));
            client.expect(2, NbdError.OK);
            assertThat(disk.lastFua()).as("FUA of %s", command).isTrue();
        }
        client.send(RawClient.request(CommandFlags.FUA, FLUSH, 2, 0, 512)).expect(2, NbdError.OK);
        client.send(RawClient.request(CommandFlags.FUA, 0, 3, 0, 1)).expect(3, NbdError.OK);
        client.receive(1);
    }

    @Test
    void flush_reaches_the_device_whatever_its_offset_and_length() throws IOException {
        client.send(RawClient.request(0, FLUSH, 1, -1, -1)).expect(1, NbdError.OK);
        assertThat(disk.flushes).hasValue(1);
    }

    @Test
    void trim_zeroes_and_deallocates() throws IOException {
        disk.fill(0, new byte[] {1, 1, 1});
        client.ask(NbdCommand.TRIM, 1, 1, 1).expect(1, NbdError.OK);
        assertThat(disk.content(0, 3)).containsExactly(1, 0, 1);
        assertThat(disk.lastZero()).isEqualTo("deallocate");
    }

    @Test
    void write_zeroes_honours_no_hole_and_fast_zero() throws IOException {
        int zeroes = NbdCommand.WRITE_ZEROES.code();
        client.send(RawClient.request(CommandFlags.NO_HOLE, zeroes, 1, 0, DISK_BYTES));
        client.expect(1, NbdError.OK);
        assertThat(disk.lastZero()).isEqualTo("keep");
        client.send(RawClient.request(CommandFlags.FAST_ZERO, zeroes, 2, 0, 100));
        client.expect(2, NbdError.OK);
        assertThat(disk.lastZero()).isEqualTo("deallocate");
    }

    @Test
    void replies_come_in_the_order_of_completion() throws IOException {
        disk.hold();
        client.ask(NbdCommand.TRIM, 1, 0, 1).ask(NbdCommand.TRIM, 2, 0, 1);
        TestServer.await("both are held", () -> disk.heldCount() == 2);
        disk.release();
        client.expect(2, NbdError.OK);
        client.expect(1, NbdError.OK);
    }

    @Test
    void the_same_cookie_twice_in_flight_is_answered_twice() throws IOException {
        client.ask(NbdCommand.TRIM, 1, 0, 1).ask(NbdCommand.TRIM, 1, 0, 1);
        client.expect(1, NbdError.OK);
        client.expect(1, NbdError.OK);
    }

    @Test
    void requests_of_one_burst_share_one_submit() throws IOException {
        client.send(trims(100));
        for (int cookie = 0; cookie < 100; cookie++) {
            client.expect(cookie, NbdError.OK);
        }
        assertThat(disk.submits.get()).isBetween(1, 20);
    }

    // ---- bad input

    @Test
    void wrong_request_magic_ends_the_connection() throws IOException {
        client.send(new byte[28]);
        client.expectClosed();
    }

    @Test
    void the_extended_magic_ends_the_connection_while_it_is_not_negotiated() throws IOException {
        client.send(ByteBuffer.allocate(32).putInt(0x21e41c71).rewind());
        client.expectClosed();
    }

    @Test
    void unknown_commands_and_those_not_agreed_on_are_invalid() throws IOException {
        for (int type : new int[] {7, 8, 9, 0xffff}) {
            client.send(RawClient.request(0, type, type, 0, 512)).expect(type, NbdError.EINVAL);
        }
        expectUsable();
    }

    @Test
    void flags_that_do_not_belong_to_the_command_are_invalid() throws IOException {
        client.send(RawClient.request(CommandFlags.NO_HOLE, 0, 1, 0, 1));
        client.expect(1, NbdError.EINVAL);
        client.send(RawClient.request(CommandFlags.DF, 0, 2, 0, 1)).expect(2, NbdError.EINVAL);
        client.send(RawClient.request(CommandFlags.FAST_ZERO, 4, 3, 0, 1));
        client.expect(3, NbdError.EINVAL);
        client.send(RawClient.request(1 << 15, FLUSH, 4, 0, 0)).expect(4, NbdError.EINVAL);
        client.write(CommandFlags.PAYLOAD_LEN, 5, 0, new byte[] {1, 2, 3});
        client.expect(5, NbdError.EINVAL);
        assertThat(disk.writes).hasValue(0);
        expectUsable();
    }

    @Test
    void reads_and_trims_out_of_range_are_invalid() throws IOException {
        for (NbdCommand command : new NbdCommand[] {NbdCommand.READ, NbdCommand.TRIM}) {
            client.ask(command, 1, DISK_BYTES - 1, 2).expect(1, NbdError.EINVAL);
            client.ask(command, 2, DISK_BYTES + 1, 0).expect(2, NbdError.EINVAL);
            client.ask(command, 3, Long.MAX_VALUE, 512).expect(3, NbdError.EINVAL);
            client.ask(command, 4, -512, 512).expect(4, NbdError.EINVAL);
        }
        assertThat(disk.requests).hasValue(0);
        expectUsable();
    }

    @Test
    void writes_and_zeroes_out_of_range_have_no_space_and_the_payload_is_consumed()
            throws IOException {
        client.write(0, 1, DISK_BYTES - 1, new byte[100_000]).expect(1, NbdError.ENOSPC);
        client.write(0, 2, -1, new byte[2]).expect(2, NbdError.ENOSPC);
        client.ask(NbdCommand.WRITE_ZEROES, 3, DISK_BYTES - 1, 2).expect(3, NbdError.ENOSPC);
        assertThat(disk.requests).hasValue(0);
        expectUsable();
    }

    @Test
    void writes_to_a_read_only_export_are_not_permitted_and_the_payload_is_consumed()
            throws IOException {
        restart(new TestDisk(Geometry.ofSize(DISK_BYTES), Features.READ_ONLY), NbdLimits.DEFAULT);
        client.write(0, 1, 0, new byte[100_000]).expect(1, NbdError.EPERM);
        client.ask(NbdCommand.TRIM, 2, 0, 512).expect(2, NbdError.EPERM);
        client.ask(NbdCommand.WRITE_ZEROES, 3, 0, 512).expect(3, NbdError.EPERM);
        client.ask(NbdCommand.READ, 4, 0, 1).expect(4, NbdError.OK);
        client.receive(1);
        expectUsable();
    }

    @Test
    void requests_of_length_zero_succeed() throws IOException {
        client.ask(NbdCommand.READ, 1, 0, 0).expect(1, NbdError.OK);
        client.write(0, 2, DISK_BYTES, new byte[0]).expect(2, NbdError.OK);
        client.ask(NbdCommand.TRIM, 3, 5, 0).expect(3, NbdError.OK);
        client.ask(NbdCommand.WRITE_ZEROES, 4, 5, 0).expect(4, NbdError.OK);
        assertThat(disk.requests).hasValue(0);
        expectUsable();
    }

    @Test
    void unaligned_requests_are_invalid_and_touch_nothing() throws IOException {
        restart(
                new TestDisk(new Geometry(DISK_BYTES, 512, 4096, 65536), Features.LIVE),
                NbdLimits.DEFAULT);
        client.write(0, 1, 1, new byte[512]).expect(1, NbdError.EINVAL);
        client.write(0, 2, 512, new byte[513]).expect(2, NbdError.EINVAL);
        client.ask(NbdCommand.READ, 3, 511, 512).expect(3, NbdError.EINVAL);
        client.ask(NbdCommand.TRIM, 4, 0, 1).expect(4, NbdError.EINVAL);
        assertThat(disk.requests).hasValue(0);
        client.write(0, 5, 512, new byte[512]).expect(5, NbdError.OK);
    }

    @Test
    void payloads_longer_than_the_maximum_are_invalid_and_consumed() throws IOException {
        restart(
                new TestDisk(new Geometry(DISK_BYTES, 1, 4096, 65536), Features.LIVE),
                NbdLimits.DEFAULT);
        client.ask(NbdCommand.READ, 1, 0, 65537).expect(1, NbdError.EINVAL);
        client.write(0, 2, 0, new byte[32 << 20]).expect(2, NbdError.EINVAL);
        client.ask(NbdCommand.TRIM, 3, 0, DISK_BYTES).expect(3, NbdError.OK);
        client.ask(NbdCommand.WRITE_ZEROES, 4, 0, DISK_BYTES).expect(4, NbdError.OK);
        assertThat(disk.writes).hasValue(0);
    }

    @Test
    void payloads_of_the_maximum_are_served() throws IOException {
        restart(
                new TestDisk(new Geometry(DISK_BYTES, 1, 4096, 65536), Features.LIVE),
                NbdLimits.DEFAULT);
        client.write(0, 1, 0, pattern(65536, 4)).expect(1, NbdError.OK);
        client.ask(NbdCommand.READ, 2, 0, 65536).expect(2, NbdError.OK);
        assertThat(client.receive(65536).array()).isEqualTo(pattern(65536, 4));
    }

    @Test
    void a_refused_write_is_read_past_up_to_128_mebibytes() throws IOException {
        client.send(RawClient.request(0, 1, 1, 0, 128 << 20));
        byte[] mebibyte = new byte[1 << 20];
        for (int count = 0; count < 128; count++) {
            client.send(mebibyte);
        }
        client.expect(1, NbdError.EINVAL);
        expectUsable();
        client.send(RawClient.request(0, 1, 2, 0, (128 << 20) + 1));
        client.expectClosed();
    }

    @Test
    void a_write_of_gigabytes_ends_the_connection() throws IOException {
        client.send(RawClient.request(0, 1, 1, 0, -1));
        client.expectClosed();
    }

    @Test
    void every_device_failure_has_its_error() throws IOException {
        for (ErrorCode code : ErrorCode.values()) {
            disk.failWith(code);
            client.ask(NbdCommand.READ, 1, 0, 512)
                    .expect(
                            1,
                            switch (code) {
                                case OUT_OF_RANGE, BEYOND_END, INVALID -> NbdError.EINVAL;
                                case READ_ONLY -> NbdError.EPERM;
                                case NO_SPACE -> NbdError.ENOSPC;
                                case IO, DEVICE_FAILED -> NbdError.EIO;
                                case SHUTDOWN -> NbdError.ESHUTDOWN;
                            });
        }
        disk.failWith(ErrorCode.OUT_OF_RANGE);
        client.write(0, 2, 0, new byte[1]).expect(2, NbdError.ENOSPC);
        disk.failWith(null);
        expectUsable();
    }

    // ---- ends

    @Test
    void disconnect_finishes_every_pending_request_and_then_closes() throws IOException {
        disk.hold();
        for (int cookie = 0; cookie < 16; cookie++) {
            client.ask(NbdCommand.READ, cookie, 0, 4096);
        }
        client.ask(NbdCommand.DISCONNECT, 99, 0, 0);
        TestServer.await("all are held", () -> disk.heldCount() == 16);
        disk.release();
        Set<Long> cookies = new HashSet<>();
        for (int count = 0; count < 16; count++) {
            cookies.add(client.reply().cookie());
            client.receive(4096);
        }
        assertThat(cookies).hasSize(16);
        client.expectClosed();
    }

    @Test
    void a_client_that_closes_its_side_still_gets_its_replies() throws IOException {
        assumeTrue(kind != TestServer.Kind.UNIX_NIO, "closes both sides");
        disk.hold();
        client.ask(NbdCommand.TRIM, 1, 0, 1).finish();
        TestServer.await("it is held", () -> disk.heldCount() == 1);
        disk.release();
        client.expect(1, NbdError.OK);
        client.expectClosed();
    }

    @Test
    void a_half_received_write_is_never_applied() throws IOException {
        client.send(RawClient.request(0, 1, 1, 0, 100_000)).send(new byte[50_000]).finish();
        client.expectClosed();
        TestServer.await("the export is closed", () -> server.catalog.open.get() == 0);
        assertThat(disk.writes).hasValue(0);
    }

    @Test
    void the_export_stays_open_until_the_last_request_has_completed() throws IOException {
        disk.hold();
        client.ask(NbdCommand.TRIM, 1, 0, 1);
        client.write(0, 2, 0, new byte[100]);
        TestServer.await("both are held", () -> disk.heldCount() == 2);
        client.reset();
        try (RawClient other = server.connect()) {
            other.greet().option(Handshake.OPTION_LIST).optionReplies();
        }
        assertThat(server.catalog.open).hasValue(1);
        disk.release();
        TestServer.await("the export is closed", () -> server.catalog.open.get() == 0);
    }

    // ---- limits

    @Test
    void no_more_requests_are_taken_than_the_limit() throws IOException {
        restart(new TestDisk(DISK_BYTES), NbdLimits.DEFAULT.withInFlight(10, 1 << 20));
        disk.hold();
        client.send(trims(500));
        TestServer.await("ten are held", () -> disk.heldCount() >= 10);
        try (RawClient other = server.connect()) {
            other.greet().option(Handshake.OPTION_LIST).optionReplies();
        }
        assertThat(disk.heldCount()).isEqualTo(10);
        disk.release();
        Set<Long> cookies = new HashSet<>();
        for (int count = 0; count < 500; count++) {
            cookies.add(client.reply().cookie());
        }
        assertThat(cookies).hasSize(500);
    }

    @Test
    void no_more_payload_is_taken_than_the_limit_but_one_request_always_is() throws IOException {
        restart(new TestDisk(DISK_BYTES), NbdLimits.DEFAULT.withInFlight(100, 10_000));
        disk.hold();
        for (int cookie = 0; cookie < 10; cookie++) {
            client.write(0, cookie, 0, pattern(4000, cookie));
        }
        TestServer.await("two are held", () -> disk.heldCount() == 2);
        disk.release();
        for (int count = 0; count < 10; count++) {
            assertThat(client.reply().error()).isZero();
        }
        client.write(0, 1, 0, pattern(500_000, 1)).expect(1, NbdError.OK);
        assertThat(disk.content(0, 500_000)).isEqualTo(pattern(500_000, 1));
    }

    // ---- stop

    @Test
    void a_stopping_server_answers_what_is_in_flight_and_hangs_up_on_the_rest() throws IOException {
        disk.hold();
        client.ask(NbdCommand.READ, 1, 0, DISK_BYTES);
        TestServer.await("it is held", () -> disk.heldCount() == 1);
        CompletableFuture<Void> stopped = server.server.stop(Duration.ofSeconds(30));
        client.write(0, 2, 0, pattern(400_000, 3)).ask(NbdCommand.FLUSH, 3, 0, 0);
        disk.release();
        client.expect(1, NbdError.OK);
        client.receive(DISK_BYTES);
        client.expectEnd();
        client.close();
        stopped.join();
        assertThat(disk.writes).hasValue(0);
        assertThat(disk.flushes).hasValue(0);
    }

    @Test
    void a_stopping_server_hangs_up_on_an_idle_client() throws IOException {
        expectUsable();
        CompletableFuture<Void> stopped = server.server.stop(Duration.ofSeconds(30));
        client.expectEnd();
        stopped.join(); // although this client keeps its side open
    }

    @Test
    void a_stopping_server_drops_what_waits_for_room_and_half_a_write() throws IOException {
        restart(new TestDisk(DISK_BYTES), NbdLimits.DEFAULT.withInFlight(2, 1 << 20));
        disk.hold();
        for (int cookie = 0; cookie < 3; cookie++) {
            client.ask(NbdCommand.FLUSH, cookie, 0, 0);
        }
        client.send(RawClient.request(0, NbdCommand.WRITE.code(), 3, 0, 1000))
                .send(ByteBuffer.allocate(500));
        TestServer.await("two are held", () -> disk.heldCount() == 2);
        CompletableFuture<Void> stopped = server.server.stop(Duration.ofSeconds(30));
        disk.release();
        List<Long> answered = new ArrayList<>();
        answered.add(client.reply().cookie());
        answered.add(client.reply().cookie());
        assertThat(answered).containsExactlyInAnyOrder(0L, 1L);
        client.expectEnd();
        client.close();
        stopped.join();
        assertThat(disk.flushes).hasValue(2);
        assertThat(disk.writes).hasValue(0);
    }

    @Test
    void an_option_to_a_stopping_server_is_answered_with_shutdown() throws IOException {
        try (RawClient late = server.connect()) {
            late.greet().option(Handshake.OPTION_LIST).optionReplies();
            CompletableFuture<Void> stopped = server.server.stop(Duration.ofSeconds(30));
            late.option(Handshake.OPTION_LIST);
            assertThat(late.optionReply().type()).isEqualTo(Handshake.ERROR_SHUTDOWN);
            late.expectClosed();
            stopped.join();
        }
    }

    @Test
    void a_stopping_server_cuts_off_what_does_not_end_in_time() throws IOException {
        disk.hold();
        client.ask(NbdCommand.FLUSH, 1, 0, 0);
        TestServer.await("it is held", () -> disk.heldCount() == 1);
        CompletableFuture<Void> stopped = server.server.stop(Duration.ofMillis(50));
        client.expectClosed();
        disk.release();
        stopped.join();
    }
}
