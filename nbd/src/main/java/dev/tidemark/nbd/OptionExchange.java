package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A connection in the handshake, as the answer to an option uses it. Event loop only. */
interface OptionExchange {
    /** The option to be answered. */
    int option();

    NbdService service();

    Negotiation negotiation();

    /** Who asks, as of now. */
    NbdClient client();

    /** Whether the session is inside TLS. */
    boolean encrypted();

    OptionReplies replies();

    /** Lets the client send more options than at first. */
    void allowMore(long options);

    /** Sends a reply, taken over; the session goes on. */
    void reply(ByteBuf reply);

    /** Answers with an error; the session stays usable. */
    void refuse(int error, String text);

    /** Answers with what a catalogue's failure is called here; the session stays usable. */
    void refuse(@Nullable Throwable failure);

    /**
     * Runs {@code then} on the event loop once the question is answered, and goes on to the next
     * option after that. Meanwhile nothing is parsed and the socket is not read.
     *
     * @param then gets the answer or the failure; the client may have gone meanwhile: see {@link
     *     #ended}
     */
    <T> void await(
            Supplier<CompletionStage<T>> question,
            BiConsumer<@Nullable T, @Nullable Throwable> then);

    /** The handshake is over: nothing can be answered any more. */
    boolean ended();

    /**
     * Sends the last plain reply, taken over, and forgets all that was agreed on. Bytes that came
     * behind the option are TLS's (proto.md "NBD_OPT_STARTTLS").
     */
    void startTls(TlsOffer offer, ByteBuf reply);

    /** Ends the connection where the protocol has no error for it. */
    void hangUp(String reason);

    /** Ends the connection for a failure that the protocol has no error for. */
    void hangUp(@Nullable Throwable failure);

    /** Sends the last reply and serves the session from now on; takes both over. */
    void enterTransmission(Session session, ByteBuf reply);
}
