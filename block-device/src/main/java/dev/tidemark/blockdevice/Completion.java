package dev.tidemark.blockdevice;

/**
 * The end of a write, zero or flush; exactly one method runs, exactly once, on any thread, and must
 * not block.
 */
public interface Completion {
    void succeeded();

    void failed(BlockDeviceException failure);
}
