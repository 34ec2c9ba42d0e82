package dev.tidemark.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.text.TextBuilder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NegotiationTest {
    private final Negotiation negotiation = new Negotiation(IscsiLimits.DEFAULT);

    private static String value(TextBuilder answers, String key) {
        String text = new String(answers.build(), StandardCharsets.UTF_8);
        assertThat(text).startsWith(key + "=").endsWith("\0");
        return text.substring(key.length() + 1, text.length() - 1);
    }

    private String answer(String key, String offered) throws LoginException {
        TextBuilder answers = new TextBuilder();
        negotiation.answer(key, offered, answers);
        return value(answers, key);
    }

    private String answerLater(String key, String offered) throws LoginException {
        TextBuilder answers = new TextBuilder();
        negotiation.answerLater(key, offered, answers);
        return value(answers, key);
    }

    /** RFC 7143 section 13: the lesser, the greater, AND, OR, or what the target decides alone. */
    @ParameterizedTest
    @CsvSource({
        "MaxBurstLength, 512, 512",
        "MaxBurstLength, 16777215, 1048576",
        "FirstBurstLength, 0x400, 1024",
        "FirstBurstLength, 16777215, 65536",
        "MaxOutstandingR2T, 1, 1",
        "MaxOutstandingR2T, 65535, 8",
        "MaxConnections, 4, 1",
        "DefaultTime2Wait, 0, 2",
        "DefaultTime2Wait, 30, 30",
        "DefaultTime2Retain, 20, 0",
        "ErrorRecoveryLevel, 2, 0",
        "InitialR2T, No, No",
        "InitialR2T, Yes, Yes",
        "ImmediateData, No, No",
        "DataPDUInOrder, No, Yes",
        "IFMarker, Yes, No",
        "OFMarkInt, 2048, Irrelevant",
        "iSCSIProtocolLevel, 2, 1",
        "MaxRecvDataSegmentLength, 8192, 262144",
    })
    void a_value_comes_out_as_its_key_says(String key, String offered, String outcome)
            throws LoginException {
        assertThat(answer(key, offered)).isEqualTo(outcome);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"None,CRC32C|CRC32C", "CRC32C,None|CRC32C", "None|None", "Odd|Reject"})
    void digests_are_used_whenever_they_are_offered(String offered, String chosen)
            throws LoginException {
        assertThat(answer("HeaderDigest", offered)).isEqualTo(chosen);
        assertThat(answer("DataDigest", offered)).isEqualTo(chosen);
        boolean used = chosen.equals("CRC32C");
        assertThat(negotiation.parameters().headerDigest()).isEqualTo(used);
        assertThat(negotiation.parameters().dataDigest()).isEqualTo(used);
    }

    /** Section 13.14. */
    @Test
    void a_first_burst_is_no_longer_than_a_burst() throws LoginException {
        answer("FirstBurstLength", "65536");
        answer("MaxBurstLength", "4096");
        negotiation.conclude();
        assertThat(negotiation.parameters().firstBurstBytes()).isEqualTo(4096);
    }

    @Test
    void a_key_is_negotiated_once_in_a_login() throws LoginException {
        answer("InitialR2T", "Yes");
        assertThatThrownBy(() -> answer("InitialR2T", "No"))
                .isInstanceOfSatisfying(
                        LoginException.class,
                        e -> assertThat(e.status()).isEqualTo(LoginStatus.INITIATOR_ERROR));
        assertThat(negotiation.parameters().initialR2t()).isTrue();
    }

    @Test
    void after_the_login_only_the_segment_length_changes() throws LoginException {
        answer("InitialR2T", "Yes");
        assertThat(answerLater("InitialR2T", "No")).isEqualTo("Reject");
        assertThat(negotiation.parameters().initialR2t()).isTrue();
        assertThat(answerLater("X-odd", "1")).isEqualTo("NotUnderstood");
        assertThat(answerLater("MaxRecvDataSegmentLength", "4096")).isEqualTo("262144");
        assertThat(negotiation.parameters().sendSegmentBytes()).isEqualTo(4096);
    }
}
