package dev.tidemark.iscsi.pdu;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Turns bytes into PDUs: header, additional headers, header digest, data segment, padding, data
 * digest (RFC 7143 section 11.1). Belongs to one event loop.
 *
 * <p>A header is believed only after its digest matched and its lengths are within bounds; then the
 * data segment is collected. Whatever breaks the framing is reported once and ends the decoder: at
 * error recovery level 0 the connection is dropped (section 7.8).
 */
public final class PduDecoder {
    private static final byte[] NO_AHS = {};

    /** Receives what was decoded, in order. */
    public interface Sink {
        /** A whole PDU, which becomes the sink's. */
        void pdu(Pdu pdu);

        /** Whether another PDU may be decoded now; if not, {@link #decode} stops. */
        boolean wantsMore();

        /**
         * The stream makes no sense; nothing more is decoded.
         *
         * @param header what had been read when it was found out
         * @param reason how a Reject would say it
         */
        void malformed(Header header, RejectReason reason, String why);
    }

    private enum State {
        HEADER,
        AHS,
        HEADER_DIGEST,
        DATA,
        PADDING,
        DATA_DIGEST,
        COMPLETE,
        ENDED
    }

    private final ByteBufAllocator allocator;
    private final Sink sink;
    private final byte[] small = new byte[4];
    private Header header = new Header();
    private byte[] ahs = NO_AHS;
    private State state = State.HEADER;
    private int filledBytes;
    private int maximumDataBytes;
    private boolean headerDigest;
    private boolean dataDigest;
    private boolean dataIntact = true;
    private @Nullable ByteBuf collected;
    private ByteBuf data = Unpooled.EMPTY_BUFFER;

    /**
     * @param maximumDataBytes longest data segment until {@link #configure} says otherwise
     */
    public PduDecoder(ByteBufAllocator allocator, Sink sink, int maximumDataBytes) {
        this.allocator = allocator;
        this.sink = sink;
        this.maximumDataBytes = maximumDataBytes;
    }

    /** What holds from the next PDU on. */
    public void configure(int dataSegmentBytes, boolean withHeaderDigest, boolean withDataDigest) {
        maximumDataBytes = dataSegmentBytes;
        headerDigest = withHeaderDigest;
        dataDigest = withDataDigest;
    }

    /** Decodes as much of {@code in} as the sink wants; the buffer's owner stays the caller. */
    public void decode(ByteBuf in) {
        while (state != State.ENDED && (in.isReadable() || state == State.COMPLETE)) {
            if (state == State.COMPLETE) {
                deliver();
            } else if (state == State.HEADER && filledBytes == 0 && !sink.wantsMore()) {
                return;
            } else {
                step(in);
            }
        }
        if (state == State.ENDED) {
            in.skipBytes(in.readableBytes());
        }
    }

    /** Some bytes of an unfinished PDU were seen. */
    public boolean midPdu() {
        return state != State.HEADER || filledBytes > 0;
    }

    /** Decodes nothing more; what is unfinished is dropped. */
    public void end() {
        state = State.ENDED;
        if (collected != null) {
            collected.release();
            collected = null;
        }
        data.release();
        data = Unpooled.EMPTY_BUFFER;
    }

    private void step(ByteBuf in) {
        switch (state) {
            case HEADER -> {
                if (fill(in, header.bytes(), Header.BYTES)) {
                    headerRead();
                }
            }
            case AHS -> {
                if (fill(in, ahs, ahs.length)) {
                    state = headerDigest ? State.HEADER_DIGEST : State.DATA;
                    headerCompleteWithoutDigest();
                }
            }
            case HEADER_DIGEST -> {
                if (fill(in, small, 4)) {
                    headerDigestRead();
                }
            }
            case DATA -> collect(in);
            case PADDING -> {
                if (fill(in, small, Padding.of(header.dataBytes()))) {
                    state = dataDigest ? State.DATA_DIGEST : State.COMPLETE;
                }
            }
            case DATA_DIGEST -> {
                if (fill(in, small, 4)) {
                    dataIntact = littleEndian() == Crc32c.of(data);
                    state = State.COMPLETE;
                }
            }
            case COMPLETE, ENDED -> throw new AssertionError(state);
        }
    }

