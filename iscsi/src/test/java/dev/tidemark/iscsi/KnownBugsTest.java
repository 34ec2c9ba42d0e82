package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.ChapCredentials;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What has broken other targets: one case for each class of published holes and crashes. */
@Timeout(60)
final class KnownBugsTest {
    private static final int DISK_BYTES = 1 << 20;

    private final TestDisk disk = new TestDisk(DISK_BYTES);
    private final TestCatalog catalog = new TestCatalog().add("disk", disk);
    private @Nullable TestServer server;

    /** The server starts with the first connection, once the catalogue is filled. */
    private RawInitiator connect() throws IOException {
        TestServer running = server;
        if (running == null) {
            running = new TestServer(catalog);
            server = running;
        }
        return new RawInitiator(running.address);
    }

    @AfterEach
    void stop() {
        TestServer running = server;
        if (running != null) {
            running.close();
        }
    }

    private static RawInitiator.Answer login(RawInitiator initiator, String... pairs)
            throws IOException {
        initiator.send(RawInitiator.login(true, 1, 3), RawInitiator.text(pairs));
        return initiator.receive();
    }

    // ---- text before login: overflows of keys and of the list of targets

    @Test
    void unknown_keys_as_long_as_they_may_be_are_answered_in_full() throws IOException {
        String[] names = RawInitiator.names("disk");
        String[] pairs = Arrays.copyOf(names, names.length + 40);
        for (int i = names.length; i < pairs.length; i++) {
            pairs[i] = "X-" + "k".repeat(58) + "%03d".formatted(i) + "=" + "v".repeat(100);
        }
        try (RawInitiator initiator = connect()) {
            RawInitiator.Answer answer = login(initiator, pairs);
            assertThat(answer.loginStatus()).isZero();
            assertThat(answer.text().split("=NotUnderstood\n", -1)).hasSizeGreaterThan(40);
            initiator.expectAlive();
        }
    }

    @Test
    void a_key_longer_than_63_bytes_is_0200() throws IOException {
        String[] names = RawInitiator.names("disk");
        try (RawInitiator initiator = connect()) {
            String odd = "k".repeat(64) + "=1";
            assertThat(login(initiator, names[0], names[1], names[2], odd).loginStatus())
                    .isEqualTo(0x0200);
        }
    }

    @Test
    void a_thousand_targets_are_listed_in_as_many_pdus_as_it_takes() throws IOException {
        for (int i = 0; i < 1000; i++) {
            catalog.add("t" + i, disk);
        }
        try (RawInitiator initiator = connect()) {
            login(
                    initiator,
                    "InitiatorName=" + RawInitiator.NAME,
                    "SessionType=Discovery",
                    "MaxRecvDataSegmentLength=512");
            StringBuilder list = new StringBuilder();
            int transferTag = Header.RESERVED_TAG;
            int pdus = 0;
            do {
                initiator.send(
                        Header.of(Opcode.TEXT | 0x40, Header.FINAL)
                                .setInt(16, 5)
                                .setInt(20, transferTag)
                                .setInt(24, 1),
                        pdus == 0 ? RawInitiator.text("SendTargets=All") : new byte[0]);
                RawInitiator.Answer part = initiator.receive();
                assertThat(part.data()).hasSizeLessThanOrEqualTo(512);
                list.append(part.text());
                transferTag = part.header().intAt(20);
                pdus++;
            } while (transferTag != Header.RESERVED_TAG);
            assertThat(pdus).isGreaterThan(100);
            assertThat(list.toString().split("TargetName=", -1)).hasSize(1002);
            assertThat(list).contains("TargetName=" + TestCatalog.PREFIX + "t999\n");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"iqn.2026-11.a:\u001b[31m", "iqn.2026-11.a: b", "x", "iqn.2026-11.a:\n"})
    void a_name_that_could_do_harm_where_it_is_printed_is_0200(String name) throws IOException {
        try (RawInitiator initiator = connect()) {
            String target = "TargetName=" + TestCatalog.PREFIX + "disk";
            assertThat(login(initiator, "InitiatorName=" + name, target).loginStatus())
                    .isEqualTo(0x0200);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Header.CONTINUE, Header.FINAL})
    void a_text_without_data_is_answered(int flags) throws IOException {
        try (RawInitiator initiator = connect().loggedIn("disk")) {
            initiator.send(
                    Header.of(Opcode.TEXT | 0x40, flags)
                            .setInt(16, 5)
                            .setInt(20, Header.RESERVED_TAG)
                            .setInt(24, 1));
            assertThat(initiator.receive().opcode()).isEqualTo(Opcode.TEXT_RESPONSE);
            initiator.expectAlive();
        }
    }

    // ---- CHAP

    private ChapAnswer challenged(RawInitiator initiator) throws IOException {
        String[] names = RawInitiator.names("disk");
        Header request = RawInitiator.login(false, 0, 0);
        initiator.send(request, RawInitiator.text(names[0], names[1], names[2], "AuthMethod=CHAP"));
        initiator.receive();
        initiator.send(RawInitiator.login(false, 0, 0), RawInitiator.text("CHAP_A=7"));
        return ChapAnswer.parse(initiator.receive().text());
    }

