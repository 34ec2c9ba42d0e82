package dev.tidemark.nbd;

import dev.tidemark.blockdevice.StatusSource;

/**
 * A metadata context of an export, held open for one connection (proto.md "Metadata querying"). Its
 * extents begin and end on multiples of the device's minimum block size.
 */
public interface StatusContext extends StatusSource {

    /**
     * Gives the context back. Called exactly once, on an event loop, after its last question has
     * ended; must not block.
     */
    void close();
}
