package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.ReservationStore;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a session is told of, and how it ends. */
@Timeout(60)
final class SessionTest {
    private static final int LOGIN_MS = 20_000;
    private static final int LOGOUT_REQUEST = 1;

    private final TestDisk disk = new TestDisk(4 << 20);

    private TestServer server(IscsiLimits limits) throws IOException {
        return new TestServer(new TestCatalog().add("disk", disk), limits, ReservationStore.NONE);
    }

    private static RawInitiator.Answer testUnitReady(RawInitiator initiator) throws IOException {
        initiator.send(initiator.command("000000000000", 0, 0));
        return initiator.receive();
    }

    private static Header ping(RawInitiator initiator) throws IOException {
        Header ping = initiator.receive().header();
        assertThat(ping.opcode()).isEqualTo(Opcode.NOP_IN);
        assertThat(ping.initiatorTaskTag()).isEqualTo(Header.RESERVED_TAG);
        assertThat(ping.intAt(20)).as("target transfer tag").isNotEqualTo(Header.RESERVED_TAG);
        return ping;
    }

    @Test
    void a_silent_initiator_that_answers_pings_stays() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT.withClocks(LOGIN_MS, 50, LOGIN_MS));
                RawInitiator initiator = new RawInitiator(server.address).loggedIn("disk")) {
            for (int i = 0; i < 3; i++) {
                Header ping = ping(initiator);
                initiator.send(
                        Header.of(Opcode.NOP_OUT | 0x40, Header.FINAL)
                                .setInt(16, Header.RESERVED_TAG)
                                .setInt(20, ping.intAt(20)));
            }
        }
    }

    @Test
    void a_silent_initiator_that_answers_no_ping_is_dropped() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT.withClocks(LOGIN_MS, 50, 50));
                RawInitiator initiator = new RawInitiator(server.address).loggedIn("disk")) {
            ping(initiator);
            initiator.expectClosed();
        }
    }

    @Test
    void a_disk_that_grew_is_told_once_and_to_every_session() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT);
                RawInitiator first = new RawInitiator(server.address).fromPort(1).ready("disk");
                RawInitiator second = new RawInitiator(server.address).fromPort(2).ready("disk")) {
            disk.grow(8 << 20);
            for (RawInitiator each : new RawInitiator[] {first, second}) {
                assertThat(testUnitReady(each).sense()).isEqualTo("6/2a09");
                assertThat(testUnitReady(each).status()).isZero();
                each.send(each.read10((8 << 20) / 512 - 1, 1));
                assertThat(each.receive().status()).as("the new last block").isZero();
            }
        }
    }

    @Test
    void a_changed_list_of_units_is_told() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT);
                RawInitiator initiator = new RawInitiator(server.address).ready("disk")) {
            server.server.unitsChanged(TestCatalog.PREFIX + "disk");
            TestServer.await(
                    "it is told",
                    () -> {
                        try {
                            return testUnitReady(initiator).sense().equals("6/3f0e");
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    });
            assertThat(testUnitReady(initiator).status()).isZero();
        }
    }

    /** A session that is told of two changes of its list of units. */
    private RawInitiator afterChanges(TestServer server) throws IOException {
        RawInitiator initiator = new RawInitiator(server.address).ready("disk");
        server.server.unitsChanged(TestCatalog.PREFIX + "disk");
        server.server.unitsChanged(TestCatalog.PREFIX + "disk");
        initiator.expectAlive(); // on the session's own thread, after the changes
        return initiator;
    }

    @Test
    void what_happened_twice_is_told_once() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT);
                RawInitiator initiator = afterChanges(server)) {
            assertThat(testUnitReady(initiator).sense()).isEqualTo("6/3f0e");
            assertThat(testUnitReady(initiator).status()).isZero();
        }
    }

    /** SPC-4 section 6.33. */
    @Test
    void one_that_reads_the_list_of_units_need_not_be_told_that_it_changed() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT);
                RawInitiator initiator = afterChanges(server)) {
            initiator.send(initiator.command("a00000000000000001000000", RawInitiator.READ, 256));
            assertThat(initiator.receive().status()).isZero();
            assertThat(testUnitReady(initiator).status()).isZero();
        }
    }

    /** SPC-4 section 6.6. */
    @Test
    void an_inquiry_leaves_what_is_to_be_told() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT);
                RawInitiator initiator = new RawInitiator(server.address).loggedIn("disk")) {
            initiator.send(initiator.command("120000006000", RawInitiator.READ, 96));
            assertThat(initiator.receive().opcode()).isEqualTo(Opcode.DATA_IN);
            assertThat(testUnitReady(initiator).sense()).isEqualTo("6/2900");
        }
    }

    @Test
    void a_target_has_no_more_sessions_than_the_limit() throws IOException {
        IscsiLimits two =
                new IscsiLimits(
                        LOGIN_MS, 16, 16, 16, 2, 16, 1 << 20, 1 << 20, 8192, 8192, 8192, 1, 0,
                        LOGIN_MS);
        try (TestServer server = server(two);
                RawInitiator first = new RawInitiator(server.address).fromPort(1).ready("disk");
                RawInitiator second = new RawInitiator(server.address).fromPort(2).ready("disk");
                RawInitiator third = new RawInitiator(server.address)) {
            third.send(
                    RawInitiator.login(true, 1, 3), RawInitiator.text(RawInitiator.names("disk")));
            assertThat(third.receive().loginStatus()).isEqualTo(0x0302);
            first.expectAlive();
            second.expectAlive();
        }
    }

    @Test
    void a_logout_is_answered_and_then_the_connection_closed() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT);
                RawInitiator initiator = new RawInitiator(server.address).ready("disk")) {
            initiator.send(Header.of(Opcode.LOGOUT | 0x40, Header.FINAL).setInt(16, 9));
            RawInitiator.Answer answer = initiator.receive();
            assertThat(answer.opcode()).isEqualTo(Opcode.LOGOUT_RESPONSE);
            assertThat(answer.header().at(2)).as("response").isZero();
            initiator.expectClosed();
            TestServer.await("the target is given back", () -> server.catalog.open.get() == 0);
        }
    }

    @Test
    void a_server_that_stops_asks_for_a_logout_and_finishes_writes() throws IOException {
        try (TestServer server = server(IscsiLimits.DEFAULT);
                RawInitiator initiator = new RawInitiator(server.address).ready("disk")) {
            disk.hold();
            initiator.send(initiator.write10(0, 1), new byte[512]);
            TestServer.await("the write waits", () -> disk.heldCount() == 1);
            CompletableFuture<Void> stopped = server.server.stop(Duration.ofSeconds(20));
            RawInitiator.Answer asked = initiator.receive();
            assertThat(asked.opcode()).isEqualTo(Opcode.ASYNC_MESSAGE);
            assertThat(asked.header().at(36)).isEqualTo(LOGOUT_REQUEST);
            assertThat(stopped).as("while a write is at work").isNotDone();
            assertThat(server.catalog.open).hasValue(1);
            disk.release();
            stopped.join();
            assertThat(server.catalog.open).hasValue(0);
        }
    }
}
