package dev.tidemark.replica;

import java.nio.ByteBuffer;
import java.util.List;

/** The content of a copy that is made or synchronised, as its source asks for it. Blocking. */
public interface CopyContent {
    /** Makes something of a range. */
    @FunctionalInterface
    interface RangeMaker<T> {
        T range(long offsetBytes, long lengthBytes);
    }

    /** The ranges of a range that may hold data, ascending, at most {@code limit}. */
    <T> List<T> allocated(
            int id, long offsetBytes, long lengthBytes, int limit, RangeMaker<T> maker)
            throws ReplicaException;

    /** Fills the buffer. */
    void read(int id, long offsetBytes, ByteBuffer target) throws ReplicaException;
}
