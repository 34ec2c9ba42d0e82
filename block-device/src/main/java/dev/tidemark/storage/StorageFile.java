package dev.tidemark.storage;

import java.nio.ByteBuffer;

/**
 * An open file. Reads and writes are positional and complete: a short transfer is continued. A
 * write is visible to reads at once and survives the process; it survives power loss only after
 * {@link #force()}. Thread-safe; the buffers are the caller's, and their position moves by what was
 * transferred.
 */
public interface StorageFile extends AutoCloseable {
    /** For messages only. */
    String path();

    long sizeBytes() throws StorageException;

    /** Bytes of disk the file occupies now (holes excluded). */
    long allocatedBytes() throws StorageException;

    /**
     * Fills {@code target} from {@code position}; returns the bytes read, less than asked only at
     * the end of the file. May wait for the disk.
     */
    int read(long position, ByteBuffer target) throws StorageException;

    /**
     * Like {@link #read} but never waits for a disk.
     *
     * @return the bytes read, or {@link #WOULD_BLOCK} when not all of them (short of the file's
     *     end) are in memory; then the target's position is unchanged
     */
    int readIfCached(long position, ByteBuffer target) throws StorageException;

    int WOULD_BLOCK = -1;

    /**
     * Says that many small reads of what is cached are to come, and that the file keeps its size
     * until it is closed. A hint: changes what they cost, never what they answer.
     */
    void expectSmallReads();

    /**
     * Writes all remaining bytes of {@code source} at {@code position}, growing the file where
     * needed.
     */
    void write(long position, ByteBuffer source) throws StorageException;

    /**
     * Writes all remaining bytes of {@code sources[from..to)} one after the other at {@code
     * position}, in as few system calls as the system allows.
     */
    void write(long position, ByteBuffer[] sources, int from, int to) throws StorageException;

    /**
     * Makes everything written before this call durable, and the size (fdatasync). A failure is
     * final: never retry it as if nothing had happened.
     */
    void force() throws StorageException;

    /**
     * Begins to bring a range to the disk without waiting for it, so that a later {@link #force()}
     * has less to do. A hint: promises nothing, never fails.
     */
    default void writeSoon(long position, long lengthBytes) {}

    /**
     * Gives up the memory that caches a range, as far as it is on the disk already: for bytes that
     * are hardly read again. A hint: changes no content, never fails.
     */
    default void uncache(long position, long lengthBytes) {}

    /**
     * Allocates space so that later writes below {@code sizeBytes} cannot run out of room; grows
     * the file to that size, zero-filled. A no-op where not supported, but for the size.
     */
    void preallocate(long sizeBytes) throws StorageException;

    void truncate(long sizeBytes) throws StorageException;

    /**
     * Makes a range read as zeros and gives its space back where the file system can; writes zeros
     * where it cannot. The range must lie inside the file.
     */
    void punchHole(long position, long lengthBytes) throws StorageException;

    /** Returned instead of a position when there is nothing of the kind behind. */
    long NONE = Long.MAX_VALUE;

    /**
     * The first byte at or after {@code position} that is not in a hole; {@link #NONE} when there
     * is none before the end of the file. A hole reads as zeros; where the file system cannot tell,
     * everything is data. May wait for the disk.
     */
    long dataFrom(long position) throws StorageException;

    /**
     * The first byte at or after {@code position} that is in a hole; the end of the file counts as
     * one, {@link #NONE} when the position lies behind it. May wait for the disk.
     */
    long holeFrom(long position) throws StorageException;

    /** Idempotent. */
    @Override
    void close() throws StorageException;
}
