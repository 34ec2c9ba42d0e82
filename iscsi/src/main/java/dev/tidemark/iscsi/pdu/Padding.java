package dev.tidemark.iscsi.pdu;

/** Segments end on a four-byte boundary (RFC 7143 section 11.1). */
final class Padding {
    private Padding() {}

    /** Bytes of padding after a segment of {@code lengthBytes}, 0 to 3. */
    static int of(int lengthBytes) {
        return -lengthBytes & 3;
    }
}
