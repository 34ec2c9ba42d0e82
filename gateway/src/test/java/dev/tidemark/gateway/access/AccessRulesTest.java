package dev.tidemark.gateway.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.access.AccessRule.Protocol;
import dev.tidemark.gateway.access.AccessRules.Verdict;
import dev.tidemark.gateway.pki.TestCertificates;
import dev.tidemark.iscsi.target.Initiator;
import dev.tidemark.nbd.NbdClient;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AccessRulesTest {
    @TempDir private Path folder;

    private static NbdClient from(String address, @Nullable X509Certificate certificate) {
        try {
            return new NbdClient(
                    address, InetAddress.getByName(address), certificate != null, certificate);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static NbdClient plain(String address) {
        return from(address, null);
    }

    private static final NbdClient LOCAL = new NbdClient("unix:/s", null, false, null);

    /** The action's word, "tls" or "no". */
    private static String decide(String rules, NbdClient client, String disk) {
        return switch (AccessRules.parse(Protocol.NBD, rules).decide(Client.of(client), disk)) {
            case Verdict.Allowed(Action action) -> action.word();
            case Verdict.Refused(boolean withProof, String why) -> withProof ? "tls" : "no";
        };
    }

    @Test
    void withoutRulesThisMachineAndCertificatesMayDoEverything() {
        X509Certificate web = TestCertificates.client(folder, "web");
        assertThat(decide("", LOCAL, "disk")).isEqualTo("read-write");
        assertThat(decide("", plain("127.0.0.1"), "disk")).isEqualTo("read-write");
        assertThat(decide("", plain("::1"), "disk")).isEqualTo("read-write");
        assertThat(decide("", from("192.0.2.1", web), "disk")).isEqualTo("read-write");
        assertThat(decide("", plain("192.0.2.1"), "disk")).isEqualTo("no");
    }

    @Test
    void theFirstRuleThatFitsDecides() {
        String rules =
                """
                deny db-secret
                read-only db-* address=10.1.0.0/16,192.0.2.7
                points db-* unix
                read-write test.*\
                """;
        assertThat(decide(rules, plain("10.1.255.255"), "db-secret")).isEqualTo("no");
        assertThat(decide(rules, plain("10.1.255.255"), "db-1")).isEqualTo("read-only");
        assertThat(decide(rules, plain("10.2.0.0"), "db-1")).isEqualTo("no");
        assertThat(decide(rules, plain("192.0.2.7"), "db-1")).isEqualTo("read-only");
        assertThat(decide(rules, LOCAL, "db-1@-1m")).isEqualTo("points");
        assertThat(decide(rules, plain("10.2.0.0"), "test.7.db-1")).isEqualTo("read-write");
        assertThat(decide(rules, LOCAL, "other")).isEqualTo("no");
    }

    @Test
    void certificatesAreMatchedByCommonNameSubjectAndAlternativeName() {
        X509Certificate web = TestCertificates.client(folder, "web-1", "web.example.com");
        NbdClient client = from("192.0.2.1", web);
        assertThat(decide("read-write * cn=web-*", client, "d")).isEqualTo("read-write");
        assertThat(decide("read-write * cn=web", client, "d")).isEqualTo("no");
        assertThat(decide("read-write * dn=\"CN=web-?,O=Example Ltd\"", client, "d"))
                .isEqualTo("read-write");
        assertThat(decide("read-write * san=dns:*.example.com", client, "d"))
                .isEqualTo("read-write");
        assertThat(decide("read-write * san=dns:*.example.org", client, "d")).isEqualTo("no");
        assertThat(decide("read-write * cn=web-* address=10.0.0.0/8", client, "d")).isEqualTo("no");
        assertThat(decide("read-write * tls", client, "d")).isEqualTo("read-write");
    }

    @Test
    void aPlainClientIsToldThatTlsMightHelp() {
        String rules = "read-write db cn=app\nread-only web";
        assertThat(decide(rules, plain("192.0.2.1"), "db")).isEqualTo("tls");
        assertThat(decide(rules, plain("192.0.2.1"), "web")).isEqualTo("read-only");
        assertThat(decide("read-write db tls\ndeny db", plain("192.0.2.1"), "db")).isEqualTo("tls");
        assertThat(decide("deny db\nread-write db tls", plain("192.0.2.1"), "db")).isEqualTo("no");
        assertThat(decide("read-write db tls address=10.0.0.0/8", plain("192.0.2.1"), "db"))
                .isEqualTo("no");
        X509Certificate other = TestCertificates.client(folder, "other");
        assertThat(decide(rules, from("192.0.2.1", other), "db")).isEqualTo("no");
    }

    @Test
    void allWrongRulesAreReportedAtOnce() {
        assertThatThrownBy(() ->
                        AccessRules.parse(
                                Protocol.NBD, "write db\nread-only web\nread-only x host=1"))
                .hasMessageContaining("rule 1: not an action of a rule: \"write\"")
                .hasMessageContaining("rule 3: not a condition of a rule: \"host=1\"");
        for (String wrong :
                new String[] {
                    "deny",
                    "deny web@now",
                    "deny web address=example.com",
                    "deny web address=10.0.0.0/33",
                    "deny web cn=",
                    "deny web dn=\"open",
                    "deny web,,db",
                    ""
                }) {
            if (!wrong.isEmpty()) {
                assertThatThrownBy(() -> AccessRules.parse(Protocol.NBD, wrong))
                        .as(wrong)
                        .isNotNull();
            }
        }
    }

    @Test
    void patternsMatchWholeNames() {
        assertThat(new Glob("a*b?c").matches("aXXbYc")).isTrue();
        assertThat(new Glob("a*b?c").matches("abc")).isFalse();
        assertThat(new Glob("*").matches("")).isTrue();
        assertThat(new Glob("web").matches("web2")).isFalse();
        assertThat(new Glob("*a*a*a*a*a*b").matches("a".repeat(4096))).isFalse();
        assertThat(new Glob("a.c").matches("abc")).isFalse();
    }

    /** The action's word, "proof" or "no". */
    private static String decideIscsi(
            String rules, String name, String address, @Nullable String user, String disk) {
        Client client = Client.of(new Initiator(name, address, user), user == null);
        return switch (AccessRules.parse(Protocol.ISCSI, rules).decide(client, disk)) {
            case Verdict.Allowed(Action action) -> action.word();
            case Verdict.Refused(boolean withProof, String why) -> withProof ? "proof" : "no";
        };
    }

    @Test
    void initiatorsAreMatchedByNameAddressAndChapUser() {
        String rules =
                """
                deny secret
                read-only db-* initiator=IQN.2026-11.org.example:* address=10.0.0.0/8
                read-write db-* chap=dba\
                """;
        String host = "iqn.2026-11.org.example:h";
        assertThat(decideIscsi(rules, host, "10.1.2.3", null, "db-1")).isEqualTo("read-only");
        assertThat(decideIscsi(rules, host, "11.1.2.3", null, "db-1")).isEqualTo("proof");
        assertThat(decideIscsi(rules, host, "11.1.2.3", "dba", "db-1")).isEqualTo("read-write");
        assertThat(decideIscsi(rules, host, "11.1.2.3", "web", "db-1")).isEqualTo("no");
        assertThat(decideIscsi(rules, "iqn.2026-11.org:h", "10.1.2.3", "web", "db-1"))
                .isEqualTo("no");
        assertThat(decideIscsi(rules, host, "10.1.2.3", "dba", "secret")).isEqualTo("no");
        assertThat(decideIscsi("", host, "127.0.0.1", null, "db")).isEqualTo("read-write");
        assertThat(decideIscsi("", host, "192.0.2.1", null, "db")).isEqualTo("proof");
        assertThat(decideIscsi("", host, "192.0.2.1", "dba", "db")).isEqualTo("read-write");
        assertThatThrownBy(() -> AccessRules.parse(Protocol.ISCSI, "read-only db tls"))
                .hasMessageContaining("[initiator=PATTERN]");
        assertThatThrownBy(() -> AccessRules.parse(Protocol.NBD, "read-only db chap=x"))
                .hasMessageContaining("[cn=PATTERN]");
    }
}
