package dev.tidemark.iscsi;

import static dev.tidemark.iscsi.RawInitiator.login;
import static dev.tidemark.iscsi.RawInitiator.names;
import static dev.tidemark.iscsi.RawInitiator.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.ChapCredentials;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.ReservationStore;
import dev.tidemark.iscsi.target.TargetAccess;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Logins that must not succeed, and what they are told (RFC 7143 sections 6.3 and 11.13.5). */
@Timeout(60)
final class BadLoginTest {
    private final TestCatalog catalog = new TestCatalog().add("disk", new TestDisk(1 << 20));
    private @Nullable TestServer server;

    private TestServer server() throws IOException {
        return server(IscsiLimits.DEFAULT);
    }

    private TestServer server(IscsiLimits limits) throws IOException {
        TestServer running = server;
        if (running == null) {
            running = new TestServer(catalog, limits, ReservationStore.NONE);
            server = running;
        }
        return running;
    }

    @AfterEach
    void stop() {
        TestServer running = server;
        if (running != null) {
            running.close();
        }
    }

    private void expectRefusal(int status, Header header, byte[] text) throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.send(header, text);
            assertThat(initiator.receive().loginStatus()).as("status").isEqualTo(status);
            initiator.expectClosed();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Opcode.NOP_OUT, Opcode.SCSI_COMMAND, Opcode.TEXT, Opcode.DATA_OUT, 0x3f})
    void a_first_pdu_that_is_no_login_closes_the_connection(int opcode) throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.send(Header.of(opcode, Header.FINAL));
            initiator.expectClosed();
        }
        assertThat(server().badInput).hasPositiveValue();
    }

    @Test
    void garbage_closes_the_connection() throws IOException {
        byte[] garbage = new byte[4096];
        Arrays.fill(garbage, (byte) 0xff);
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.raw(garbage);
            initiator.expectClosed();
        }
    }

    @Test
    void another_pdu_within_a_login_is_refused_with_020b() throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.send(login(false, 1, 0), text(names("disk")));
            assertThat(initiator.receive().loginStatus()).isZero();
            initiator.send(Header.of(Opcode.SCSI_COMMAND, Header.FINAL));
            assertThat(initiator.receive().loginStatus()).isEqualTo(0x020b);
            initiator.expectClosed();
        }
    }

    @Test
    void a_slow_login_is_dropped_and_does_not_hold_up_others() throws IOException {
        TestServer quick = server(IscsiLimits.DEFAULT.withClocks(2000, 0, 1000));
        try (RawInitiator slow = new RawInitiator(quick.address);
                RawInitiator prompt = new RawInitiator(quick.address)) {
            slow.raw((byte) 0x43, (byte) 0x87);
            prompt.loggedIn("disk");
            slow.expectClosed();
            prompt.expectAlive();
        }
    }

    @Test
    void two_hundred_silent_connections_do_not_keep_a_login_out() throws IOException {
        List<RawInitiator> silent = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            silent.add(new RawInitiator(server().address));
        }
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.loggedIn("disk").expectAlive();
        }
        for (RawInitiator each : silent) {
            each.close();
        }
    }

    @Test
    void connections_past_the_limit_of_an_address_are_closed_at_once() throws IOException {
        TestServer small = server(IscsiLimits.DEFAULT.withConnections(100, 100, 2));
        try (RawInitiator first = new RawInitiator(small.address);
                RawInitiator second = new RawInitiator(small.address)) {
            first.send(login(false, 1, 0), text(names("disk")));
            second.send(login(false, 1, 0), text(names("disk")));
            first.receive();
            second.receive();
            try (RawInitiator third = new RawInitiator(small.address)) {
                third.expectClosed();
            }
            first.send(login(true, 1, 3));
            assertThat(first.receive().loginStatus()).isZero();
            try (RawInitiator fourth = new RawInitiator(small.address)) {
                fourth.send(login(false, 1, 0), text(names("disk")));
                assertThat(fourth.receive().loginStatus()).isZero();
            }
        }
    }

    @Test
    void a_data_segment_of_16_mib_in_a_login_closes_the_connection_unread() throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.sendClaiming(login(true, 1, 3), (1 << 24) - 1, new byte[0]);
            initiator.expectClosed();
        }
    }

    @Test
    void a_flood_of_continued_login_pdus_is_refused() throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            byte[] part = new byte[2048];
            Arrays.fill(part, (byte) 'a');
            RawInitiator.Answer answer;
            int sent = 0;
            do {
                initiator.send(Header.of(Opcode.LOGIN | 0x40, Header.CONTINUE | 0x04), part);
                answer = initiator.receive();
                sent++;
            } while (answer.loginStatus() == 0 && sent < 400);
            assertThat(answer.loginStatus()).isEqualTo(0x0200);
            assertThat(sent).isLessThanOrEqualTo(17);
            initiator.expectClosed();
        }
    }

    @Test
    void more_than_64_keys_are_refused() throws IOException {
        String[] keys = new String[65];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = "X-key" + i + "=1";
        }
        expectRefusal(0x0200, login(true, 1, 3), text(keys));
    }

    @Test
    void a_missing_initiator_name_is_0207() throws IOException {
        expectRefusal(0x0207, login(true, 1, 3), text("TargetName=" + TestCatalog.PREFIX + "disk"));
    }

    @Test
    void a_missing_target_name_is_0207() throws IOException {
        expectRefusal(0x0207, login(true, 1, 3), text("InitiatorName=" + RawInitiator.NAME));
    }

    @Test
    void an_unknown_target_is_0203() throws IOException {
        expectRefusal(0x0203, login(true, 1, 3), text(names("nothing")));
    }

    @Test
    void an_initiator_that_is_not_allowed_is_0202() throws IOException {
        catalog.answer("disk", new TargetAccess.Denied());
        expectRefusal(0x0202, login(true, 1, 3), text(names("disk")));
    }

    @Test
    void a_target_that_is_elsewhere_says_where() throws IOException {
        catalog.answer("disk", new TargetAccess.Redirected("192.0.2.1:3260,1", false));
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.send(login(true, 1, 3), text(names("disk")));
            RawInitiator.Answer answer = initiator.receive();
            assertThat(answer.loginStatus()).isEqualTo(0x0101);
            assertThat(answer.text()).contains("TargetAddress=192.0.2.1:3260,1");
        }
    }

    @Test
    void an_unknown_session_handle_is_020a() throws IOException {
        expectRefusal(0x020a, login(true, 1, 3).setShort(14, 77), text(names("disk")));
    }

    @Test
    void an_unknown_version_is_0205() throws IOException {
        expectRefusal(0x0205, login(true, 1, 3).set(2, 2).set(3, 1), text(names("disk")));
    }

    @Test
    void an_unknown_session_type_is_0209() throws IOException {
        expectRefusal(
                0x0209,
                login(true, 1, 3),
                text("InitiatorName=" + RawInitiator.NAME, "SessionType=Odd"));
    }

    @Test
    void transit_and_continue_together_are_refused() throws IOException {
        Header both = login(true, 1, 3);
        expectRefusal(0x0200, both.set(1, both.flags() | Header.CONTINUE), text(names("disk")));
    }

    @ParameterizedTest
    @ValueSource(ints = {0x8b, 0x86, 0x85, 0x84, 0x08, 0x0c})
    void stages_that_do_not_exist_or_go_back_are_refused(int flags) throws IOException {
        expectRefusal(0x0200, login(true, 1, 3).set(1, flags), text(names("disk")));
    }

    /** RFC 7143 section 6.3.1. */
    @ParameterizedTest
    @ValueSource(ints = {8, 20})
    void a_login_that_goes_on_as_another_session_or_connection_is_refused(int field)
            throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            initiator.send(login(false, 1, 0), text(names("disk")));
            assertThat(initiator.receive().loginStatus()).isZero();
            initiator.send(login(true, 1, 3).setShort(field, 0x4001));
            assertThat(initiator.receive().loginStatus()).isEqualTo(0x0200);
            initiator.expectClosed();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "MaxBurstLength=511",
                "MaxBurstLength=16777216",
                "MaxBurstLength=many",
                "MaxRecvDataSegmentLength=99999999999999999999",
                "InitialR2T=Perhaps",
                "ErrorRecoveryLevel=3",
                "nokey",
                "=novalue",
                "InitiatorName=" + RawInitiator.NAME,
            })
    void a_pair_that_makes_no_sense_is_0200(String pair) throws IOException {
        List<String> pairs = new ArrayList<>(List.of(names("disk")));
        pairs.add(pair);
        expectRefusal(0x0200, login(true, 1, 3), text(pairs.toArray(String[]::new)));
    }

    @Test
    void a_key_that_is_not_understood_is_answered_so() throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            List<String> pairs = new ArrayList<>(List.of(names("disk")));
            pairs.add("X-com.example.odd=%s%n%n%n");
            pairs.add("HeaderDigest=Odd");
            initiator.send(login(true, 1, 3), text(pairs.toArray(String[]::new)));
            RawInitiator.Answer answer = initiator.receive();
            assertThat(answer.loginStatus()).isZero();
            assertThat(answer.text())
                    .contains("X-com.example.odd=NotUnderstood")
                    .contains("HeaderDigest=Reject");
        }
    }

    // ---- CHAP

    private void requireChap() {
        catalog.authentication(
                new Authentication(
                        List.of(new ChapCredentials("host", "a secret of the host")), null));
    }

    @Test
    void a_login_that_skips_authentication_is_0201() throws IOException {
        requireChap();
        expectRefusal(0x0201, login(true, 1, 3), text(names("disk")));
    }

    @Test
    void a_login_that_offers_no_authentication_is_0201() throws IOException {
        requireChap();
        String[] names = names("disk");
        expectRefusal(
                0x0201, login(true, 0, 1), text(names[0], names[1], names[2], "AuthMethod=None"));
    }

    @Test
    void discovery_without_authentication_is_0201() throws IOException {
        requireChap();
        expectRefusal(
                0x0201,
                login(true, 1, 3),
                text("InitiatorName=" + RawInitiator.NAME, "SessionType=Discovery"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CHAP_N=host|CHAP_R=0x00112233445566778899aabbccddeeff",
                "CHAP_N=host|CHAP_R=0x",
                "CHAP_N=host|CHAP_R=",
                "CHAP_N=host|CHAP_R=0xzz",
                "CHAP_N=host|CHAP_R=0b!!!!",
                "CHAP_N=nobody|CHAP_R=0x00112233445566778899aabbccddeeff",
                "CHAP_N=host",
                "CHAP_R=0x00",
            })
    void a_wrong_chap_response_is_0201(String pairs) throws IOException {
        requireChap();
        expectChapRefusal(pairs.split("\\|", -1));
    }

    @Test
    void a_chap_response_of_two_thousand_bytes_is_0201() throws IOException {
        requireChap();
        expectChapRefusal("CHAP_N=host", "CHAP_R=0x" + "00".repeat(2000));
        expectChapRefusal("CHAP_N=host", "CHAP_R=0b" + "AAAA".repeat(700));
    }

    private void expectChapRefusal(String... pairs) throws IOException {
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            challenged(initiator, "5");
            initiator.send(login(true, 0, 1), text(pairs));
            assertThat(initiator.receive().loginStatus()).isEqualTo(0x0201);
            initiator.expectClosed();
        }
    }

    @Test
    void an_unknown_chap_algorithm_is_0201() throws IOException {
        requireChap();
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            String[] names = names("disk");
            initiator.send(
                    login(false, 0, 0), text(names[0], names[1], names[2], "AuthMethod=CHAP"));
            assertThat(initiator.receive().text()).contains("AuthMethod=CHAP");
            initiator.send(login(false, 0, 0), text("CHAP_A=4,99"));
            assertThat(initiator.receive().loginStatus()).isEqualTo(0x0201);
        }
    }

    @Test
    void our_own_challenge_sent_back_is_0201() throws IOException {
        catalog.authentication(
                new Authentication(
                        List.of(new ChapCredentials("host", "a secret of the host")),
                        new ChapCredentials("target", "the secret of the target")));
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            ChapAnswer challenge = challenged(initiator, "7");
            initiator.send(
                    login(true, 0, 1),
                    text(
                            "CHAP_N=host",
                            "CHAP_R=" + challenge.respond("SHA-256", "a secret of the host"),
                            "CHAP_I=1",
                            "CHAP_C=" + challenge.challenge()));
            assertThat(initiator.receive().loginStatus()).isEqualTo(0x0201);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"5 MD5", "6 SHA-1", "7 SHA-256", "8 SHA3-256"})
    void the_right_response_is_let_in_and_the_target_proves_itself(String algorithm)
            throws Exception {
        catalog.authentication(
                new Authentication(
                        List.of(new ChapCredentials("host", "a secret of the host")),
                        new ChapCredentials("target", "the secret of the target")));
        String[] parts = algorithm.split(" ", -1);
        try (RawInitiator initiator = new RawInitiator(server().address)) {
            ChapAnswer challenge = challenged(initiator, parts[0]);
            String mine = "0x000102030405060708090a0b0c0d0e0f";
            initiator.send(
                    login(true, 0, 1),
                    text(
                            "CHAP_N=host",
                            "CHAP_R=" + challenge.respond(parts[1], "a secret of the host"),
                            "CHAP_I=9",
                            "CHAP_C=" + mine));
            RawInitiator.Answer answer = initiator.receive();
            assertThat(answer.loginStatus()).isZero();
            String proof = new ChapAnswer(9, mine).respond(parts[1], "the secret of the target");
            assertThat(answer.text()).contains("CHAP_N=target", "CHAP_R=" + proof);
            initiator.send(login(true, 1, 3));
            assertThat(initiator.receive().loginStatus()).isZero();
            initiator.expectAlive();
        }
    }

    private ChapAnswer challenged(RawInitiator initiator, String algorithms) throws IOException {
        String[] names = names("disk");
        initiator.send(
                login(false, 0, 0), text(names[0], names[1], names[2], "AuthMethod=CHAP,None"));
        assertThat(initiator.receive().text()).contains("AuthMethod=CHAP\n");
        initiator.send(login(false, 0, 0), text("CHAP_A=" + algorithms));
        return ChapAnswer.parse(initiator.receive().text());
    }
}
