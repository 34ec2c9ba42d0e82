package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * The request being decoded; one object per connection, overwritten by every request.
 *
 * <p>Compact form (proto.md "Request message"), big-endian:
 *
 * <pre>
 * offset size field
 *      0    4 magic
 *      4    2 command flags
 *      6    2 type
 *      8    8 cookie
 *     16    8 offset
 *     24    4 length
 * </pre>
 */
final class RequestHeader {
    static final int COMPACT_BYTES = 28;
    static final int COMPACT_MAGIC = 0x25609513;

    int flags;
    int type;
    long cookie;

    /** As unsigned as on the wire: a negative value lies beyond every device. */
    long offsetBytes;

    long lengthBytes;

    /** Null when there is no such command. */
    @Nullable NbdCommand command;

    /** Reads the compact form; false when the magic is wrong. */
    boolean readCompact(ByteBuf in) {
        int start = in.readerIndex();
        if (in.getInt(start) != COMPACT_MAGIC) {
            return false;
        }
        long flagsAndType = in.getInt(start + 4);
        flags = (int) (flagsAndType >>> 16) & 0xffff;
        type = (int) flagsAndType & 0xffff;
        cookie = in.getLong(start + 8);
        offsetBytes = in.getLong(start + 16);
        lengthBytes = in.getUnsignedInt(start + 24);
        command = NbdCommand.of(type);
        in.readerIndex(start + COMPACT_BYTES);
        return true;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }
}
