package dev.tidemark.replica.link;

/** Codes of REFUSE. */
public enum Refusal {
    /** No version that both sides speak. */
    VERSION(1),
    /** No site that this one is paired with. */
    UNKNOWN_SITE(2),
    /** The certificate is revoked. */
    REVOKED(3),
    /** The certificate's time is over or has not begun. */
    EXPIRED(4),
    /** More links, streams or connections than are allowed. */
    TOO_MANY(5),
    /** Another link between the two sites stays. */
    DUPLICATE(6),
    /** HELLO or PAIR is not what it should be. */
    MALFORMED(7),
    /** The invitation is unknown, used or expired, or the proof of its secret is wrong. */
    INVITATION(8),
    /** The site is stopping, or does not take this now. */
    NOT_NOW(9);

    private final int code;

    Refusal(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    /** The refusal with a code, NOT_NOW for one that a later version has. */
    static Refusal of(int code) {
        for (Refusal refusal : values()) {
            if (refusal.code == code) {
                return refusal;
            }
        }
        return NOT_NOW;
    }
}
