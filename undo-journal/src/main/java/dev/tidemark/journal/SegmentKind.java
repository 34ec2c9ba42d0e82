package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/** What a segment file holds. Code and file name prefix are part of the format. */
public enum SegmentKind {
    REDO(1, "redo-"),
    UNDO(2, "undo-"),
    WRITE_LOG(3, "log-");

    private final int code;
    private final String prefix;

    SegmentKind(int code, String prefix) {
        this.code = code;
        this.prefix = prefix;
    }

    int code() {
        return code;
    }

    /** Sixteen hexadecimal digits, so that names sort by number. */
    String fileName(long number) {
        return prefix + String.format("%016x", number);
    }

    /** Returns the number in a file's name; -1 when it is no segment of this kind. */
    long numberOf(String fileName) {
        if (!fileName.startsWith(prefix) || fileName.length() != prefix.length() + 16) {
            return -1;
        }
        try {
            return Long.parseLong(fileName, prefix.length(), fileName.length(), 16);
        } catch (NumberFormatException notANumber) {
            return -1;
        }
    }

    static @Nullable SegmentKind ofCode(int code) {
        return switch (code) {
            case 1 -> REDO;
            case 2 -> UNDO;
            case 3 -> WRITE_LOG;
            default -> null;
        };
    }
}
