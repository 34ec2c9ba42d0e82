package dev.tidemark.storage;

import java.util.List;

/**
 * A directory of files: with {@link StorageFile} the one seam through which anything below the
 * gateway module touches a disk. Names are single path components. A created, deleted or renamed
 * entry is durable only after {@link #force()}. Thread-safe.
 */
public interface StorageDirectory {
    /** For messages only. */
    String path();

    /** Names of the plain files, sorted; the lock's own is not among them. */
    List<String> files() throws StorageException;

    /** Names of the sub-directories, sorted. */
    List<String> directories() throws StorageException;

    boolean exists(String name) throws StorageException;

    /** Creates an empty file for reading and writing; fails with EXISTS. */
    StorageFile create(String name) throws StorageException;

    /** Opens an existing file for reading and writing; fails with NOT_FOUND. */
    StorageFile open(String name) throws StorageException;

    /** Opens an existing file for reading only. */
    StorageFile openReadOnly(String name) throws StorageException;

    /** Deletes a file; open handles stay readable. Fails with NOT_FOUND. */
    void delete(String name) throws StorageException;

    /** Replaces {@code to}, atomically. */
    void rename(String from, String to) throws StorageException;

    /** The sub-directory of that name, created when it is missing. */
    StorageDirectory directory(String name) throws StorageException;

    /** Deletes a sub-directory and everything in it. No-op when missing. */
    void deleteDirectory(String name) throws StorageException;

    /**
     * Makes entries created, renamed and deleted so far durable. A failure is final: what was asked
     * may or may not be durable.
     */
    void force() throws StorageException;

    /**
     * Takes the exclusive lock of this directory (file {@code lock}); fails with LOCKED, naming the
     * holder's process id where known. The name is taken: no other method accepts or reports it.
     */
    AutoCloseable lock() throws StorageException;

    /** Bytes an unprivileged process could still allocate on this file system. */
    long usableBytes() throws StorageException;
}
