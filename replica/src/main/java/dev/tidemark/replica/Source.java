package dev.tidemark.replica;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import java.nio.ByteBuffer;

/**
 * Where the bytes of a group's volumes come from: the head, a past moment, or an image.
 * Thread-safe.
 */
interface Source {
    /**
     * Fills {@code target} with a volume's bytes from {@code offsetBytes} on; what lies past the
     * end of the stored data reads as zeros.
     *
     * @param cachedOnly do not wait for a disk
     * @return false when {@code cachedOnly} and not everything is in memory: the target's content
     *     and position then mean nothing
     */
    boolean read(int volume, long offsetBytes, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException;

    /**
     * Tells what of a volume holds data: as {@link StatusRequest.Painter#paint}, with the bits of
     * {@link Allocation} as first values. May wait for a disk.
     */
    long allocation(int volume, long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException;
}
