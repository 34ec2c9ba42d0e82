package dev.tidemark.blockdevice;

import io.netty.buffer.ByteBuf;

/** The end of a read; exactly one method runs, exactly once, on any thread, and must not block. */
public interface ReadCompletion {
    /**
     * The bytes are here.
     *
     * @param data exactly the bytes asked for, readable; the receiver owns it and releases it
     */
    void succeeded(ByteBuf data);

    void failed(BlockDeviceException failure);
}
