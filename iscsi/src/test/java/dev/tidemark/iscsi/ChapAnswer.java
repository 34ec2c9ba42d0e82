package dev.tidemark.iscsi;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A CHAP challenge and the response to it, worked out apart from the server's own code. */
record ChapAnswer(int identifier, String challenge) {
    private static final Pattern CHALLENGE =
            Pattern.compile("CHAP_I=(\\d+)\\nCHAP_C=(0x[0-9a-f]+)\\n");

    static ChapAnswer parse(String text) {
        Matcher found = CHALLENGE.matcher(text);
        if (!found.find()) {
            throw new AssertionError("no challenge in " + text);
        }
        return new ChapAnswer(Integer.parseInt(found.group(1)), found.group(2));
    }

    String respond(String digest, String secret) {
        try {
            MessageDigest hash = MessageDigest.getInstance(digest);
            hash.update((byte) identifier);
            hash.update(secret.getBytes(StandardCharsets.UTF_8));
            hash.update(HexFormat.of().parseHex(challenge.substring(2)));
            return "0x" + HexFormat.of().formatHex(hash.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(digest, e);
        }
    }
}
