package dev.tidemark.gateway.sites;

import java.util.regex.Pattern;

/** Texts from other sites, made fit for logs and tables. */
final class Plain {
    private static final int LONGEST = 200;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

    private Plain() {}

    /** One line of bounded length without control characters. */
    static String line(String text) {
        String cut = text.length() > LONGEST ? text.substring(0, LONGEST) + "..." : text;
        StringBuilder plain = new StringBuilder();
        cut.codePoints()
                .map(one ->
                        Character.isISOControl(one) || Character.getType(one) == Character.FORMAT
                                ? '?'
                                : one)
                .forEach(plain::appendCodePoint);
        return plain.toString();
    }

    /** Whether a text can be a site's name. */
    static boolean isName(String text) {
        return NAME.matcher(text).matches();
    }
}
