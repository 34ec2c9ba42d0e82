package dev.tidemark.nbd;

import dev.tidemark.nbd.OptionRequest.Hangup;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Turns bytes into the client's flags and options (proto.md "Newstyle negotiation"). Never keeps
 * more than it must: the payload of a refused option is read past. Not thread-safe.
 */
final class OptionDecoder {

    /** Receives what was decoded, in order. */
    interface Sink {
        /** Whether the next option may be decoded now; asked before every step. */
        boolean ready();

        /**
         * The client's flags.
         *
         * @param zeroes the answer to EXPORT_NAME ends with zeroes
         */
        void greeted(boolean zeroes);

        /** A whole option. */
        void option(int option, OptionRequest request);

        /** The stream makes no sense; nothing more is decoded. */
        void malformed(String reason);
    }

    private enum State {
        CLIENT_FLAGS,
        OPTION,
        PAYLOAD,
        SKIP,
        ENDED
    }

    private final Sink sink;
    private final int maximumOptions;
    private long optionsLeft;
    private State state = State.CLIENT_FLAGS;
    private boolean fixedNewstyle;
    private int option;
    private int remainingBytes;
    private @Nullable OptionRequest judged;

    OptionDecoder(Sink sink, int maximumOptions) {
        this.sink = sink;
        this.maximumOptions = maximumOptions;
        this.optionsLeft = maximumOptions;
    }

    /** Lets the client send more options than at first. */
    void allowMore(long options) {
        optionsLeft += options;
    }

    /** Decodes as long as the sink is ready and bytes are there; the caller keeps {@code in}. */
    void decode(ByteBuf in) {
        while (sink.ready() && step(in)) {}
    }

    /** Returns false when it needs more bytes, or nothing more is decoded. */
    private boolean step(ByteBuf in) {
        return switch (state) {
            case CLIENT_FLAGS -> readClientFlags(in);
            case OPTION -> readOptionHeader(in);
            case PAYLOAD -> readPayload(in);
            case SKIP -> skipPayload(in);
            case ENDED -> false;
        };
    }

    private boolean readClientFlags(ByteBuf in) {
        if (in.readableBytes() < 4) {
            return false;
        }
        int flags = in.readInt();
        // MUST drop what we do not know (proto.md "Client flags").
        if ((flags & ~Handshake.KNOWN_FLAGS) != 0) {
            return malformed("unknown client flags 0x" + Integer.toHexString(flags));
        }
        fixedNewstyle = (flags & Handshake.FLAG_FIXED_NEWSTYLE) != 0;
        state = State.OPTION;
        sink.greeted((flags & Handshake.FLAG_NO_ZEROES) == 0);
        return true;
    }

    private boolean readOptionHeader(ByteBuf in) {
        if (in.readableBytes() < Handshake.OPTION_HEADER_BYTES) {
            return false;
        }
        long magic = in.readLong();
        if (magic != Handshake.OPTION_MAGIC) {
            return malformed("wrong option magic 0x" + Long.toHexString(magic));
        }
        if (optionsLeft-- <= 0) {
            return malformed("more than " + maximumOptions + " options");
        }
        option = in.readInt();
        long lengthBytes = in.readUnsignedInt();
        if (!fixedNewstyle && option != Handshake.OPTION_EXPORT_NAME) {
            return malformed("option " + option + " without fixed newstyle");
        }
        OptionRequest verdict = OptionParser.judge(option, lengthBytes);
        if (verdict instanceof Hangup hangup) {
            return malformed(hangup.reason());
        }
        judged = verdict;
        remainingBytes = (int) lengthBytes;
        state = verdict == null ? State.PAYLOAD : State.SKIP;
        return true;
    }

    private boolean readPayload(ByteBuf in) {
        if (in.readableBytes() < remainingBytes) {
            return false;
        }
        ByteBuf payload = in.readSlice(remainingBytes);
        state = State.OPTION;
        sink.option(option, OptionParser.parse(option, payload));
        return true;
    }

    private boolean skipPayload(ByteBuf in) {
        int skippedBytes = Math.min(remainingBytes, in.readableBytes());
        in.skipBytes(skippedBytes);
        remainingBytes -= skippedBytes;
        OptionRequest verdict = judged;
        if (remainingBytes > 0 || verdict == null) {
            return false;
        }
        state = State.OPTION;
        sink.option(option, verdict);
        return true;
    }

    private boolean malformed(String reason) {
        state = State.ENDED;
        sink.malformed(reason);
        return false;
    }
}
