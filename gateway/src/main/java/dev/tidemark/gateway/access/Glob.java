package dev.tidemark.gateway.access;

/**
 * A pattern of names: {@code *} is any characters or none, {@code ?} is one, all else is itself.
 * Takes time linear in the name for each {@code *}, whatever the name.
 */
public record Glob(String pattern) {

    /** Whether all of a text is as the pattern says. */
    public boolean matches(String text) {
        int at = 0;
        int in = 0;
        int star = -1;
        int retry = 0;
        while (at < text.length()) {
            char wanted = in < pattern.length() ? pattern.charAt(in) : 0;
            if (wanted == '*') {
                star = in++;
                retry = at;
            } else if (in < pattern.length() && (wanted == '?' || wanted == text.charAt(at))) {
                in++;
                at++;
            } else if (star >= 0) {
                in = star + 1; // the last star takes one character more
                at = ++retry;
            } else {
                return false;
            }
        }
        while (in < pattern.length() && pattern.charAt(in) == '*') {
            in++;
        }
        return in == pattern.length();
    }
}
