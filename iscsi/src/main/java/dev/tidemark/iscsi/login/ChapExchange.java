package dev.tidemark.iscsi.login;

import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.ChapCredentials;
import dev.tidemark.iscsi.text.TextBuilder;
import dev.tidemark.iscsi.text.TextPairs;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * CHAP from the target's side (RFC 7143 section 12.1.3): algorithm, challenge, response, and the
 * other direction when the initiator asks for it. Whether a name is known does not show in the time
 * an answer takes.
 */
final class ChapExchange {
    private enum Step {
        ALGORITHM,
        RESPONSE,
        DONE
    }

    private final Authentication authentication;
    private final SecureRandom random;
    private Step step = Step.ALGORITHM;
    private ChapAlgorithm algorithm = ChapAlgorithm.MD5;
    private int identifier;
    private byte[] challenge = {};
    private @Nullable String user;

    ChapExchange(Authentication authentication, SecureRandom random) {
        this.authentication = authentication;
        this.random = random;
    }

    /** The name that was proven; null until then. */
    @Nullable String user() {
        return user;
    }

    /** Takes the initiator's keys and adds what is to be answered. */
    void advance(TextPairs pairs, TextBuilder answers) throws LoginException {
        switch (step) {
            case ALGORITHM -> chooseAlgorithm(pairs.get("CHAP_A"), answers);
            case RESPONSE -> verify(pairs, answers);
            case DONE -> throw failure("CHAP keys after CHAP was finished");
        }
    }

    private void chooseAlgorithm(@Nullable String offered, TextBuilder answers)
            throws LoginException {
        if (offered == null) {
            return; // the initiator may ask us to go on with an empty request
        }
        ChapAlgorithm chosen = ChapAlgorithm.choose(offered);
        if (chosen == null) {
            throw failure("no known CHAP algorithm was offered");
        }
        algorithm = chosen;
        challenge = new byte[chosen.digestBytes()];
        random.nextBytes(challenge);
        identifier = random.nextInt(256);
        step = Step.RESPONSE;
        answers.add("CHAP_A", chosen.number())
                .add("CHAP_I", identifier)
                .add("CHAP_C", BinaryValue.encode(challenge));
    }

    private void verify(TextPairs pairs, TextBuilder answers) throws LoginException {
        String name = pairs.get("CHAP_N");
        String response = pairs.get("CHAP_R");
        if (name == null || response == null) {
            throw failure("CHAP_N or CHAP_R is missing");
        }
        byte[] given = BinaryValue.decode(response);
        if (!proves(name, given)) {
            throw failure("the CHAP response is wrong");
        }
        user = name;
        step = Step.DONE;
        String theirIdentifier = pairs.get("CHAP_I");
        String theirChallenge = pairs.get("CHAP_C");
        if (theirIdentifier != null && theirChallenge != null) {
            prove(theirIdentifier, theirChallenge, answers);
        } else if (theirIdentifier != null || theirChallenge != null) {
            throw failure("CHAP_I and CHAP_C come together or not at all");
        }
    }

    /** Every known name is tried, so that time tells nothing. */
    private boolean proves(String name, byte[] given) {
        boolean proven = false;
        for (ChapCredentials known : authentication.initiators()) {
            byte[] expected = algorithm.respond(identifier, known.secret(), challenge);
            boolean right = MessageDigest.isEqual(expected, given);
            proven |= right && known.user().equals(name);
        }
        return proven;
    }

    private void prove(String theirIdentifier, String theirChallenge, TextBuilder answers)
            throws LoginException {
        byte[] theirs = BinaryValue.decode(theirChallenge);
        if (MessageDigest.isEqual(theirs, challenge)) {
            throw failure("our own CHAP challenge came back"); // section 9.2.1: MUST be refused
        }
        ChapCredentials own = authentication.target();
        if (own == null) {
            throw failure("the initiator wants a proof and this target has no CHAP secret");
        }
        int number;
        try {
            number = Negotiation.number("CHAP_I", theirIdentifier, 0, 255);
        } catch (LoginException e) {
            throw failure(Objects.requireNonNullElse(e.getMessage(), "CHAP_I is wrong"));
        }
        answers.add("CHAP_N", own.user())
                .add("CHAP_R", BinaryValue.encode(algorithm.respond(number, own.secret(), theirs)));
    }

    private static LoginException failure(String why) {
        return new LoginException(LoginStatus.AUTHENTICATION_FAILURE, why);
    }
}
