package dev.tidemark.iscsi.target;

/** What an initiator that names a target hears before it has proven who it is. */
public sealed interface TargetAccess {

    /** It may go on. */
    record Allowed(Authentication authentication) implements TargetAccess {}

    /** It may not use this target (login status 0202). */
    record Denied() implements TargetAccess {}

    /** There is no such target (login status 0203). */
    record Unknown() implements TargetAccess {}

    /**
     * It is to log in elsewhere (RFC 7143 §11.13.5).
     *
     * @param address {@code host:port} or {@code host:port,group}
     * @param permanent 0102 instead of 0101
     */
    record Redirected(String address, boolean permanent) implements TargetAccess {}
}
