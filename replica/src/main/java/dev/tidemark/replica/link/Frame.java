package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;

/**
 * A frame as it came in: its checksum and its bounds are checked, its body is not.
 *
 * @param body the receiver's, to be released
 */
record Frame(FrameType type, boolean compressed, int channel, ByteBuf body) {}
