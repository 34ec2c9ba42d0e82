package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SANITIZE that goes on after its answer. */
@Timeout(60)
final class SanitizeTest {
    /** BLOCK ERASE with IMMED. */
    private static final String ERASE = "48820000000000000000";

    private static final String IN_PROGRESS = "2/041b";

    private final TestDisk disk = new TestDisk(4 << 20);
    private final TestCatalog catalog = new TestCatalog().add("disk", disk);
    private TestServer server;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer(catalog);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static RawInitiator.Answer ready(RawInitiator initiator) throws IOException {
        initiator.send(initiator.command("000000000000", 0, 0));
        return initiator.receive();
    }

    private void erase(RawInitiator initiator) throws IOException {
        disk.hold();
        initiator.send(initiator.command(ERASE, 0, 0));
        assertThat(initiator.receive().status()).isZero();
        TestServer.await("the disk is being erased", () -> disk.heldCount() == 1);
    }

    @Test
    void other_commands_are_refused_until_it_has_ended() throws IOException {
        disk.fill(0, new byte[] {1, 2, 3});
        try (RawInitiator initiator = new RawInitiator(server.address).ready("disk")) {
            erase(initiator);
            assertThat(ready(initiator).sense()).isEqualTo(IN_PROGRESS);
            initiator.send(initiator.write10(0, 1), new byte[512]);
            assertThat(initiator.receive().sense()).isEqualTo(IN_PROGRESS);
            disk.release();
            assertThat(ready(initiator).status()).isZero();
        }
        assertThat(disk.content(0, 3)).containsOnly(0);
        assertThat(disk.writes).hasValue(0);
    }

    /** Task management functions: abort task, abort task set, LUN reset, target warm reset. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 6})
    void an_abort_is_answered_while_it_goes_on(int function) throws IOException {
        disk.fill(0, new byte[] {1, 2, 3});
        try (RawInitiator initiator = new RawInitiator(server.address).ready("disk")) {
            disk.hold();
            Header erase = initiator.command("48020000000000000000", 0, 0);
            initiator.send(erase);
            TestServer.await("the disk is being erased", () -> disk.heldCount() == 1);
            initiator.send(
                    Header.of(Opcode.TASK_MANAGEMENT | 0x40, Header.FINAL | function)
                            .setInt(16, 7)
                            .setInt(20, erase.initiatorTaskTag())
                            .setInt(32, erase.intAt(24)));
            RawInitiator.Answer answer = initiator.receive();
            assertThat(answer.opcode()).isEqualTo(Opcode.TASK_MANAGEMENT_RESPONSE);
            assertThat(answer.header().at(2)).as("response").isZero();
            if (function >= 5) {
                assertThat(ready(initiator).sense()).isEqualTo("6/2903");
            }
            assertThat(ready(initiator).sense()).isEqualTo(IN_PROGRESS);
            disk.release();
            assertThat(ready(initiator).status()).isZero();
        }
        assertThat(disk.content(0, 3)).containsOnly(0);
    }

    @Test
    void a_logout_is_answered_while_it_goes_on() throws IOException {
        try (RawInitiator initiator = new RawInitiator(server.address).ready("disk")) {
            disk.hold();
            initiator.send(initiator.command("48020000000000000000", 0, 0));
            TestServer.await("the disk is being erased", () -> disk.heldCount() == 1);
            initiator.send(Header.of(Opcode.LOGOUT | 0x40, Header.FINAL).setInt(16, 9));
            assertThat(initiator.receive().opcode()).isEqualTo(Opcode.LOGOUT_RESPONSE);
            initiator.expectClosed();
            assertThat(catalog.open).as("targets that are held").hasValue(1);
            disk.release();
            TestServer.await("the target is given back", () -> catalog.open.get() == 0);
        }
    }

    @Test
    void the_target_is_given_back_only_after_it_has_ended() throws IOException {
        AtomicInteger unfinished = new AtomicInteger(-1);
        catalog.whenClosed = () -> unfinished.set(disk.heldCount());
        try (RawInitiator initiator = new RawInitiator(server.address).ready("disk")) {
            erase(initiator);
        }
        TestServer.await("the connection is gone", () -> server.closedConnections.get() == 1);
        try (RawInitiator other = new RawInitiator(server.address).fromPort(2).ready("disk")) {
            assertThat(ready(other).sense()).isEqualTo(IN_PROGRESS);
            disk.release();
            TestServer.await("the first session is gone", () -> catalog.open.get() == 1);
            assertThat(unfinished).as("requests when the target was given back").hasValue(0);
            assertThat(ready(other).status()).isZero();
        }
    }
}
