package dev.tidemark.blockdevice;

/**
 * Tells something about every byte of a disk, as one number for each extent: whether it holds data,
 * whether it changed since a point, which write it is from. What the numbers mean is up to the
 * source.
 */
@FunctionalInterface
public interface StatusSource {
    /**
     * Describes a range from its start on, without gaps. The answer may stop short of the range's
     * end, but describes at least one byte of a range that is not empty. Neighbouring extents
     * differ, so that an answer is as short as it can be.
     *
     * <p>Threads and errors as for every request of a {@link BlockDevice}: ends exactly once
     * through {@code done}, on the caller's thread when nothing needs a disk wait.
     *
     * @param offsetBytes start of the range, inside the disk
     * @param lengthBytes length of the range, which ends inside the disk; 0 gives an empty answer
     * @param maximumCount most extents to describe, at least 1
     */
    void status(long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done);
}
