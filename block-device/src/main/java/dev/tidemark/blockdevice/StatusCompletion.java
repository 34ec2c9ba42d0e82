package dev.tidemark.blockdevice;

/**
 * The end of a question about a range; exactly one method runs, exactly once, on any thread, and
 * must not block.
 */
public interface StatusCompletion {
    void succeeded(RangeStatus status);

    void failed(BlockDeviceException failure);
}
