package dev.tidemark.replica.ship;

/** A peer's message is not what the protocol says; the channel is closed with this text. */
final class MalformedMessageException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedMessageException(String message) {
        super(message);
    }
}
