package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/** What a record is. The code is part of the format. */
public enum RecordKind {
    /** New bytes of a volume. */
    WRITE(1),
    /** A range of a volume that reads as zeros from here on. */
    ZERO(2),
    /** A mark; the point it names is the state after this record. */
    CHECKPOINT(3),
    /** A volume's new size: {@code length} holds it. */
    RESIZE(4),
    /** The start of a promotion or rollback; the epoch grows by one with this record. */
    PROMOTE(5),
    /** The end of a promotion or rollback. */
    PROMOTED(6);

    private final int code;

    RecordKind(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    /** Returns null for a code this version does not know. */
    public static @Nullable RecordKind ofCode(int code) {
        return switch (code) {
            case 1 -> WRITE;
            case 2 -> ZERO;
            case 3 -> CHECKPOINT;
            case 4 -> RESIZE;
            case 5 -> PROMOTE;
            case 6 -> PROMOTED;
            default -> null;
        };
    }
}
