package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * The request being decoded; one object per connection, overwritten by every request.
 *
 * <p>Compact form (proto.md "Request message") and extended form (extension-ext-header), which
 * differ in the magic and the length, big-endian:
 *
 * <pre>
 * offset size field
 *      0    4 magic
 *      4    2 command flags
 *      6    2 type
 *      8    8 cookie
 *     16    8 offset
 *     24    4 length (compact)
 *     24    8 length (extended): of the payload of WRITE and with PAYLOAD_LEN, else of the range
 * </pre>
 */
final class RequestHeader {
    static final int COMPACT_BYTES = 28;
    static final int COMPACT_MAGIC = 0x25609513;
    static final int EXTENDED_BYTES = 32;
    static final int EXTENDED_MAGIC = 0x21e41c71;

    int flags;
    int type;
    long cookie;

    /** As unsigned as on the wire: a negative value lies beyond every device. */
    long offsetBytes;

    /** The range's length; as unsigned as on the wire. */
    long lengthBytes;

    /** What follows the header; as unsigned as on the wire. */
    long payloadBytes;

    /** Null when there is no such command. */
    @Nullable NbdCommand command;

    /** Reads the compact form; false when the magic is wrong. */
    boolean readCompact(ByteBuf in) {
        int start = in.readerIndex();
        if (in.getInt(start) != COMPACT_MAGIC) {
            return false;
        }
        readCommon(in, start);
        lengthBytes = in.getUnsignedInt(start + 24);
        payloadBytes = command == NbdCommand.WRITE ? lengthBytes : 0;
        in.readerIndex(start + COMPACT_BYTES);
        return true;
    }

    /** Reads the extended form; false when the magic is wrong. */
    boolean readExtended(ByteBuf in) {
        int start = in.readerIndex();
        if (in.getInt(start) != EXTENDED_MAGIC) {
            return false;
        }
        readCommon(in, start);
        lengthBytes = in.getLong(start + 24);
        // QEMU 10 sends writes without the flag, and their payload all the same.
        boolean carries = command == NbdCommand.WRITE || has(CommandFlags.PAYLOAD_LEN);
        payloadBytes = carries ? lengthBytes : 0;
        in.readerIndex(start + EXTENDED_BYTES);
        return true;
    }

    private void readCommon(ByteBuf in, int start) {
        long flagsAndType = in.getInt(start + 4);
        flags = (int) (flagsAndType >>> 16) & 0xffff;
        type = (int) flagsAndType & 0xffff;
        cookie = in.getLong(start + 8);
        offsetBytes = in.getLong(start + 16);
        command = NbdCommand.of(type);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }
}
