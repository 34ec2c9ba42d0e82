package dev.tidemark.iscsi;

import static dev.tidemark.iscsi.RawInitiator.dataOut;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an initiator in full feature phase may not do, and what comes of it. */
@Timeout(60)
final class BadInputTest {
    private static final int DISK_BYTES = 4 << 20;
    private static final int NOT_IMMEDIATE = 0;

    private final TestDisk disk = new TestDisk(DISK_BYTES);
    private TestServer server;
    private RawInitiator initiator;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer(new TestCatalog().add("disk", disk));
        initiator =
                new RawInitiator(server.address)
                        .ready(
                                "disk",
                                "InitialR2T=Yes",
                                "ImmediateData=Yes",
                                "MaxBurstLength=4096");
    }

    @AfterEach
    void stop() throws IOException {
        initiator.close();
        server.close();
    }

    private void expectReject(int reason) throws IOException {
        assertThat(initiator.receive().rejectReason()).as("reason").isEqualTo(reason);
    }

    private void expectSense(String sense) throws IOException {
        RawInitiator.Answer answer = initiator.receive();
        assertThat(answer.status()).as("status").isEqualTo(2);
        assertThat(answer.sense()).isEqualTo(sense);
    }

    private void expectGood() throws IOException {
        assertThat(initiator.receive().status()).as("status").isZero();
    }

    // ---- framing

    @Test
    void a_login_in_full_feature_phase_is_a_protocol_error_and_the_end() throws IOException {
        initiator.send(RawInitiator.login(true, 1, 3), RawInitiator.text("X=1"));
        expectReject(4);
        initiator.expectClosed();
    }

    @ParameterizedTest
    @ValueSource(ints = {0x07, 0x0f, 0x1c, 0x20, 0x25, 0x31, 0x3f})
    void an_opcode_that_is_not_ours_to_take_is_rejected_with_05(int opcode) throws IOException {
        initiator.send(Header.of(opcode | 0x40, Header.FINAL));
        expectReject(5);
        initiator.expectAlive();
    }

    @Test
    void a_reject_carries_the_header_it_is_about() throws IOException {
        Header odd = Header.of(0x1c | 0x40, Header.FINAL).setInt(16, 0x1234);
        initiator.send(odd);
        assertThat(initiator.receive().data()).isEqualTo(odd.bytes());
    }

    @Test
    void a_data_segment_beyond_the_declared_length_is_rejected_and_the_end() throws IOException {
        initiator.sendClaiming(initiator.write10(0, 1), (256 << 10) + 4, new byte[0]);
        expectReject(4);
        initiator.expectClosed();
    }

    @ParameterizedTest
    @ValueSource(strings = {"00ff0100", "00000100", "00050900", "00060200", "ffff0100"})
    void an_additional_header_that_makes_no_sense_is_the_end(String ahs) throws IOException {
        byte[] bytes = java.util.HexFormat.of().parseHex(ahs);
        Header header = initiator.read10(0, 1).set(4, 1);
        initiator.raw(header.bytes()).raw(bytes);
        expectReject(9);
        initiator.expectClosed();
    }

    @Test
    void a_snack_is_rejected_with_03() throws IOException {
        initiator.send(Header.of(Opcode.SNACK | 0x40, Header.FINAL));
        expectReject(3);
        initiator.expectAlive();
    }

    // ---- command numbers

    @ParameterizedTest
    @ValueSource(ints = {-1, -1000, 1000, Integer.MAX_VALUE})
    void a_command_outside_the_window_is_ignored(int distance) throws IOException {
        Header command = initiator.write10(0, 1);
        int due = command.intAt(24);
        initiator.send(command.setInt(24, due + distance), new byte[512]);
        initiator.send(initiator.read10(0, 1).setInt(24, due));
        assertThat(initiator.receive().opcode()).isEqualTo(Opcode.DATA_IN);
        assertThat(disk.writes).hasValue(0);
    }

    @Test
    void a_duplicate_number_is_ignored() throws IOException {
        Header first = initiator.read10(0, 1);
        initiator.send(first);
        assertThat(initiator.receive().status()).isZero();
        initiator.send(initiator.write10(0, 1).setInt(24, first.intAt(24)), new byte[512]);
        initiator.expectAlive();
        assertThat(disk.writes).hasValue(0);
    }

    @Test
    void a_command_that_comes_early_waits_for_those_before_it() throws IOException {
        Header first = initiator.write10(0, 1);
        Header second = initiator.read10(0, 1);
        byte[] data = new byte[512];
        Arrays.fill(data, (byte) 7);
        initiator.send(second);
        initiator.expectAlive();
        initiator.send(first, data);
        expectGood();
        RawInitiator.Answer read = initiator.receive();
        assertThat(read.opcode()).isEqualTo(Opcode.DATA_IN);
        assertThat(read.data()).isEqualTo(data);
    }

    @Test
    void the_seventeenth_immediate_command_is_rejected_with_06() throws IOException {
        disk.hold();
        for (int i = 0; i < 17; i++) {
            Header command = initiator.read10(0, 1);
            initiator.send(command.set(0, Opcode.SCSI_COMMAND | 0x40));
        }
        expectReject(6);
        TestServer.await("all reads wait", () -> disk.heldCount() == 16);
        disk.release();
        for (int i = 0; i < 16; i++) {
            assertThat(initiator.receive().opcode()).isEqualTo(Opcode.DATA_IN);
        }
    }

    @Test
    void a_tag_in_use_is_rejected_with_07() throws IOException {
        disk.hold();
        Header first = initiator.read10(0, 1);
        initiator.send(first);
        TestServer.await("the read waits", () -> disk.heldCount() == 1);
        initiator.send(initiator.read10(1, 1).setInt(16, first.initiatorTaskTag()));
        expectReject(7);
        disk.release();
        assertThat(initiator.receive().opcode()).isEqualTo(Opcode.DATA_IN);
    }

    // ---- data

    @Test
    void immediate_data_beyond_what_was_announced_is_0b_0c0c() throws IOException {
        initiator.send(
                initiator.command("2a000000000000000100", RawInitiator.WRITE, 512), new byte[1024]);
        expectSense("b/0c0c");
        assertThat(disk.writes).hasValue(0);
        initiator.expectAlive();
    }

    @Test
    void immediate_data_beyond_the_first_burst_is_0b_0c0c() throws IOException {
        try (RawInitiator other =
                new RawInitiator(server.address)
                        .fromPort(2)
                        .ready("disk", "FirstBurstLength=512", "MaxBurstLength=4096")) {
            other.send(other.write10(0, 2), new byte[1024]);
            assertThat(other.receive().sense()).isEqualTo("b/0c0c");
            assertThat(disk.writes).hasValue(0);
            other.expectAlive();
        }
    }

    @Test
    void data_for_a_command_that_reads_is_0b_0c0c() throws IOException {
        initiator.send(initiator.read10(0, 1), new byte[512]);
        expectSense("b/0c0c");
        initiator.expectAlive();
    }

    /** Begins a write of eight blocks and returns its R2T. */
    private RawInitiator.Answer readyToTransfer() throws IOException {
        initiator.send(initiator.write10(0, 8));
        RawInitiator.Answer r2t = initiator.receive();
        assertThat(r2t.opcode()).isEqualTo(Opcode.R2T);
        assertThat(r2t.header().intAt(44)).as("length").isEqualTo(4096);
        return r2t;
    }

    @ParameterizedTest
    @CsvSource({"1,0,4096", "0,512,4096", "0,0,4608", "0,0,512", "0,2147483647,4096"})
    void data_that_the_r2t_did_not_ask_for_fails_the_command(
            int dataSn, int offset, int lengthBytes) throws IOException {
        RawInitiator.Answer r2t = readyToTransfer();
        int tag = r2t.header().initiatorTaskTag();
        initiator.send(dataOut(tag, r2t.header().intAt(20), dataSn, offset), new byte[lengthBytes]);
        expectSense("b/4b00");
        assertThat(disk.writes).hasValue(0);
        initiator.expectAlive();
    }

    @Test
    void data_of_an_unknown_transfer_tag_fails_the_command() throws IOException {
        RawInitiator.Answer r2t = readyToTransfer();
        int tag = r2t.header().initiatorTaskTag();
        initiator.send(dataOut(tag, r2t.header().intAt(20) + 1, 0, 0), new byte[4096]);
        expectSense("b/4b00");
    }

    @Test
    void data_that_nobody_asked_for_fails_the_command() throws IOException {
        RawInitiator.Answer r2t = readyToTransfer();
        int tag = r2t.header().initiatorTaskTag();
        initiator.send(dataOut(tag, Header.RESERVED_TAG, 0, 0), new byte[4096]);
        expectSense("b/4b00");
    }

    @Test
    void data_of_an_unknown_task_is_rejected_with_09() throws IOException {
        initiator.send(dataOut(0x7777, 1, 0, 0), new byte[512]);
        expectReject(9);
        initiator.expectAlive();
    }

    @Test
    void more_announced_than_the_cdb_takes_is_an_underflow() throws IOException {
        initiator.send(
                initiator.command("2a000000000000000100", RawInitiator.WRITE, 1024),
                new byte[1024]);
        RawInitiator.Answer answer = initiator.receive();
        assertThat(answer.status()).isZero();
        assertThat(answer.header().flags() & 6).isEqualTo(2);
        assertThat(answer.residual()).isEqualTo(512);
    }

    @Test
    void less_announced_than_the_cdb_takes_is_an_overflow_and_leaves_other_blocks_alone()
            throws IOException {
        byte[] marked = new byte[1024];
        Arrays.fill(marked, (byte) 1);
        disk.fill(0, marked);
        initiator.send(
                initiator.command("2a000000000000000200", RawInitiator.WRITE, 512), new byte[512]);
        RawInitiator.Answer answer = initiator.receive();
        assertThat(answer.status()).isZero();
        assertThat(answer.header().flags() & 6).isEqualTo(4);
        assertThat(answer.residual()).isEqualTo(512);
        assertThat(disk.content(512, 512)).containsOnly(1);
    }

    // ---- SCSI

    @ParameterizedTest
    @ValueSource(
            strings = {
                "28 00 00 00 20 00 00 00 01 00",
                "28 00 ff ff ff ff 00 ff ff 00",
                "88 00 ff ff ff ff ff ff ff ff 00 00 00 02 00 00",
                "88 00 80 00 00 00 00 00 00 00 00 00 00 01 00 00",
                "88 00 00 00 00 00 00 00 00 00 ff ff ff ff 00 00",
            })
    void a_range_that_ends_beyond_the_disk_is_05_2100(String cdb) throws IOException {
        initiator.send(initiator.command(cdb.replace(" ", ""), RawInitiator.READ, 512));
        expectSense("5/2100");
    }

    @Test
    void an_unknown_operation_is_05_2000() throws IOException {
        initiator.send(initiator.command("ff0000000000", 0, 0));
        expectSense("5/2000");
    }

    @Test
    void inquiry_of_a_unit_that_is_not_there_says_so_and_all_else_is_05_2500() throws IOException {
        initiator.send(
                initiator.command("120000006000", RawInitiator.READ, 96).setLong(8, 5L << 48));
        assertThat(initiator.receive().data()[0]).isEqualTo((byte) 0x7f);
        initiator.send(initiator.read10(0, 1).setLong(8, 5L << 48));
        expectSense("5/2500");
        initiator.send(
                initiator.command("030000001200", RawInitiator.READ, 18).setLong(8, 5L << 48));
        byte[] sense = initiator.receive().data();
        assertThat(sense[2]).isEqualTo((byte) 5);
        assertThat(sense[12]).isEqualTo((byte) 0x25);
    }

    @ParameterizedTest
    @CsvSource({
        "IO, 3/1100",
        "DEVICE_FAILED, 4/4400",
        "INVALID, 5/2400",
        "OUT_OF_RANGE, 5/2100",
        "SHUTDOWN, 2/0400"
    })
    void a_device_that_fails_a_read_is_told_as_sense(ErrorCode code, String sense)
            throws IOException {
        disk.failWith(code);
        initiator.send(initiator.read10(0, 1));
        expectSense(sense);
    }

    @ParameterizedTest
    @CsvSource({"IO, 3/0c00", "NO_SPACE, 7/2707", "READ_ONLY, 7/2700", "BEYOND_END, 5/2100"})
    void a_device_that_fails_a_write_is_told_as_sense(ErrorCode code, String sense)
            throws IOException {
        disk.failWith(code);
        initiator.send(initiator.write10(0, 1), new byte[512]);
        expectSense(sense);
    }

    // ---- task management, pings, logout

    private void manage(int function, int referenced, int reference) throws IOException {
        initiator.send(
                Header.of(Opcode.TASK_MANAGEMENT | 0x40, Header.FINAL | function)
                        .setInt(16, 0x5000)
                        .setInt(20, referenced)
                        .setInt(24, reference)
                        .setInt(32, reference));
    }

    private void expectManaged(int response) throws IOException {
        RawInitiator.Answer answer = initiator.receive();
        assertThat(answer.opcode()).isEqualTo(Opcode.TASK_MANAGEMENT_RESPONSE);
        assertThat(answer.header().at(2)).isEqualTo(response);
    }

    @Test
    void an_unknown_task_management_function_is_not_supported() throws IOException {
        manage(99, Header.RESERVED_TAG, 1);
        expectManaged(5);
    }

    @Test
    void aborting_a_task_that_is_not_there_says_so() throws IOException {
        manage(1, 0x9999, NOT_IMMEDIATE);
        expectManaged(1);
    }

    @Test
    void an_aborted_write_is_answered_only_once_it_cannot_land_any_more() throws IOException {
        disk.hold();
        Header write = initiator.write10(0, 1);
        initiator.send(write, new byte[512]);
        TestServer.await("the write waits", () -> disk.heldCount() == 1);
        manage(1, write.initiatorTaskTag(), write.intAt(24));
        initiator.expectAlive();
        disk.release();
        expectManaged(0);
        initiator.expectAlive();
    }

    @Test
    void data_of_an_aborted_task_is_dropped_in_silence() throws IOException {
        RawInitiator.Answer r2t = readyToTransfer();
        int tag = r2t.header().initiatorTaskTag();
        manage(2, Header.RESERVED_TAG, 1);
        expectManaged(0);
        initiator.send(dataOut(tag, r2t.header().intAt(20), 0, 0), new byte[4096]);
        initiator.expectAlive();
        assertThat(disk.writes).hasValue(0);
    }

    @Test
    void a_ping_answer_that_answers_nothing_is_a_protocol_error() throws IOException {
        initiator.send(
                Header.of(Opcode.NOP_OUT | 0x40, Header.FINAL)
                        .setInt(16, Header.RESERVED_TAG)
                        .setInt(20, 0x4444));
        expectReject(4);
        initiator.expectAlive();
    }

    @Test
    void a_connection_that_is_cut_gives_everything_back() throws IOException {
        disk.hold();
        initiator.send(initiator.write10(0, 1), new byte[512]);
        initiator.send(initiator.write10(8, 8));
        TestServer.await("the write waits", () -> disk.heldCount() == 1);
        initiator.close();
        disk.release();
        TestServer.await("the target is closed", () -> server.catalog.open.get() == 0);
    }

    @Test
    void a_new_login_of_the_same_port_waits_for_the_old_writes() throws Exception {
        disk.hold();
        byte[] old = new byte[512];
        Arrays.fill(old, (byte) 1);
        initiator.send(initiator.write10(0, 1), old);
        TestServer.await("the write waits", () -> disk.heldCount() == 1);
        try (RawInitiator again = new RawInitiator(server.address)) {
            again.send(
                    RawInitiator.login(true, 1, 3), RawInitiator.text(RawInitiator.names("disk")));
            initiator.expectClosed();
            disk.release();
            assertThat(again.receive().loginStatus()).isZero();
            assertThat(disk.content(0, 512)).isEqualTo(old);
            again.expectAlive();
        }
    }
}
