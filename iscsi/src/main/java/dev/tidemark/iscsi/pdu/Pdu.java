package dev.tidemark.iscsi.pdu;

import io.netty.buffer.ByteBuf;

/**
 * A received PDU.
 *
 * @param header the basic header
 * @param ahs additional header segments, checked for structure; often empty
 * @param data the data segment without padding; the receiver's, who releases it
 * @param dataIntact false when the data digest did not match: the bytes must not be used
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record Pdu(Header header, byte[] ahs, ByteBuf data, boolean dataIntact) {
    /** Gives the data segment back. */
    public void release() {
        data.release();
    }
}