    private boolean fill(ByteBuf in, byte[] target, int lengthBytes) {
        int takenBytes = Math.min(lengthBytes - filledBytes, in.readableBytes());
        in.readBytes(target, filledBytes, takenBytes);
        filledBytes += takenBytes;
        if (filledBytes < lengthBytes) {
            return false;
        }
        filledBytes = 0;
        return true;
    }

    /** Without a digest a length is checked at once; with one only after it was found intact. */
    private void headerRead() {
        int ahsBytes = header.ahsBytes();
        ahs = ahsBytes == 0 ? NO_AHS : new byte[ahsBytes]; // at most 1020 (section 11.2.1.5)
        state = ahsBytes > 0 ? State.AHS : headerDigest ? State.HEADER_DIGEST : State.DATA;
        headerCompleteWithoutDigest();
    }

    private void headerCompleteWithoutDigest() {
        if (state == State.DATA) {
            headerBelieved();
        }
    }

    private void headerDigestRead() {
        if (littleEndian() != Crc32c.of(header.bytes(), ahs)) {
            malformed(RejectReason.PROTOCOL_ERROR, "header digest does not match");
        } else {
            headerBelieved();
        }
    }

    private void headerBelieved() {
        int dataBytes = header.dataBytes();
        if (dataBytes > maximumDataBytes) {
            malformed(
                    RejectReason.PROTOCOL_ERROR,
                    "data segment of %d bytes exceeds maximum %d"
                            .formatted(dataBytes, maximumDataBytes));
        } else if (!AdditionalHeaders.wellFormed(header.opcode(), ahs)) {
            malformed(RejectReason.INVALID_PDU_FIELD, "additional header makes no sense");
        } else {
            state = dataBytes == 0 ? State.COMPLETE : State.DATA;
        }
    }

    private void collect(ByteBuf in) {
        int lengthBytes = header.dataBytes();
        ByteBuf target = collected;
        if (target == null && in.readableBytes() >= lengthBytes) {
            data = whole(in, lengthBytes);
            dataRead();
            return;
        }
        if (target == null) {
            target = allocator.directBuffer(lengthBytes, lengthBytes);
            collected = target;
        }
        target.writeBytes(in, Math.min(target.writableBytes(), in.readableBytes()));
        if (!target.isWritable()) {
            data = target;
            collected = null;
            dataRead();
        }
    }

    /**
     * A segment that came in one read is a slice of it, unless it is so much shorter than the
     * receive buffer that keeping it would keep far more memory than its bytes.
     */
    private ByteBuf whole(ByteBuf in, int lengthBytes) {
        if (lengthBytes >= in.capacity() / 2) {
            return in.readRetainedSlice(lengthBytes);
        }
        return allocator.directBuffer(lengthBytes, lengthBytes).writeBytes(in, lengthBytes);
    }

    private void dataRead() {
        boolean padded = Padding.of(header.dataBytes()) > 0;
        state = padded ? State.PADDING : dataDigest ? State.DATA_DIGEST : State.COMPLETE;
    }

    private int littleEndian() {
        return (small[0] & 0xff)
                | (small[1] & 0xff) << 8
                | (small[2] & 0xff) << 16
                | (small[3] & 0xff) << 24;
    }

    private void deliver() {
        Pdu pdu = new Pdu(header, ahs, data, dataIntact);
        header = new Header();
        ahs = NO_AHS;
        data = Unpooled.EMPTY_BUFFER;
        dataIntact = true;
        state = State.HEADER;
        sink.pdu(pdu);
    }

    private void malformed(RejectReason reason, String why) {
        Header seen = header;
        end();
        sink.malformed(seen, reason, why);
    }
}