    private void requireChap(String name) {
        catalog.authentication(
                new Authentication(
                        List.of(new ChapCredentials(name, "a secret of the host")),
                        new ChapCredentials("target", "the secret of the target")));
    }

    @Test
    void no_challenge_comes_twice() throws IOException {
        requireChap("host");
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            try (RawInitiator initiator = connect()) {
                assertThat(seen.add(challenged(initiator).challenge())).isTrue();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0xab", "0bAAAA"})
    void a_name_that_looks_like_a_number_is_a_name(String name) throws IOException {
        requireChap(name);
        try (RawInitiator initiator = connect()) {
            String right = challenged(initiator).respond("SHA-256", "a secret of the host");
            initiator.send(
                    RawInitiator.login(true, 0, 1),
                    RawInitiator.text("CHAP_N=" + name, "CHAP_R=" + right));
            assertThat(initiator.receive().loginStatus()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"256", "-1", "99999999999", "x"})
    void an_identifier_of_more_than_a_byte_is_0201(String identifier) throws IOException {
        requireChap("host");
        try (RawInitiator initiator = connect()) {
            String right = challenged(initiator).respond("SHA-256", "a secret of the host");
            initiator.send(
                    RawInitiator.login(true, 0, 1),
                    RawInitiator.text(
                            "CHAP_N=host",
                            "CHAP_R=" + right,
                            "CHAP_I=" + identifier,
                            "CHAP_C=0x000102030405060708090a0b0c0d0e0f"));
            assertThat(initiator.receive().loginStatus()).isEqualTo(0x0201);
        }
    }

    // ---- commands

    /** A copy descriptor that names a disk of a target which the session has not logged in to. */
    @Test
    void a_copy_reaches_no_disk_of_another_target() throws IOException {
        TestDisk foreign = new TestDisk(DISK_BYTES);
        catalog.add("other", foreign);
        foreign.fill(0, new byte[] {1, 2, 3});
        long own = 0x3L << 60 | TestCatalog.unit("disk", 512, false).identifier();
        long other = 0x3L << 60 | TestCatalog.unit("other", 512, false).identifier();
        String format =
                "0100004000000000"
                        + "0000001c00000000" // 64 bytes of targets, 28 of segments
                        + "e400000001030008%016x"
                        + "00".repeat(12)
                        + "00000200"
                        + "e400000001030008%016x"
                        + "00".repeat(12)
                        + "00000200"
                        + "0200001800000001"
                        + "00000001"
                        + "00".repeat(16);
        try (RawInitiator initiator = connect().ready("disk")) {
            for (long[] pair : new long[][] {{own, other}, {other, own}, {own, own}}) {
                byte[] list = HexFormat.of().parseHex(format.formatted(pair[0], pair[1]));
                Header copy =
                        initiator.command(
                                "8300000000000000000000%06x0000".formatted(list.length),
                                RawInitiator.WRITE,
                                list.length);
                initiator.send(copy, list);
                RawInitiator.Answer answer = initiator.receive();
                if (pair[0] == pair[1]) {
                    assertThat(answer.status()).as("within the session").isZero();
                } else {
                    assertThat(answer.sense()).isEqualTo("a/0d02");
                }
            }
        }
        assertThat(foreign.reads).hasValue(0);
        assertThat(foreign.writes).hasValue(0);
        assertThat(disk.content(0, 3)).containsOnly(0);
    }

    @Test
    void every_operation_code_and_service_action_can_be_asked_about() throws IOException {
        try (RawInitiator initiator = connect().ready("disk")) {
            for (int options = 0; options < 8; options++) {
                for (int operation = 0; operation < 256; operation++) {
                    for (int action : new int[] {0, 0x1f, 0xffff}) {
                        String cdb =
                                "a30c%02x%02x%04x000000ff0000"
                                        .formatted(options, operation, action);
                        initiator.send(initiator.command(cdb, RawInitiator.READ, 255));
                        RawInitiator.Answer answer = initiator.receive();
                        if (answer.status() != 0) {
                            assertThat(answer.sense()).as(cdb).isEqualTo("5/2400");
                        }
                    }
                }
            }
            initiator.expectAlive();
        }
    }

    @Test
    void a_logout_with_commands_at_work_is_answered_after_them() throws IOException {
        try (RawInitiator initiator = connect().ready("disk")) {
            disk.hold();
            for (int i = 0; i < 4; i++) {
                initiator.send(initiator.read10(0, 8));
                initiator.send(initiator.write10(8, 8), new byte[4096]);
            }
            TestServer.await("all are at work", () -> disk.heldCount() == 8);
            initiator.send(Header.of(Opcode.LOGOUT | 0x40, Header.FINAL).setInt(16, 9));
            initiator.expectAlive(); // the answer to a later ping comes first
            disk.release();
            assertThat(initiator.receive().opcode()).isEqualTo(Opcode.LOGOUT_RESPONSE);
            initiator.expectClosed();
        }
    }
}
