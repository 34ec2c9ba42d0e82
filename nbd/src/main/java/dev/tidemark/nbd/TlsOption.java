package dev.tidemark.nbd;

/** Answers STARTTLS, and what must not be answered before it (proto.md "TLS support"). */
final class TlsOption {
    private TlsOption() {}

    static void answer(OptionExchange exchange) {
        if (exchange.encrypted()) {
            exchange.refuse(Handshake.ERROR_INVALID, "the session is inside TLS already");
            return;
        }
        TlsOffer offer = exchange.service().tls();
        if (offer == null) {
            exchange.refuse(Handshake.ERROR_POLICY, "TLS is not set up on this server");
            return;
        }
        exchange.startTls(offer, exchange.replies().acknowledge(exchange.option()));
    }

    /**
     * Refuses an option that a plain session may not use (proto.md "FORCEDTLS mode").
     *
     * @return whether it did
     */
    static boolean refuses(OptionExchange exchange, OptionRequest request) {
        TlsOffer offer = exchange.service().tls();
        if (offer == null || !offer.required() || exchange.encrypted()) {
            return false;
        }
        String text = "this server wants TLS: start it with STARTTLS";
        return switch (request) {
            case OptionRequest.Abort abort -> false;
            case OptionRequest.StartTls start -> false;
            case OptionRequest.Hangup hangup -> false;
            case OptionRequest.ExportName name -> {
                exchange.hangUp(text); // the protocol has no error for it
                yield true;
            }
            case OptionRequest.Refused refused
                    when exchange.option() == Handshake.OPTION_STARTTLS ->
                    false;
            default -> {
                exchange.refuse(Handshake.ERROR_TLS_REQUIRED, text);
                yield true;
            }
        };
    }

    /** The error for an export that only sessions inside TLS may have. */
    static int error(OptionExchange exchange) {
        return exchange.encrypted() ? Handshake.ERROR_POLICY : Handshake.ERROR_TLS_REQUIRED;
    }
}
