package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Turns bytes into requests: header, admission, payload. Framing survives every refused request;
 * after wrong magic nothing is believed any more. Not thread-safe.
 *
 * <p>The two forms of a header differ only in {@link #readHeader} and their size.
 */
final class RequestDecoder {
    /** Longest refused payload that is read past (proto.md asks for 32 MiB); more is an attack. */
    static final long MAXIMUM_SKIPPED_BYTES = 128L << 20;

    /** The same with extended headers, which say that any longer one is wrong. */
    static final long MAXIMUM_EXTENDED_SKIPPED_BYTES = 32L << 20;

    /** Receives what was decoded, in order. The header is overwritten by the next request. */
    interface Sink {
        /** What is wrong with a request, {@link NbdError#OK} for nothing. */
        NbdError check(RequestHeader request);

        /**
         * Whether a request fits the connection's budget now; if not, decoding stops in front of it
         * and the same question comes again when it is resumed.
         */
        boolean admit(RequestHeader request, NbdError verdict);

        /**
         * A whole request.
         *
         * @param payload the receiver's; null when the command has none or its length is 0
         */
        void request(RequestHeader request, @Nullable ByteBuf payload);

        /** A refused request whose payload has been read past. */
        void refused(RequestHeader request, NbdError verdict);

        /** The stream makes no sense; nothing more is decoded. */
        void malformed(String reason);
    }

    private enum State {
        HEADER,
        ADMISSION,
        PAYLOAD,
        SKIP,
        ENDED
    }

    private final Sink sink;
    private final PayloadAssembler assembler;
    private final RequestHeader header = new RequestHeader();
    private final boolean extended;
    private final int headerBytes;
    private final long maximumSkippedBytes;
    private final ByteBuf partial;
    private State state = State.HEADER;
    private NbdError verdict = NbdError.OK;
    private long skipBytes;

    RequestDecoder(ByteBufAllocator allocator, boolean extended, Sink sink) {
        this.sink = sink;
        this.extended = extended;
        this.headerBytes = extended ? RequestHeader.EXTENDED_BYTES : RequestHeader.COMPACT_BYTES;
        this.maximumSkippedBytes =
                extended ? MAXIMUM_EXTENDED_SKIPPED_BYTES : MAXIMUM_SKIPPED_BYTES;
        this.partial = Unpooled.buffer(headerBytes);
        this.assembler = new PayloadAssembler(allocator);
    }

    /**
     * Decodes all of {@code in}, whose owner stays the caller.
     *
     * @return false when a request was not admitted; call again with the same buffer
     */
    boolean decode(ByteBuf in) {
        while (true) {
            switch (state) {
                case HEADER -> {
                    if (!readHeader(in)) {
                        return true;
                    }
                }
                case ADMISSION -> {
                    if (!sink.admit(header, verdict)) {
                        return false;
                    }
                    begin();
                }
                case PAYLOAD -> {
                    ByteBuf payload = assembler.take(in);
                    if (payload == null) {
                        return true;
                    }
                    state = State.HEADER;
                    sink.request(header, payload);
                }
                case SKIP -> {
                    if (!skip(in)) {
                        return true;
                    }
                }
                case ENDED -> {
                    in.skipBytes(in.readableBytes());
                    return true;
                }
            }
        }
    }

    /** A request has been admitted whose payload is not complete. */
    boolean collecting() {
        return state == State.PAYLOAD;
    }

    /** Some bytes of an unfinished request were seen. */
    boolean midRequest() {
        return state == State.PAYLOAD || state == State.SKIP || partial.isReadable();
    }

    /** Decodes nothing more; an unfinished payload is dropped. */
    void end() {
        state = State.ENDED;
        partial.clear();
        assembler.discard();
    }

    private boolean readHeader(ByteBuf in) {
        int missingBytes = headerBytes - partial.readableBytes();
        if (in.readableBytes() < missingBytes) {
            partial.writeBytes(in);
            return false;
        }
        boolean sound;
        if (partial.isReadable()) {
            partial.writeBytes(in, missingBytes);
            sound = read(partial);
            partial.clear();
        } else {
            sound = read(in);
        }
        if (!sound) {
            malformed("wrong request magic");
            return true;
        }
        verdict = sink.check(header);
        long payloadBytes = header.payloadBytes;
        if (verdict != NbdError.OK && (payloadBytes < 0 || payloadBytes > maximumSkippedBytes)) {
            malformed(
                    "payload of %s bytes, more than %d are not read past"
                            .formatted(Long.toUnsignedString(payloadBytes), maximumSkippedBytes));
            return true;
        }
        state = State.ADMISSION;
        return true;
    }

    private boolean read(ByteBuf in) {
        return extended ? header.readExtended(in) : header.readCompact(in);
    }

    private void begin() {
        if (verdict != NbdError.OK) {
            skipBytes = header.payloadBytes;
            state = State.SKIP;
        } else if (header.payloadBytes > 0) {
            assembler.start((int) header.payloadBytes);
            state = State.PAYLOAD;
        } else {
            state = State.HEADER;
            sink.request(header, null);
        }
    }

    private boolean skip(ByteBuf in) {
        int skippedBytes = (int) Math.min(skipBytes, in.readableBytes());
        in.skipBytes(skippedBytes);
        skipBytes -= skippedBytes;
        if (skipBytes > 0) {
            return false;
        }
        state = State.HEADER;
        sink.refused(header, verdict);
        return true;
    }

    private void malformed(String reason) {
        end();
        sink.malformed(reason);
    }
}
