package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.UUID;

/**
 * HELLO and WELCOME: who speaks, and which stream of which link this is. See {@code
 * docs/internals/link-protocol.md}, "Frames".
 */
record Hello(
        int version,
        int oldest,
        long capabilities,
        UUID site,
        UUID link,
        int stream,
        int streams,
        String programVersion,
        String name) {
    /** The version that this program speaks, and the oldest that it still does. */
    static final int VERSION = 1;

    static Hello of(LinkCredentials own, UUID link, int stream, int streams) {
        return new Hello(
                VERSION,
                VERSION,
                0,
                own.site(),
                link,
                stream,
                streams,
                own.programVersion(),
                own.siteName());
    }

    ByteBuf encode() {
        ByteBuf body = Unpooled.buffer().writeShortLE(version).writeShortLE(oldest);
        body.writeLongLE(capabilities);
        Fields.writeId(body, site);
        Fields.writeId(body, link);
        body.writeByte(stream).writeByte(streams);
        Texts.write(body, programVersion);
        Texts.write(body, name);
        return body;
    }

    /**
     * @throws PeerRefusedException VERSION when no version is common, MALFORMED
     */
    static Hello decode(ByteBuf body) throws PeerRefusedException {
        try {
            int version = body.readUnsignedShortLE();
            int oldest = body.readUnsignedShortLE();
            if (version < VERSION || oldest > VERSION) {
                throw new PeerRefusedException(
                        Refusal.VERSION,
                        "the peer speaks versions "
                                + oldest
                                + " to "
                                + version
                                + " of the link protocol, this site "
                                + VERSION
                                + "; bring both to the same release of Tidemark");
            }
            Hello hello =
                    new Hello(
                            version,
                            oldest,
                            body.readLongLE(),
                            Fields.readId(body),
                            Fields.readId(body),
                            body.readUnsignedByte(),
                            body.readUnsignedByte(),
                            Texts.read(body),
                            Texts.read(body));
            if (hello.streams < 1
                    || hello.streams > LinkOptions.MAXIMUM_STREAMS
                    || hello.stream >= hello.streams) {
                throw new PeerRefusedException(
                        Refusal.MALFORMED,
                        "stream " + hello.stream + " of " + hello.streams + " streams");
            }
            return hello;
        } catch (IndexOutOfBoundsException cut) {
            throw new PeerRefusedException(Refusal.MALFORMED, "HELLO is cut short");
        }
    }
}
