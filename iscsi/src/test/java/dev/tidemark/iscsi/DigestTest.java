package dev.tidemark.iscsi;

import static dev.tidemark.iscsi.RawInitiator.dataOut;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A session with CRC32C over headers and data, and what a digest that does not match brings. */
@Timeout(60)
final class DigestTest {
    private static final int DATA_DIGEST_ERROR = 2;
    private static final int PROTOCOL_ERROR = 4;

    private final TestDisk disk = new TestDisk(4 << 20);
    private TestServer server;
    private RawInitiator initiator;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer(new TestCatalog().add("disk", disk));
        initiator =
                new RawInitiator(server.address)
                        .ready(
                                "disk",
                                "HeaderDigest=None,CRC32C",
                                "DataDigest=None,CRC32C",
                                "InitialR2T=Yes",
                                "ImmediateData=Yes");
    }

    @AfterEach
    void stop() throws IOException {
        initiator.close();
        server.close();
    }

    private static byte[] random(int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        new Random(lengthBytes).nextBytes(bytes);
        return bytes;
    }

    private void expectDigestError() throws IOException {
        assertThat(initiator.receive().rejectReason()).isEqualTo(DATA_DIGEST_ERROR);
        RawInitiator.Answer answer = initiator.receive();
        assertThat(answer.status()).isEqualTo(2);
        assertThat(answer.sense()).isEqualTo("b/4705");
        assertThat(disk.writes).hasValue(0);
    }

    @Test
    void data_with_digests_is_written_and_read_back() throws IOException {
        byte[] data = random(512);
        initiator.send(initiator.write10(3, 1), data);
        assertThat(initiator.receive().status()).isZero();
        initiator.send(initiator.read10(3, 1));
        assertThat(initiator.receive().data()).isEqualTo(data);
    }

    @Test
    void segments_of_any_length_are_padded_for_their_digest() throws IOException {
        for (int lengthBytes = 1; lengthBytes < 10; lengthBytes++) {
            byte[] data = random(lengthBytes);
            initiator.send(
                    Header.of(Opcode.NOP_OUT | 0x40, Header.FINAL)
                            .setInt(16, lengthBytes)
                            .setInt(20, Header.RESERVED_TAG),
                    data);
            assertThat(initiator.receive().data()).isEqualTo(data);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 0x80, 0x0100_0000, 0x8000_0000})
    void immediate_data_whose_digest_is_wrong_fails_its_command_alone(int turned)
            throws IOException {
        initiator.spoilDigests(0, turned);
        initiator.send(initiator.write10(0, 1), random(512));
        expectDigestError();
        initiator.spoilDigests(0, 0);
        initiator.send(initiator.write10(0, 1), random(512));
        assertThat(initiator.receive().status()).as("the next command").isZero();
    }

    @Test
    void asked_for_data_whose_digest_is_wrong_fails_its_command_alone() throws IOException {
        initiator.send(initiator.write10(0, 8));
        RawInitiator.Answer r2t = initiator.receive();
        assertThat(r2t.opcode()).isEqualTo(Opcode.R2T);
        initiator.spoilDigests(0, 1);
        initiator.send(
                dataOut(r2t.header().initiatorTaskTag(), r2t.header().intAt(20), 0, 0),
                random(4096));
        expectDigestError();
        initiator.spoilDigests(0, 0);
        initiator.expectAlive();
    }

    @Test
    void a_ping_whose_digest_is_wrong_is_rejected() throws IOException {
        initiator.spoilDigests(0, 1);
        initiator.send(
                Header.of(Opcode.NOP_OUT | 0x40, Header.FINAL)
                        .setInt(16, 7)
                        .setInt(20, Header.RESERVED_TAG),
                random(8));
        assertThat(initiator.receive().rejectReason()).isEqualTo(DATA_DIGEST_ERROR);
        initiator.spoilDigests(0, 0);
        initiator.expectAlive();
    }

    @Test
    void a_header_whose_digest_is_wrong_ends_the_connection() throws IOException {
        initiator.spoilDigests(1, 0);
        initiator.send(initiator.write10(0, 1), random(512));
        assertThat(initiator.receive().rejectReason()).isEqualTo(PROTOCOL_ERROR);
        initiator.expectClosed();
        assertThat(disk.writes).hasValue(0);
    }
}
