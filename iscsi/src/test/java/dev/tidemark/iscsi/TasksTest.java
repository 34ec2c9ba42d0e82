package dev.tidemark.iscsi;

import static dev.tidemark.iscsi.RawInitiator.dataOut;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The order, the numbers and the ends of commands, and what other sessions hear of the last. */
@Timeout(60)
final class TasksTest {
    private static final int ORDERED = 2;
    private static final int HEAD_OF_QUEUE = 3;

    private static final int ABORT_TASK = 1;
    private static final int CLEAR_TASK_SET = 4;
    private static final int UNIT_RESET = 5;
    private static final int COLD_RESET = 7;
    private static final int COMPLETE = 0;
    private static final int NO_SUCH_TASK = 1;

    private final TestDisk disk = new TestDisk(4 << 20);
    private TestServer server;
    private RawInitiator initiator;

    @BeforeEach
    void start() throws IOException {
        TestCatalog catalog =
                new TestCatalog()
                        .add("disk", disk)
                        .add("disk", 1, TestCatalog.unit("two", 512, false), new TestDisk(1 << 20));
        server = new TestServer(catalog);
        initiator =
                new RawInitiator(server.address)
                        .ready(
                                "disk",
                                "MaxRecvDataSegmentLength=512",
                                "MaxBurstLength=1024",
                                "FirstBurstLength=512",
                                "MaxOutstandingR2T=4");
    }

    @AfterEach
    void stop() throws IOException {
        initiator.close();
        server.close();
    }

    private RawInitiator another() throws IOException {
        return new RawInitiator(server.address).fromPort(2).ready("disk");
    }

    private static String testUnitReady(RawInitiator who) throws IOException {
        who.send(who.command("000000000000", 0, 0));
        return who.receive().sense();
    }

    private void awaitHeld(int count) {
        TestServer.await(count + " are with the disk", () -> disk.heldCount() == count);
    }

    private void sendRead(int attribute) throws IOException {
        Header read = initiator.read10(0, 1);
        initiator.send(read.set(1, read.flags() | attribute));
    }

    private void expectGood(int answers) throws IOException {
        for (int i = 0; i < answers; i++) {
            assertThat(initiator.receive().status()).isZero();
        }
    }

    // ---- order (SAM-5 section 8.6)

    @Test
    void an_ordered_command_waits_for_those_before_it() throws IOException {
        disk.hold();
        sendRead(0);
        sendRead(ORDERED);
        initiator.expectAlive();
        awaitHeld(1);
        disk.release();
        expectGood(2);
    }

    @Test
    void those_after_an_ordered_command_wait_for_it() throws IOException {
        disk.hold();
        sendRead(ORDERED);
        sendRead(0);
        initiator.expectAlive();
        awaitHeld(1);
        disk.release();
        expectGood(2);
    }

    @Test
    void a_command_for_the_head_of_the_queue_goes_before_those_that_wait() throws IOException {
        disk.hold();
        sendRead(0);
        sendRead(ORDERED);
        sendRead(HEAD_OF_QUEUE);
        initiator.expectAlive();
        awaitHeld(2);
        disk.release();
        expectGood(3);
    }

    // ---- numbers

    /** Commands that MaxCmdSN still lets in, as an answer to a ping says. */
    private int window() throws IOException {
        initiator.send(
                Header.of(Opcode.NOP_OUT | 0x40, Header.FINAL)
                        .setInt(16, 7)
                        .setInt(20, Header.RESERVED_TAG));
        Header pong = initiator.receive().header();
        assertThat(pong.opcode()).isEqualTo(Opcode.NOP_IN);
        return pong.intAt(32) - pong.intAt(28) + 1;
    }

    @Test
    void the_window_shrinks_by_what_is_outstanding() throws IOException {
        int whole = window();
        disk.hold();
        for (int i = 0; i < 3; i++) {
            sendRead(0);
        }
        assertThat(window()).isEqualTo(whole - 3);
        disk.release();
        expectGood(3);
        assertThat(window()).isEqualTo(whole);
    }

    /** RFC 7143 section 11.7: F ends a burst, the status goes with the last PDU. */
    @Test
    void data_comes_in_segments_and_bursts_and_the_status_with_the_last() throws IOException {
        initiator.send(initiator.read10(0, 5));
        int statSn = 0;
        for (int i = 0; i < 5; i++) {
            RawInitiator.Answer part = initiator.receive();
            assertThat(part.opcode()).isEqualTo(Opcode.DATA_IN);
            assertThat(part.data()).hasSize(512);
            assertThat(part.header().intAt(36)).as("DataSN").isEqualTo(i);
            assertThat(part.header().intAt(40)).as("offset").isEqualTo(512 * i);
            int flags = i == 4 ? 0x81 : i % 2 == 1 ? Header.FINAL : 0;
            assertThat(part.header().flags()).as("flags of part %d", i).isEqualTo(flags);
            statSn = part.header().intAt(24);
        }
        sendRead(0);
        assertThat(initiator.receive().header().intAt(24)).as("StatSN").isEqualTo(statSn + 1);
    }

