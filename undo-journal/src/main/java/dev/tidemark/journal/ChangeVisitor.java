package dev.tidemark.journal;

/** Receives changed ranges of one volume, ascending, each byte once. */
@FunctionalInterface
public interface ChangeVisitor {
    void changed(long offsetBytes, long lengthBytes);
}
