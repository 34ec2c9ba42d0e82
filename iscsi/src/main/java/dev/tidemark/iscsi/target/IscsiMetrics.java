package dev.tidemark.iscsi.target;

/** Is told what happens. Called on event loops and on devices' threads; must not block. */
public interface IscsiMetrics {
    /** Counts nothing. */
    IscsiMetrics NONE = new IscsiMetrics() {};

    default void connectionOpened() {}

    default void connectionClosed() {}

    /**
     * A login was refused.
     *
     * @param status class and detail, as in the Login Response (RFC 7143 §11.13.5)
     */
    default void loginRefused(int status) {}

    default void sessionOpened(String target) {}

    default void sessionClosed(String target) {}

    /**
     * A SCSI command was answered.
     *
     * @param operationCode the CDB's first byte
     * @param status the SCSI status (SAM-5 5.3.1)
     */
    default void commandAnswered(String target, int operationCode, int status) {}

    /** Something that no correct initiator sends has arrived. */
    default void badInput() {}
}
