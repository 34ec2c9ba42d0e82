package dev.tidemark.nbd;

import dev.tidemark.blockdevice.Features;

/** Transmission flags (proto.md "Transmission flags"). */
final class TransmissionFlags {
    static final int HAS_FLAGS = 1;
    static final int READ_ONLY = 1 << 1;
    static final int SEND_FLUSH = 1 << 2;
    static final int SEND_FUA = 1 << 3;
    static final int ROTATIONAL = 1 << 4;
    static final int SEND_TRIM = 1 << 5;
    static final int SEND_WRITE_ZEROES = 1 << 6;
    static final int SEND_DF = 1 << 7;
    static final int CAN_MULTI_CONN = 1 << 8;
    static final int SEND_CACHE = 1 << 10;
    static final int SEND_FAST_ZERO = 1 << 11;
    static final int BLOCK_STATUS_PAYLOAD = 1 << 12;

    private static final int ALWAYS = HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_CACHE;

    // Zeroing carries no payload down to the journal: it is always the fast way.
    private static final int WRITABLE = SEND_TRIM | SEND_WRITE_ZEROES | SEND_FAST_ZERO;

    private TransmissionFlags() {}

    /**
     * What a client is told of a device.
     *
     * @param contexts the client has selected metadata contexts of the export
     */
    static int of(Features features, ReplyForm form, boolean contexts) {
        return ALWAYS
                | (features.readOnly() ? READ_ONLY : WRITABLE)
                | (features.sharedHandles() ? CAN_MULTI_CONN : 0)
                | (features.rotational() ? ROTATIONAL : 0)
                | (form.chunked() ? SEND_DF : 0)
                | (form == ReplyForm.EXTENDED && contexts ? BLOCK_STATUS_PAYLOAD : 0);
    }
}
