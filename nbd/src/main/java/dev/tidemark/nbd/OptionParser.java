package dev.tidemark.nbd;

import dev.tidemark.nbd.OptionRequest.Abort;
import dev.tidemark.nbd.OptionRequest.ExportName;
import dev.tidemark.nbd.OptionRequest.ExtendedHeaders;
import dev.tidemark.nbd.OptionRequest.Hangup;
import dev.tidemark.nbd.OptionRequest.Information;
import dev.tidemark.nbd.OptionRequest.ListExports;
import dev.tidemark.nbd.OptionRequest.Refused;
import dev.tidemark.nbd.OptionRequest.StartTls;
import dev.tidemark.nbd.OptionRequest.StructuredReplies;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Turns an option's code and payload into what it means. Every length is checked before use. */
final class OptionParser {
    /** Name length, and the count of information requests. */
    private static final int INFORMATION_FIXED_BYTES = 4 + 2;

    private OptionParser() {}

    /**
     * Judges an option by its header alone.
     *
     * @return null when its payload is worth keeping
     */
    static @Nullable OptionRequest judge(int option, long lengthBytes) {
        if (lengthBytes > Handshake.MAXIMUM_SKIPPED_OPTION_BYTES) {
            return new Hangup(
                    "option %d has %d bytes, more than %d"
                            .formatted(
                                    option, lengthBytes, Handshake.MAXIMUM_SKIPPED_OPTION_BYTES));
        }
        return switch (option) {
            case Handshake.OPTION_EXPORT_NAME ->
                    lengthBytes > Handshake.MAXIMUM_NAME_BYTES
                            ? new Hangup("export name of " + lengthBytes + " bytes")
                            : null;
            // Data behind ABORT is ignored (proto.md NBD_OPT_ABORT).
            case Handshake.OPTION_ABORT -> new Abort();
            case Handshake.OPTION_LIST -> withoutData(new ListExports(), lengthBytes);
            case Handshake.OPTION_STARTTLS -> withoutData(new StartTls(), lengthBytes);
            case Handshake.OPTION_STRUCTURED_REPLY ->
                    withoutData(new StructuredReplies(), lengthBytes);
            case Handshake.OPTION_EXTENDED_HEADERS ->
                    withoutData(new ExtendedHeaders(), lengthBytes);
            case Handshake.OPTION_INFO,
                    Handshake.OPTION_GO,
                    Handshake.OPTION_LIST_META_CONTEXT,
                    Handshake.OPTION_SET_META_CONTEXT -> {
                if (lengthBytes > Handshake.MAXIMUM_OPTION_BYTES) {
                    yield new Refused(
                            Handshake.ERROR_TOO_BIG,
                            "option of %d bytes exceeds %d"
                                    .formatted(lengthBytes, Handshake.MAXIMUM_OPTION_BYTES));
                }
                yield null;
            }
            default ->
                    new Refused(
                            Handshake.ERROR_UNSUPPORTED,
                            "option " + Integer.toUnsignedString(option) + " is not supported");
        };
    }

    /**
     * Reads a payload that {@link #judge} wanted; consumes all of {@code payload} or part of it.
     */
    static OptionRequest parse(int option, ByteBuf payload) {
        return switch (option) {
            case Handshake.OPTION_EXPORT_NAME -> parseExportName(payload);
            case Handshake.OPTION_INFO -> parseInformation(payload, false);
            case Handshake.OPTION_GO -> parseInformation(payload, true);
            case Handshake.OPTION_LIST_META_CONTEXT -> MetaContextParser.parse(payload, false);
            case Handshake.OPTION_SET_META_CONTEXT -> MetaContextParser.parse(payload, true);
            default -> throw new AssertionError("option " + option + " has no payload to parse");
        };
    }

    private static OptionRequest withoutData(OptionRequest request, long lengthBytes) {
        return lengthBytes == 0
                ? request
                : invalid("the option takes no data, got " + lengthBytes + " bytes");
    }

    private static OptionRequest parseExportName(ByteBuf payload) {
        try {
            return new ExportName(readString(payload, payload.readableBytes()));
        } catch (CharacterCodingException e) {
            return new Hangup("export name is not valid UTF-8 without zero bytes");
        }
    }

    private static OptionRequest parseInformation(ByteBuf payload, boolean go) {
        int lengthBytes = payload.readableBytes();
        if (lengthBytes < INFORMATION_FIXED_BYTES) {
            return invalid(
                    "option of %d bytes is shorter than %d"
                            .formatted(lengthBytes, INFORMATION_FIXED_BYTES));
        }
        long nameBytes = payload.readUnsignedInt();
        if (nameBytes > lengthBytes - INFORMATION_FIXED_BYTES) {
            return invalid(
                    "name of %d bytes exceeds the option of %d".formatted(nameBytes, lengthBytes));
        }
        if (nameBytes > Handshake.MAXIMUM_NAME_BYTES) {
            return new Refused(
                    Handshake.ERROR_TOO_BIG,
                    "name of %d bytes exceeds %d"
                            .formatted(nameBytes, Handshake.MAXIMUM_NAME_BYTES));
        }
        String name;
        try {
            name = readString(payload, (int) nameBytes);
        } catch (CharacterCodingException e) {
            return invalid("the export name is not valid UTF-8 without zero bytes");
        }
        int count = payload.readUnsignedShort();
        if (count * 2 != payload.readableBytes()) {
            return invalid(
                    "%d information requests take %d bytes, the option has %d left"
                            .formatted(count, count * 2, payload.readableBytes()));
        }
        return information(name, go, payload, count);
    }

    private static Information information(String name, boolean go, ByteBuf payload, int count) {
        boolean wantsName = false;
        boolean wantsDescription = false;
        boolean wantsBlockSize = false;
        for (int index = 0; index < count; index++) {
            // Requests that are not understood are ignored (proto.md NBD_OPT_INFO).
            switch (payload.readUnsignedShort()) {
                case Handshake.INFO_NAME -> wantsName = true;
                case Handshake.INFO_DESCRIPTION -> wantsDescription = true;
                case Handshake.INFO_BLOCK_SIZE -> wantsBlockSize = true;
                default -> {}
            }
        }
        return new Information(name, go, wantsName, wantsDescription, wantsBlockSize);
    }

    /** A string of the protocol: UTF-8 without zero bytes (proto.md "Conventions"). */
    static String readString(ByteBuf payload, int lengthBytes) throws CharacterCodingException {
        byte[] bytes = new byte[lengthBytes];
        payload.readBytes(bytes);
        for (byte value : bytes) {
            if (value == 0) {
                throw new CharacterCodingException();
            }
        }
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }

    private static Refused invalid(String text) {
        return new Refused(Handshake.ERROR_INVALID, text);
    }
}
