package dev.tidemark.iscsi.text;

/** Text that a peer should not have sent. The message is for the log; no value is quoted in it. */
public final class TextException extends Exception {
    private static final long serialVersionUID = 1;

    public TextException(String message) {
        super(message);
    }
}
