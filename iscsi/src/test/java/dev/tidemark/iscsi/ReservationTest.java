package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.ReservationStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two ports of an initiator that keep each other out. */
@Timeout(60)
final class ReservationTest {
    private static final int CONFLICT = 0x18;
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int RELEASE = 2;
    private static final int CLEAR = 3;
    private static final int PREEMPT_AND_ABORT = 5;
    private static final int WRITE_EXCLUSIVE = 1;
    private static final int WRITE_EXCLUSIVE_REGISTRANTS = 5;
    private static final int PERSIST = 1;

    /** Task management: LOGICAL UNIT RESET. */
    private static final int UNIT_RESET = 5;

    private final TestDisk disk = new TestDisk(4 << 20);

    private TestServer server(ReservationStore store) throws IOException {
        return new TestServer(new TestCatalog().add("disk", disk), IscsiLimits.DEFAULT, store);
    }

    private static RawInitiator port(TestServer server, int number) throws IOException {
        return new RawInitiator(server.address).fromPort(number).ready("disk");
    }

    /** PERSISTENT RESERVE OUT; returns the answer. */
    private static RawInitiator.Answer reserveOut(
            RawInitiator initiator, int action, int type, long key, long serviceKey, int flags)
            throws IOException {
        byte[] list =
                ByteBuffer.allocate(24)
                        .putLong(key)
                        .putLong(serviceKey)
                        .put(20, (byte) flags)
                        .array();
        initiator.send(
                initiator.command(
                        "5f%02x%02x0000000000%02x00".formatted(action, type, list.length),
                        RawInitiator.WRITE,
                        list.length),
                list);
        return initiator.receive();
    }

    private static RawInitiator.Answer write(RawInitiator initiator) throws IOException {
        initiator.send(initiator.write10(0, 1), new byte[512]);
        return initiator.receive();
    }

    private static ByteBuffer reserveIn(RawInitiator initiator, int action) throws IOException {
        initiator.send(
                initiator.command(
                        "5e%02x0000000000010000".formatted(action), RawInitiator.READ, 256));
        return ByteBuffer.wrap(initiator.receive().data());
    }

    @Test
    void a_reservation_outlives_its_session_and_a_restart_when_it_was_asked_to()
            throws IOException {
        ReservationStore store = new TestServer.MemoryStore();
        try (TestServer before = server(store);
                RawInitiator holder = port(before, 1)) {
            assertThat(reserveOut(holder, REGISTER, 0, 0, 0x1234, PERSIST).status()).isZero();
            assertThat(reserveOut(holder, RESERVE, WRITE_EXCLUSIVE, 0x1234, 0, 0).status())
                    .isZero();
        }
        try (TestServer after = server(store);
                RawInitiator holder = port(after, 1);
                RawInitiator stranger = port(after, 2)) {
            ByteBuffer reservation = reserveIn(stranger, 1);
            assertThat(reservation.getInt(4)).as("additional length").isEqualTo(16);
            assertThat(reservation.getLong(8)).as("key").isEqualTo(0x1234);
            assertThat(reservation.get(21)).as("type").isEqualTo((byte) WRITE_EXCLUSIVE);
            assertThat(write(stranger).status()).isEqualTo(CONFLICT);
            assertThat(disk.writes).hasValue(0);
            assertThat(write(holder).status()).isZero();
        }
    }

    @Test
    void a_reservation_that_was_not_to_be_kept_ends_with_the_server() throws IOException {
        ReservationStore store = new TestServer.MemoryStore();
        try (TestServer before = server(store);
                RawInitiator holder = port(before, 1)) {
            assertThat(reserveOut(holder, REGISTER, 0, 0, 0x1234, 0).status()).isZero();
            assertThat(reserveOut(holder, RESERVE, WRITE_EXCLUSIVE, 0x1234, 0, 0).status())
                    .isZero();
        }
        try (TestServer after = server(store);
                RawInitiator stranger = port(after, 2)) {
            assertThat(reserveIn(stranger, 0).getInt(4)).as("keys").isZero();
            assertThat(write(stranger).status()).isZero();
        }
    }

    @Test
    void without_a_store_nothing_is_promised_to_be_kept() throws IOException {
        try (TestServer server = server(ReservationStore.NONE);
                RawInitiator initiator = port(server, 1)) {
            assertThat(reserveOut(initiator, REGISTER, 0, 0, 1, PERSIST).sense())
                    .isEqualTo("5/2600");
            assertThat(reserveIn(initiator, 2).get(2) & 1).as("PTPL_C").isZero();
        }
    }

    @Test
    void preempt_and_abort_is_answered_once_the_victims_write_cannot_land_any_more()
            throws IOException {
        try (TestServer server = server(new TestServer.MemoryStore());
                RawInitiator victim = port(server, 1);
                RawInitiator rescuer = port(server, 2)) {
            reserveOut(victim, REGISTER, 0, 0, 1, 0);
            reserveOut(victim, RESERVE, WRITE_EXCLUSIVE, 1, 0, 0);
            reserveOut(rescuer, REGISTER, 0, 0, 2, 0);
            disk.hold();
            victim.send(victim.write10(0, 1), new byte[512]);
            TestServer.await("the write waits", () -> disk.heldCount() == 1);
            byte[] list = ByteBuffer.allocate(24).putLong(2).putLong(1).array();
            rescuer.send(
                    rescuer.command(
                            "5f%02x%02x00000000001800".formatted(PREEMPT_AND_ABORT, 1),
                            RawInitiator.WRITE,
                            list.length),
                    list);
            rescuer.expectAlive(); // the answer to a later ping comes first
            disk.release();
            assertThat(rescuer.receive().status()).isZero();
            assertThat(write(victim).sense()).as("it is told").isEqualTo("6/2a05");
            assertThat(write(victim).status()).isEqualTo(CONFLICT);
        }
    }

