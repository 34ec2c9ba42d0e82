package dev.tidemark.iscsi.login;

import java.util.Base64;
import java.util.HexFormat;

/** Binary values: {@code 0x} and hexadecimal digits, or {@code 0b} and Base64 (section 6.1). */
final class BinaryValue {
    /** CHAP challenges and responses have up to 1024 bytes (section 12.1.3). */
    static final int MAXIMUM_BYTES = 1024;

    private BinaryValue() {}

    static String encode(byte[] value) {
        return "0x" + HexFormat.of().formatHex(value);
    }

    /** The bytes, 1 to {@link #MAXIMUM_BYTES}. */
    static byte[] decode(String value) throws LoginException {
        byte[] bytes;
        try {
            bytes = decoded(value);
        } catch (IllegalArgumentException e) {
            throw failure("a binary value is malformed");
        }
        if (bytes.length < 1 || bytes.length > MAXIMUM_BYTES) {
            throw failure("a binary value has " + bytes.length + " bytes");
        }
        return bytes;
    }

    private static byte[] decoded(String value) {
        String digits = value.length() > 2 ? value.substring(2) : "";
        return switch (value.isEmpty() ? "" : value.substring(0, Math.min(2, value.length()))) {
            case "0x", "0X" ->
                    HexFormat.of().parseHex(digits.length() % 2 == 0 ? digits : "0" + digits);
            case "0b", "0B" -> Base64.getDecoder().decode(digits);
            default -> throw new IllegalArgumentException("neither hexadecimal nor Base64");
        };
    }

    private static LoginException failure(String why) {
        return new LoginException(LoginStatus.AUTHENTICATION_FAILURE, why);
    }
}
