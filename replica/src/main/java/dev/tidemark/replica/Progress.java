package dev.tidemark.replica;

/** Hears how far a long operation has come; called on the group's own threads, must not block. */
@FunctionalInterface
public interface Progress {
    Progress NONE = (doneBytes, totalBytes) -> {};

    void advanced(long doneBytes, long totalBytes);
}
