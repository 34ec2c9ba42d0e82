package dev.tidemark.journal;

import java.nio.ByteBuffer;

/**
 * The undo segments of one group, as far as the undo log needs them: numbered places of a fixed
 * size, written once and read at random. The journal implements it over storage units. Thread-safe;
 * every method may wait for the disk unless told not to.
 */
interface UndoSegments {
    /**
     * Takes the segment after {@code segment} (0: the first of the group) into use; its header is
     * written and durable. May wait for retention, so the caller holds no lock that retention takes.
     *
     * @return its number, larger than {@code segment}
     */
    int next(int segment) throws JournalException;

    /** Gives up a segment that nothing was written to. */
    void discard(int segment);

    /** First position behind a segment's header. */
    int headerBytes();

    /** End of a segment: no byte is written at or behind it. */
    int capacityBytes(int segment) throws JournalException;

    /** Writes all remaining bytes. */
    void write(int segment, int position, ByteBuffer source) throws JournalException;

    /** Makes what was written to this segment durable; a failure is final. */
    void force(int segment) throws JournalException;

    /**
     * Fills {@code target}; too few bytes are a {@link JournalException} like any other corruption.
     *
     * @param cachedOnly never wait for a disk
     * @return false when that would have been necessary; then the target's position is unchanged
     */
    boolean read(int segment, int position, ByteBuffer target, boolean cachedOnly)
            throws JournalException;

    /** The oldest segment there is, 0 when there is none. */
    int oldest();

    /** Gives up the segments before this one; a read under way finishes first. Returns how many. */
    int retireBefore(int segment);

    /** Gives up the segments after this one: left-overs that nothing names. */
    void retireAfter(int segment);

    /**
     * The failure for bytes of a segment that do not match their checksum; whoever watches over
     * corruption has been told.
     */
    JournalException corrupt(int segment, int position, String detail);
}
