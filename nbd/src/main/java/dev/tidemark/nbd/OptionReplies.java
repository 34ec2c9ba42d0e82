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
        return error(allocator.buffer(64 + text.length()), option, error, text);
    }

    private static ByteBuf error(ByteBuf reply, int option, int error, String text) {
        String bounded = bounded(text);
        header(reply, option, error, ByteBufUtil.utf8Bytes(bounded));
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
    ByteBuf information(
            int option, OptionRequest.Information asked, OpenedExport export, int flags) {
        Geometry geometry = export.device().geometry();
        ByteBuf reply = allocator.buffer(256);
        header(reply, option, Handshake.REPLY_INFO, 12)
                .writeShort(Handshake.INFO_EXPORT)
                .writeLong(geometry.sizeBytes())
                .writeShort(flags);
        if (asked.wantsName()) {
            text(reply, option, Handshake.INFO_NAME, export.canonicalName());
        }
        if (asked.wantsDescription() && !export.description().isEmpty()) {
            text(reply, option, Handshake.INFO_DESCRIPTION, bounded(export.description()));
        }
        // Sent to who did not ask, too: it is allowed, and some clients listen (NBD_OPT_INFO).
        blockSize(reply, option, geometry);
        return header(reply, option, Handshake.REPLY_ACK, 0);
    }

    /** Refuses a client that has not asked for block sizes, and tells them (NBD_OPT_INFO). */
    ByteBuf blockSizeRequired(int option, Geometry geometry) {
        ByteBuf reply = allocator.buffer(256);
        blockSize(reply, option, geometry);
        return error(
                reply,
                option,
                Handshake.ERROR_BLOCK_SIZE_REQUIRED,
                "blocks have %d bytes: ask for NBD_INFO_BLOCK_SIZE"
                        .formatted(geometry.minimumBytes()));
    }

    private static void blockSize(ByteBuf reply, int option, Geometry geometry) {
        header(reply, option, Handshake.REPLY_INFO, 14)
                .writeShort(Handshake.INFO_BLOCK_SIZE)
                .writeInt(geometry.minimumBytes())
                .writeInt(Math.max(geometry.preferredBytes(), 512))
                .writeInt(geometry.maximumBytes());
    }

    /** Metadata contexts, listed or selected, with the acknowledgement. */
    ByteBuf contexts(int option, List<SelectedContext> contexts) {
        ByteBuf reply = allocator.buffer(64 * (contexts.size() + 1));
        for (SelectedContext context : contexts) {
            int nameBytes = ByteBufUtil.utf8Bytes(context.name());
            header(reply, option, Handshake.REPLY_META_CONTEXT, 4 + nameBytes)
                    .writeInt(context.id());
            ByteBufUtil.writeUtf8(reply, context.name());
        }
        return header(reply, option, Handshake.REPLY_ACK, 0);
    }

    /** The answer to EXPORT_NAME. */
    ByteBuf exportName(BlockDevice device, int flags, boolean zeroes) {
        ByteBuf reply =
                allocator
                        .buffer(10 + Handshake.EXPORT_NAME_ZEROES_BYTES)
                        .writeLong(device.geometry().sizeBytes())
                        .writeShort(flags);
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
    static String bounded(String text) {
        int maximumChars = Handshake.MAXIMUM_NAME_BYTES / 3;
        return text.length() <= maximumChars ? text : text.substring(0, maximumChars);
    }
}
