package dev.tidemark.journal;

/** One change of what is true of a journal. The codes are part of the format. */
sealed interface ManifestEdit {
    int TAIL_AT = 1;
    int RUN_ADDED = 2;
    int SPAN_ADDED = 3;
    int GOLD_AT = 4;
    int ATTRIBUTE_PUT = 5;
    int ATTRIBUTE_DELETE = 6;
    int SNAPSHOT_END = 7;
    int REDO_FORCED = 8;

    /** History begins at this boundary: runs up to it and spans that cover one of them are gone. */
    record TailAt(Boundary boundary, int epoch) implements ManifestEdit {}

    /** A run, and with it its boundary, is part of history. */
    record RunAdded(RunEntry entry) implements ManifestEdit {}

    /** A merged index can be searched instead of the runs it covers. */
    record SpanAdded(SpanDescriptor span) implements ManifestEdit {}

    /** Gold holds everything up to the end of this run. */
    record GoldAt(long run) implements ManifestEdit {}

    /** The owner's attribute has this value; the array is not changed by anybody. */
    @SuppressWarnings("ArrayRecordComponent")
    record AttributePut(String key, byte[] value) implements ManifestEdit {}

    record AttributeDelete(String key) implements ManifestEdit {}

    /** Redo has been forced up to this sequence number: a log that ends before has lost records. */
    record RedoForced(long sequence) implements ManifestEdit {}

    /** Everything before this edit is the state the file began with. */
    record SnapshotEnd() implements ManifestEdit {}
}
