package dev.tidemark.harness;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * The way into an export: fixed newstyle negotiation with the option GO (doc/proto.md, "Fixed
 * newstyle negotiation").
 */
final class NbdTestHandshake {
    private static final long NBDMAGIC = 0x4e42444d41474943L;
    private static final long IHAVEOPT = 0x49484156454F5054L;
    private static final long REPLY_MAGIC = 0x3e889045565a9L;
    private static final int FIXED_NEWSTYLE_NO_ZEROES = 3;
    private static final int OPTION_GO = 7;
    private static final int REPLY_ACK = 1;
    private static final int REPLY_INFO = 3;
    private static final int INFO_EXPORT = 0;
    private static final int INFO_BLOCK_SIZE = 3;

    /**
     * What a client may send to a server that says nothing of block sizes ("Block size
     * constraints").
     */
    private static final int LARGEST_BYTES = 32 << 20;

    private NbdTestHandshake() {}

    /** What the server says about an export. */
    record Export(long sizeBytes, int flags, int largestBytes) {}

    static Export go(SocketChannel channel, String name) throws IOException {
        ByteBuffer greeting = readFully(channel, 18);
        if (greeting.getLong() != NBDMAGIC || greeting.getLong() != IHAVEOPT) {
            throw new IOException("not a newstyle NBD server");
        }
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        writeFully(
                channel,
                ByteBuffer.allocate(4 + 16 + 8 + nameBytes.length)
                        .putInt(FIXED_NEWSTYLE_NO_ZEROES)
                        .putLong(IHAVEOPT)
                        .putInt(OPTION_GO)
                        .putInt(8 + nameBytes.length)
                        .putInt(nameBytes.length)
                        .put(nameBytes)
                        .putShort((short) 1)
                        .putShort((short) INFO_BLOCK_SIZE)
                        .flip());
        return replies(channel, name);
    }

    private static Export replies(SocketChannel channel, String name) throws IOException {
        Export export = new Export(-1, 0, 0);
        int largestBytes = LARGEST_BYTES;
        while (true) {
            ByteBuffer header = readFully(channel, 20);
            if (header.getLong() != REPLY_MAGIC || header.getInt() != OPTION_GO) {
                throw new IOException("not a reply to GO");
            }
            int type = header.getInt();
            ByteBuffer payload = readFully(channel, header.getInt());
            if (type == REPLY_ACK) {
                return new Export(export.sizeBytes(), export.flags(), largestBytes);
            }
            if (type < 0) {
                throw new IOException(
                        "export %s is refused with 0x%x: %s"
                                .formatted(name, type, StandardCharsets.UTF_8.decode(payload)));
            }
            if (type == REPLY_INFO) {
                int information = payload.getShort();
                if (information == INFO_EXPORT) {
                    export = new Export(payload.getLong(), payload.getShort() & 0xffff, 0);
                } else if (information == INFO_BLOCK_SIZE) {
                    largestBytes = payload.getInt(payload.limit() - Integer.BYTES);
                }
            }
        }
    }

    static ByteBuffer readFully(ReadableByteChannel channel, int lengthBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(lengthBytes);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes) < 0) {
                throw new EOFException(
                        "the server closed after %d of %d bytes"
                                .formatted(bytes.position(), lengthBytes));
            }
        }
        return bytes.flip();
    }

    static void writeFully(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
