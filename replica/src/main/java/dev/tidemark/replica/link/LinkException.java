package dev.tidemark.replica.link;

/** What a link answers when it does not do what it was asked. The message is for people. */
public final class LinkException extends Exception {
    private static final long serialVersionUID = 1;

    /** The asked side does not know the method, the purpose or the thing. */
    public static final int CODE_UNKNOWN = 1;

    /** Known, and not now. */
    public static final int CODE_NOT_NOW = 2;

    /** The body is not what the method or purpose needs. */
    public static final int CODE_MALFORMED = 3;

    /** The first code that methods and purposes define for themselves. */
    public static final int CODE_FIRST_OWN = 100;

    /** Given to handlers when their link ends; never on the wire. */
    public static final int CODE_LINK_DOWN = -1;

    /** On the wire: the asked side failed in a way that it only logs. */
    static final int CODE_INTERNAL = 0xffff;

    /** What happened. */
    public enum Kind {
        /** The peer said no; {@link #code} is its. */
        REFUSED,
        /** The peer did not answer in time. */
        TIMED_OUT,
        /** Too many requests or channels are open on this link. */
        TOO_MANY,
        /** The link has ended, or there is none. */
        DOWN,
        /** The peer breaks the protocol. */
        PROTOCOL
    }

    private final Kind kind;
    private final int code;

    LinkException(Kind kind, int code, String message) {
        super(message);
        this.kind = kind;
        this.code = code;
    }

    LinkException(Kind kind, String message) {
        this(kind, 0, message);
    }

    /** A refusal to answer a peer with. */
    public static LinkException refusal(int code, String message) {
        if (code < 1 || code > CODE_INTERNAL) {
            throw new IllegalArgumentException("code " + code + " is not within 1 to 65535");
        }
        return new LinkException(Kind.REFUSED, code, message);
    }

    /** For those who wait for an answer only so long. */
    public static LinkException unanswered(String message) {
        return new LinkException(Kind.TIMED_OUT, message);
    }

    public Kind kind() {
        return kind;
    }

    /** The peer's code when REFUSED, otherwise 0. */
    public int code() {
        return code;
    }
}
