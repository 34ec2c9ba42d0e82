package dev.tidemark.nbd;

/** An option as the client meant it. */
sealed interface OptionRequest {

    /** Enter transmission without a word; the oldest way. */
    record ExportName(String name) implements OptionRequest {}

    /** End the session. */
    record Abort() implements OptionRequest {}

    /** Go on inside TLS. */
    record StartTls() implements OptionRequest {}

    /** Show the exports. */
    record ListExports() implements OptionRequest {}

    /**
     * Tell about an export, and with {@code go} enter transmission.
     *
     * @param wantsName the client asked for the canonical name
     * @param wantsDescription the client asked for the description
     */
    record Information(String name, boolean go, boolean wantsName, boolean wantsDescription)
            implements OptionRequest {}

    /** An option that gets an error and leaves the session usable. */
    record Refused(int error, String text) implements OptionRequest {}

    /** An option that has no error reply, or a stream that can no longer be trusted. */
    record Hangup(String reason) implements OptionRequest {}
}