    @Test
    void what_was_to_be_kept_is_forgotten_when_it_is_registered_anew_without() throws IOException {
        ReservationStore store = new TestServer.MemoryStore();
        try (TestServer server = server(store);
                RawInitiator initiator = port(server, 1)) {
            assertThat(reserveOut(initiator, REGISTER, 0, 0, 1, PERSIST).status()).isZero();
            assertThat(reserveIn(initiator, 2).get(3) & 1).as("PTPL_A").isEqualTo(1);
            assertThat(reserveOut(initiator, REGISTER, 0, 1, 2, 0).status()).isZero();
            assertThat(reserveIn(initiator, 2).get(3) & 1).as("PTPL_A").isZero();
            assertThat(store.load(TestCatalog.unit("disk", 512, false).identifier())).isEmpty();
        }
    }

    /** SPC-4 section 6.16.3: without a registration the key of REGISTER is 0. */
    @Test
    void a_first_registration_with_a_key_is_a_conflict() throws IOException {
        try (TestServer server = server(ReservationStore.NONE);
                RawInitiator initiator = port(server, 1)) {
            assertThat(reserveOut(initiator, REGISTER, 0, 7, 1, 0).status()).isEqualTo(CONFLICT);
            assertThat(reserveIn(initiator, 0).getInt(4)).as("keys").isZero();
        }
    }

    /** SPC-4 section 5.13.11: each end of another's rights has a name of its own. */
    @Test
    void a_release_and_a_clear_are_told_to_the_other_registrants() throws IOException {
        try (TestServer server = server(ReservationStore.NONE);
                RawInitiator holder = port(server, 1);
                RawInitiator other = port(server, 2)) {
            reserveOut(holder, REGISTER, 0, 0, 1, 0);
            reserveOut(other, REGISTER, 0, 0, 2, 0);
            reserveOut(holder, RESERVE, WRITE_EXCLUSIVE_REGISTRANTS, 1, 0, 0);
            reserveOut(holder, RELEASE, WRITE_EXCLUSIVE_REGISTRANTS, 1, 0, 0);
            assertThat(write(other).sense()).isEqualTo("6/2a04");
            reserveOut(holder, CLEAR, 0, 1, 0, 0);
            assertThat(write(other).sense()).isEqualTo("6/2a03");
            assertThat(write(other).status()).isZero();
            assertThat(write(holder).status()).as("who did it is not told").isZero();
        }
    }

    private static int simple(RawInitiator initiator, String cdb) throws IOException {
        initiator.send(initiator.command(cdb, 0, 0));
        return initiator.receive().status();
    }

    @Test
    void a_reserve_and_a_registration_exclude_each_other() throws IOException {
        try (TestServer server = server(ReservationStore.NONE);
                RawInitiator one = port(server, 1);
                RawInitiator two = port(server, 2)) {
            reserveOut(one, REGISTER, 0, 0, 1, 0);
            assertThat(simple(two, "160000000000")).isEqualTo(CONFLICT);
            assertThat(simple(one, "160000000000")).isEqualTo(CONFLICT);
            reserveOut(one, REGISTER, 0, 1, 0, 0);
            assertThat(simple(two, "160000000000")).isZero();
            assertThat(reserveOut(one, REGISTER, 0, 0, 1, 0).status()).isEqualTo(CONFLICT);
        }
    }

    @Test
    void a_reserve_is_not_released_by_another_but_by_a_reset() throws IOException {
        try (TestServer server = server(ReservationStore.NONE);
                RawInitiator holder = port(server, 1);
                RawInitiator other = port(server, 2)) {
            assertThat(simple(holder, "160000000000")).isZero();
            assertThat(simple(other, "170000000000")).as("RELEASE").isZero();
            assertThat(write(other).status()).isEqualTo(CONFLICT);
            other.send(
                    Header.of(Opcode.TASK_MANAGEMENT | 0x40, Header.FINAL | UNIT_RESET)
                            .setInt(16, 0x5000)
                            .setInt(20, Header.RESERVED_TAG));
            assertThat(other.receive().opcode()).isEqualTo(Opcode.TASK_MANAGEMENT_RESPONSE);
            assertThat(write(other).sense()).isEqualTo("6/2903");
            assertThat(write(other).status()).isZero();
        }
    }

    @Test
    void a_reserve_keeps_others_out_until_its_session_ends() throws IOException {
        try (TestServer server = server(ReservationStore.NONE);
                RawInitiator other = port(server, 2)) {
            try (RawInitiator holder = port(server, 1)) {
                holder.send(holder.command("160000000000", 0, 0));
                assertThat(holder.receive().status()).isZero();
                assertThat(write(other).status()).isEqualTo(CONFLICT);
            }
            TestServer.await("the session is gone", () -> server.catalog.open.get() == 1);
            assertThat(write(other).status()).isZero();
        }
    }
}
