package dev.tidemark.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.ChapCredentials;
import dev.tidemark.iscsi.text.TextBuilder;
import dev.tidemark.iscsi.text.TextException;
import dev.tidemark.iscsi.text.TextPairs;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ChapExchangeTest {
    private static final String THEIR_CHALLENGE = "CHAP_C=0x000102030405060708090a0b0c0d0e0f";

    private final ChapCredentials one = new ChapCredentials("one", "the secret of one");
    private final ChapCredentials two = new ChapCredentials("two", "the secret of two");
    private final ChapExchange exchange =
            new ChapExchange(
                    new Authentication(
                            List.of(one, two), new ChapCredentials("gateway", "the secret of it")),
                    new SecureRandom());
    private int identifier;
    private byte[] challenge = {};

    private TextPairs advance(String... pairs) throws TextException, LoginException {
        TextBuilder answers = new TextBuilder();
        exchange.advance(
                parsed((String.join("\0", pairs) + "\0").getBytes(StandardCharsets.UTF_8)),
                answers);
        return parsed(answers.build());
    }

    private static TextPairs parsed(byte[] text) throws TextException {
        return TextPairs.parse(text, 16);
    }

    @BeforeEach
    void begin() throws TextException, LoginException {
        TextPairs asked = advance("CHAP_A=4,7,5");
        assertThat(asked.get("CHAP_A")).as("the first that is known").isEqualTo("7");
        identifier = Integer.parseInt(String.valueOf(asked.get("CHAP_I")));
        challenge = HexFormat.of().parseHex(String.valueOf(asked.get("CHAP_C")).substring(2));
        assertThat(challenge).as("as long as a digest").hasSize(32);
    }

    private String response(ChapCredentials who) {
        byte[] digest = ChapAlgorithm.SHA256.respond(identifier, who.secret(), challenge);
        return "CHAP_R=0x" + HexFormat.of().formatHex(digest);
    }

    private void expectRefusal(String... pairs) {
        assertThatThrownBy(() -> advance(pairs))
                .isInstanceOfSatisfying(
                        LoginException.class,
                        e -> assertThat(e.status()).isEqualTo(LoginStatus.AUTHENTICATION_FAILURE));
    }

    @Test
    void a_name_is_proven_with_its_own_secret() throws TextException, LoginException {
        assertThat(exchange.user()).isNull();
        assertThat(advance("CHAP_N=two", response(two)).isEmpty()).isTrue();
        assertThat(exchange.user()).isEqualTo("two");
    }

    @ParameterizedTest
    @ValueSource(strings = {"two", "nobody", "ONE", "one "})
    void a_name_is_not_proven_with_the_secret_of_another(String name) {
        expectRefusal("CHAP_N=" + name, response(one));
        assertThat(exchange.user()).isNull();
    }

    @Test
    void the_other_direction_needs_identifier_and_challenge() {
        expectRefusal("CHAP_N=one", response(one), THEIR_CHALLENGE);
    }

    @Test
    void the_other_direction_needs_the_challenge_too() {
        expectRefusal("CHAP_N=one", response(one), "CHAP_I=1");
    }

    @Test
    void a_proof_is_not_begun_again() throws TextException, LoginException {
        advance("CHAP_N=one", response(one), "CHAP_I=1", THEIR_CHALLENGE);
        expectRefusal("CHAP_N=two", response(two));
        assertThat(exchange.user()).isEqualTo("one");
    }
}
