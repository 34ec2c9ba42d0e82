package dev.tidemark.nbd;

import dev.tidemark.nbd.OptionRequest.MetaContexts;
import dev.tidemark.nbd.OptionRequest.Refused;
import io.netty.buffer.ByteBuf;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the payload of LIST_META_CONTEXT and SET_META_CONTEXT (proto.md, both options):
 *
 * <pre>
 * size  field
 *    4  length of the export's name
 *    n  the name
 *    4  number of queries
 *  4+n  length and text of each query
 * </pre>
 */
final class MetaContextParser {
    /** Queries one option may carry; more is ERR_TOO_BIG. */
    static final int MAXIMUM_QUERIES = 64;

    private MetaContextParser() {}

    static OptionRequest parse(ByteBuf payload, boolean set) {
        try {
            String exportName = readString(payload, "export name");
            long count = readLength(payload, "number of queries");
            if (count > MAXIMUM_QUERIES) {
                return new Refused(
                        Handshake.ERROR_TOO_BIG,
                        "%d queries exceed %d".formatted(count, MAXIMUM_QUERIES));
            }
            List<String> queries = new ArrayList<>();
            for (int index = 0; index < count; index++) {
                queries.add(query(readString(payload, "query")));
            }
            if (payload.isReadable()) {
                throw new MalformedException(
                        "%d bytes behind the queries".formatted(payload.readableBytes()));
            }
            return new MetaContexts(set, exportName, List.copyOf(queries));
        } catch (MalformedException e) {
            return new Refused(Handshake.ERROR_INVALID, e.text);
        }
    }

    private static String query(String text) throws MalformedException {
        if (text.indexOf(':') <= 0) {
            throw new MalformedException("query \"" + text + "\" has no namespace and colon");
        }
        return text;
    }

    private static String readString(ByteBuf payload, String what) throws MalformedException {
        long lengthBytes = readLength(payload, what);
        if (lengthBytes > payload.readableBytes()) {
            throw new MalformedException(
                    "%s of %d bytes, the option has %d left"
                            .formatted(what, lengthBytes, payload.readableBytes()));
        }
        if (lengthBytes > Handshake.MAXIMUM_NAME_BYTES) {
            throw new MalformedException(
                    "%s of %d bytes exceeds %d"
                            .formatted(what, lengthBytes, Handshake.MAXIMUM_NAME_BYTES));
        }
        try {
            return OptionParser.readString(payload, (int) lengthBytes);
        } catch (CharacterCodingException e) {
            throw new MalformedException("the " + what + " is not valid UTF-8 without zero bytes");
        }
    }

    private static long readLength(ByteBuf payload, String what) throws MalformedException {
        if (payload.readableBytes() < 4) {
            throw new MalformedException("the option ends before the " + what);
        }
        return payload.readUnsignedInt();
    }

    /** The payload does not add up; the text is for the client. */
    private static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1;
        private final String text;

        MalformedException(String text) {
            super(text, null, false, false);
            this.text = text;
        }
    }
}
