package dev.tidemark.nbd;

import java.util.List;

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
     * @param wantsBlockSize the client asked for block sizes, and will keep to them
     */
    record Information(
            String name,
            boolean go,
            boolean wantsName,
            boolean wantsDescription,
            boolean wantsBlockSize)
            implements OptionRequest {}

    /** Answer in chunks. */
    record StructuredReplies() implements OptionRequest {}

    /** Speak with 64-bit headers. */
    record ExtendedHeaders() implements OptionRequest {}

    /**
     * Show metadata contexts, or with {@code set} select them.
     *
     * @param queries each with a namespace and a colon
     */
    record MetaContexts(boolean set, String exportName, List<String> queries)
            implements OptionRequest {}

    /** An option that gets an error and leaves the session usable. */
    record Refused(int error, String text) implements OptionRequest {}

    /** An option that has no error reply, or a stream that can no longer be trusted. */
    record Hangup(String reason) implements OptionRequest {}
}