    @Test
    void what_is_ready_to_be_taken_is_numbered_within_its_command() throws IOException {
        initiator.send(initiator.write10(0, 6));
        int tag = 0;
        int[] transferTags = new int[3];
        for (int i = 0; i < 3; i++) {
            Header asked = initiator.receive().header();
            assertThat(asked.opcode()).isEqualTo(Opcode.R2T);
            assertThat(asked.intAt(36)).as("R2TSN").isEqualTo(i);
            assertThat(asked.intAt(40)).as("offset").isEqualTo(1024 * i);
            assertThat(asked.intAt(44)).as("length").isEqualTo(1024);
            tag = asked.initiatorTaskTag();
            transferTags[i] = asked.intAt(20);
        }
        for (int i = 0; i < 3; i++) {
            initiator.send(dataOut(tag, transferTags[i], 0, 1024 * i), new byte[1024]);
        }
        expectGood(1);
    }

    // ---- ends

    private void manage(int function, int lun, int referenced, int commandSn) throws IOException {
        initiator.send(
                Header.of(Opcode.TASK_MANAGEMENT | 0x40, Header.FINAL | function)
                        .setLong(8, (long) lun << 48)
                        .setInt(16, 0x5000)
                        .setInt(20, referenced)
                        .setInt(32, commandSn));
    }

    private void expectManaged(int response) throws IOException {
        RawInitiator.Answer answer = initiator.receive();
        assertThat(answer.opcode()).isEqualTo(Opcode.TASK_MANAGEMENT_RESPONSE);
        assertThat(answer.header().at(2)).as("response").isEqualTo(response);
    }

    @Test
    void a_task_is_not_aborted_by_way_of_another_unit() throws IOException {
        disk.hold();
        Header read = initiator.read10(0, 1);
        initiator.send(read);
        awaitHeld(1);
        manage(ABORT_TASK, 1, read.initiatorTaskTag(), read.intAt(24));
        expectManaged(NO_SUCH_TASK);
        disk.release();
        expectGood(1);
    }

    /** RFC 7143 section 11.6.1: a task within the window may have been lost. */
    @Test
    void a_task_that_may_still_come_counts_as_aborted() throws IOException {
        manage(ABORT_TASK, 0, 0x9999, initiator.nextCommandSn());
        expectManaged(COMPLETE);
    }

    @Test
    void clearing_the_task_set_is_told_to_other_sessions_only() throws IOException {
        try (RawInitiator other = another()) {
            disk.hold();
            other.send(other.read10(0, 1));
            awaitHeld(1);
            manage(CLEAR_TASK_SET, 0, Header.RESERVED_TAG, 0);
            initiator.expectAlive(); // the answer to a later ping comes first
            disk.release();
            expectManaged(COMPLETE);
            assertThat(testUnitReady(other)).as("instead of the read's answer").isEqualTo("6/2f00");
            assertThat(testUnitReady(other)).isEmpty();
            assertThat(testUnitReady(initiator)).isEmpty();
        }
    }

    @Test
    void a_reset_of_a_unit_is_told_to_all_sessions_of_it() throws IOException {
        try (RawInitiator other = another()) {
            manage(UNIT_RESET, 0, Header.RESERVED_TAG, 0);
            expectManaged(COMPLETE);
            for (RawInitiator each : new RawInitiator[] {initiator, other}) {
                assertThat(testUnitReady(each)).isEqualTo("6/2903");
                assertThat(testUnitReady(each)).isEmpty();
            }
        }
    }

    @Test
    void a_cold_reset_ends_all_sessions_of_the_target() throws IOException {
        try (RawInitiator other = another()) {
            manage(COLD_RESET, 0, Header.RESERVED_TAG, 0);
            expectManaged(COMPLETE);
            initiator.expectClosed();
            other.expectClosed();
        }
    }

    /** Section 11.14.1: connections are not recovered at level 0. */
    @Test
    void a_logout_for_recovery_is_not_supported_and_changes_nothing() throws IOException {
        initiator.send(Header.of(Opcode.LOGOUT | 0x40, Header.FINAL | 2).setInt(16, 9));
        RawInitiator.Answer answer = initiator.receive();
        assertThat(answer.opcode()).isEqualTo(Opcode.LOGOUT_RESPONSE);
        assertThat(answer.header().at(2)).as("response").isEqualTo(2);
        assertThat(testUnitReady(initiator)).isEmpty();
    }
}
