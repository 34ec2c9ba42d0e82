package dev.tidemark.gateway.text;

import dev.tidemark.gateway.problem.ProblemException;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes as people write them: {@code 512}, {@code 10G}, {@code 64 MiB}, {@code 1.5T}, {@code 10GB}.
 *
 * <p>A bare letter and the "iB" forms are powers of 1024; the "B" forms (KB, MB, GB, TB) are powers
 * of 1000.
 */
public final class ByteSize {
    private static final Pattern FORM =
            Pattern.compile("(\\d{1,18}(?:\\.\\d{1,6})?)\\s*([kKmMgGtTpP]?)(i?[bB])?");
    private static final String LETTERS = "KMGTP";

    private ByteSize() {}

    /** Reads a size; refuses what is no size, not a whole number of bytes, or beyond 2^63-1. */
    public static long parse(String text) {
        Matcher form = FORM.matcher(text.strip());
        if (!form.matches()) {
            throw refuse(text);
        }
        String letter = form.group(2).toUpperCase(Locale.ROOT);
        String suffix = form.group(3) == null ? "" : form.group(3);
        boolean binary = suffix.isEmpty() || suffix.startsWith("i");
        if (letter.isEmpty() && suffix.startsWith("i")) {
            throw refuse(text);
        }
        int power = letter.isEmpty() ? 0 : LETTERS.indexOf(letter) + 1;
        BigDecimal unit = BigDecimal.valueOf(binary ? 1024 : 1000).pow(power);
        try {
            return new BigDecimal(form.group(1)).multiply(unit).longValueExact();
        } catch (ArithmeticException e) {
            throw refuse(text);
        }
    }

    private static ProblemException refuse(String text) {
        return ProblemException.invalid(
                "not a size",
                text,
                "a whole number of bytes up to 8 EiB, with K, M, G, T, P or KiB ... (powers of 1024) or KB ... (powers of 1000)",
                "write for example 512, 64MiB or 10G");
    }

    /** Three significant digits and a unit: {@code 9.77 GiB}; exact below 1 KiB. */
    public static String format(long bytes) {
        if (Math.abs(bytes) < 1024) {
            return bytes + " B";
        }
        double value = bytes;
        int power = 0;
        while (Math.abs(value) >= 999.5 && power < LETTERS.length()) {
            value /= 1024;
            power++;
        }
        int decimals = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
        return String.format(
                Locale.ROOT, "%." + decimals + "f %siB", value, LETTERS.charAt(power - 1));
    }

    /** The shortest text that {@link #parse} reads back as the same number. */
    public static String exact(long bytes) {
        for (int power = LETTERS.length(); power > 0; power--) {
            long unit = 1L << (10 * power);
            if (bytes >= unit && bytes % unit == 0) {
                return bytes / unit + "" + LETTERS.charAt(power - 1) + "iB";
            }
        }
        return Long.toString(bytes);
    }
}
