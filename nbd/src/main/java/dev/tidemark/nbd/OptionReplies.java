package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Geometry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.util.List;

/** Builds the server's side of the handshake. The caller owns what is returned. */
final class OptionReplies {
    private final ByteBufAllocator allocator;

    OptionReplies(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    ByteBuf greeting() {
        return allocator
                .buffer(18)
                .writeLong(Handshake.MAGIC)
                .writeLong(Handshake.OPTION_MAGIC)
                .writeShort(Handshake.KNOWN_FLAGS);
    }

    ByteBuf acknowledge(int option) {
        return header(allocator.buffer(20), option, Handshake.REPLY_ACK, 0);
    }

    ByteBuf error(int option, int error, String text) {
        String bounded = bounded(text);
        int lengthBytes = ByteBufUtil.utf8Bytes(bounded);
        ByteBuf reply = header(allocator.buffer(20 + lengthBytes), option, error, lengthBytes);
        ByteBufUtil.writeUtf8(reply, bounded);
        return reply;
    }

    /** All of the list and its acknowledgement; names too long for the protocol are left out. */
    ByteBuf list(int option, List<ExportDescription> exports) {
        ByteBuf reply = allocator.buffer(64 * (exports.size() + 1));
        for (ExportDescription export : exports) {
            int nameBytes = ByteBufUtil.utf8Bytes(export.name());
            if (nameBytes > Handshake.MAXIMUM_NAME_BYTES) {
                continue;
            }
            String description = bounded(export.description());
            int lengthBytes = 4 + nameBytes + ByteBufUtil.utf8Bytes(description);
            header(reply, option, Handshake.REPLY_SERVER, lengthBytes).writeInt(nameBytes);
            ByteBufUtil.writeUtf8(reply, export.name());
            ByteBufUtil.writeUtf8(reply, description);
        }
        return header(reply, option, Handshake.REPLY_ACK, 0);
    }

    /** What INFO and GO tell, with the acknowledgement. */
    ByteBuf information(int option, OptionRequest.Information asked, OpenedExport export) {
        BlockDevice device = export.device();
        Geometry geometry = device.geometry();
        ByteBuf reply = allocator.buffer(256);
        header(reply, option, Handshake.REPLY_INFO, 12)
                .writeShort(Handshake.INFO_EXPORT)
                .writeLong(geometry.sizeBytes())
                .writeShort(TransmissionFlags.of(device.features()));
        if (asked.wantsName()) {
            text(reply, option, Handshake.INFO_NAME, export.canonicalName());
        }
        if (asked.wantsDescription() && !export.description().isEmpty()) {
            text(reply, option, Handshake.INFO_DESCRIPTION, bounded(export.description()));
        }
        // Sent to who did not ask, too: it is allowed, and some clients listen (NBD_OPT_INFO).
        header(reply, option, Handshake.REPLY_INFO, 14)
                .writeShort(Handshake.INFO_BLOCK_SIZE)
                .writeInt(geometry.minimumBytes())
                .writeInt(Math.max(geometry.preferredBytes(), 512))
                .writeInt(geometry.maximumBytes());
        return header(reply, option, Handshake.REPLY_ACK, 0);
    }

    /** The answer to EXPORT_NAME. */
    ByteBuf exportName(BlockDevice device, boolean zeroes) {
        ByteBuf reply =
                allocator
                        .buffer(10 + Handshake.EXPORT_NAME_ZEROES_BYTES)
                        .writeLong(device.geometry().sizeBytes())
                        .writeShort(TransmissionFlags.of(device.features()));
        return zeroes ? reply.writeZero(Handshake.EXPORT_NAME_ZEROES_BYTES) : reply;
    }

    private static void text(ByteBuf reply, int option, int type, String text) {
        header(reply, option, Handshake.REPLY_INFO, 2 + ByteBufUtil.utf8Bytes(text))
                .writeShort(type);
        ByteBufUtil.writeUtf8(reply, text);
    }

    private static ByteBuf header(ByteBuf reply, int option, int type, int lengthBytes) {
        return reply.writeLong(Handshake.REPLY_MAGIC)
                .writeInt(option)
                .writeInt(type)
                .writeInt(lengthBytes);
    }

    /** A text that fits the protocol's strings; UTF-8 takes at most three bytes for each char. */
    private static String bounded(String text) {
        int maximumChars = Handshake.MAXIMUM_NAME_BYTES / 3;
        return text.length() <= maximumChars ? text : text.substring(0, maximumChars);
    }
}
