package dev.tidemark.iscsi.pdu;

/** Comparison of 32-bit sequence numbers that wrap (RFC 1982, RFC 7143 section 4.2.2.1). */
public final class SerialNumbers {
    private SerialNumbers() {}

    /** Whether {@code a} comes before {@code b}. */
    public static boolean before(int a, int b) {
        return a - b < 0;
    }

    /** Whether {@code a} comes after {@code b}. */
    public static boolean after(int a, int b) {
        return a - b > 0;
    }
}
