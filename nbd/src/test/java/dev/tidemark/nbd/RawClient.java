package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** A client that sends whatever bytes a test wants. Blocking, for one thread. */
final class RawClient implements AutoCloseable {
    static final int FIXED_NO_ZEROES = 3;

    private final SocketChannel channel;
    private boolean tlsAtGreeting;
    private @Nullable SSLSocket tls;
    private ReplyForm form = ReplyForm.SIMPLE;

    RawClient(ListenAddress address) throws IOException {
        channel =
                switch (address) {
                    case ListenAddress.Tcp(String host, int port) ->
                            SocketChannel.open(new InetSocketAddress(host, port));
                    case ListenAddress.Unix unix -> {
                        SocketChannel open = SocketChannel.open(StandardProtocolFamily.UNIX);
                        open.connect(UnixDomainSocketAddress.of(unix.path()));
                        yield open;
                    }
                    case ListenAddress.Inherited inherited ->
                            throw new AssertionError(inherited + " is told as what it is");
                };
    }

    /** One reply to an option. */
    record OptionReply(int option, int type, ByteBuffer payload) {
        String text() {
            return StandardCharsets.UTF_8.decode(payload.duplicate()).toString();
        }
    }

    /** One simple reply's header. */
    record Reply(int error, long cookie) {}

    RawClient send(byte... bytes) throws IOException {
        return send(ByteBuffer.wrap(bytes));
    }

    /** All that follows a greeting goes on inside TLS. */
    RawClient inTls() {
        tlsAtGreeting = true;
        return this;
    }

    /** Goes on inside TLS; on TCP only. */
    RawClient startTls() throws IOException {
        option(Handshake.OPTION_STARTTLS);
        assertThat(optionReply().type()).isEqualTo(Handshake.REPLY_ACK);
        SSLSocket wrapped =
                (SSLSocket)
                        TestTls.CONTEXT
                                .getSocketFactory()
                                .createSocket(channel.socket(), "localhost", 0, false);
        wrapped.startHandshake();
        tls = wrapped;
        return this;
    }

    RawClient send(ByteBuffer bytes) throws IOException {
        if (tls != null) {
            byte[] plain = new byte[bytes.remaining()];
            bytes.get(plain);
            tls.getOutputStream().write(plain);
            return this;
        }
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        return this;
    }

    ByteBuffer receive(int lengthBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(lengthBytes);
        while (bytes.hasRemaining()) {
            if (read(bytes) < 0) {
                throw new EOFException(
                        "the server closed after %d of %d bytes"
                                .formatted(bytes.position(), lengthBytes));
            }
        }
        return bytes.flip();
    }

    private int read(ByteBuffer bytes) throws IOException {
        if (tls == null) {
            return channel.read(bytes);
        }
        byte[] plain = new byte[bytes.remaining()];
        int count = tls.getInputStream().read(plain);
        if (count > 0) {
            bytes.put(plain, 0, count);
        }
        return count;
    }

    /** Everything until the server closes, TLS not looked into. */
    byte[] receiveAll() throws IOException {
        ByteBuffer all = ByteBuffer.allocate(1 << 20);
        try {
            while (channel.read(all) >= 0) {
                assertThat(all.hasRemaining()).isTrue();
            }
        } catch (IOException reset) {
            assertThat(reset).hasMessageMatching("(?i).*(reset|broken pipe).*");
        }
        return Arrays.copyOf(all.array(), all.position());
    }

    String receiveHex(int lengthBytes) throws IOException {
        return HexFormat.of().formatHex(receive(lengthBytes).array());
    }

    /** Waits until the server has closed; what it still sends is an error. */
    void expectClosed() throws IOException {
        try {
            assertThat(read(ByteBuffer.allocate(1))).isEqualTo(-1);
        } catch (IOException reset) {
            assertThat(reset).hasMessageMatching("(?i).*(reset|broken pipe).*");
        }
    }

    /** The same, where a reset is an error too: it might have overtaken replies. */
    void expectEnd() throws IOException {
        assertThat(read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }

    RawClient greet(int clientFlags) throws IOException {
        receive(18);
        send(ByteBuffer.allocate(4).putInt(clientFlags).flip());
        // Without fixed newstyle there are no options but one, and with unknown flags nothing.
        return tlsAtGreeting && (clientFlags & ~2) == 1 ? startTls() : this;
    }

    RawClient greet() throws IOException {
        return greet(FIXED_NO_ZEROES);
    }

    RawClient option(int option, byte... payload) throws IOException {
        return option(option, payload.length, payload);
    }

    /** An option whose header may lie about the length. */
    RawClient option(int option, int lengthBytes, byte[] payload) throws IOException {
        return send(
                ByteBuffer.allocate(16 + payload.length)
                        .putLong(0x49484156454F5054L)
                        .putInt(option)
                        .putInt(lengthBytes)
                        .put(payload)
                        .flip());
    }

    /** The payload of INFO and GO. */
    static byte[] information(String name, int... requests) {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer payload =
                ByteBuffer.allocate(6 + nameBytes.length + 2 * requests.length)
                        .putInt(nameBytes.length)
                        .put(nameBytes)
                        .putShort((short) requests.length);
        for (int request : requests) {
            payload.putShort((short) request);
        }
        return payload.array();
    }

    OptionReply optionReply() throws IOException {
        ByteBuffer header = receive(20);
        assertThat(header.getLong()).isEqualTo(0x3e889045565a9L);
        int option = header.getInt();
        int type = header.getInt();
        return new OptionReply(option, type, receive(header.getInt()));
    }

    /** All replies up to the last, which is an acknowledgement or an error. */
    List<OptionReply> optionReplies() throws IOException {
        List<OptionReply> replies = new ArrayList<>();
        OptionReply reply;
        do {
            reply = optionReply();
            replies.add(reply);
        } while (reply.type() != Handshake.REPLY_ACK && reply.type() >= 0);
        return replies;
    }

    /** Enters transmission. */
    RawClient go(String name) throws IOException {
        greet();
        option(Handshake.OPTION_GO, information(name));
        assertThat(optionReplies().getLast().type()).isEqualTo(Handshake.REPLY_ACK);
        return this;
    }

    static ByteBuffer request(int flags, int type, long cookie, long offset, int length) {
        return ByteBuffer.allocate(28)
                .putInt(0x25609513)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putLong(offset)
                .putInt(length)
                .flip();
    }

    static ByteBuffer extended(int flags, int type, long cookie, long offset, long length) {
        return ByteBuffer.allocate(32)
                .putInt(0x21e41c71)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putLong(offset)
                .putLong(length)
                .flip();
    }

    RawClient ask(NbdCommand command, long cookie, long offset, long length) throws IOException {
        return ask(0, command, cookie, offset, length);
    }

    /** A request in the form that was agreed on. */
    RawClient ask(int flags, NbdCommand command, long cookie, long offset, long length)
            throws IOException {
        return send(header(flags, command.code(), cookie, offset, length));
    }

    private ByteBuffer header(int flags, int type, long cookie, long offset, long length) {
        return form == ReplyForm.EXTENDED
                ? extended(flags, type, cookie, offset, length)
                : request(flags, type, cookie, offset, (int) length);
    }

    /** A write in the form that was agreed on. */
    RawClient write(int flags, long cookie, long offset, byte[] data) throws IOException {
        int marked = form == ReplyForm.EXTENDED ? flags | CommandFlags.PAYLOAD_LEN : flags;
        return ask(marked, NbdCommand.WRITE, cookie, offset, data.length).send(data);
    }

    /** Greets and agrees on a form of replies. */
    RawClient agree(ReplyForm wanted) throws IOException {
        greet();
        if (wanted != ReplyForm.SIMPLE) {
            option(
                    wanted == ReplyForm.STRUCTURED
                            ? Handshake.OPTION_STRUCTURED_REPLY
                            : Handshake.OPTION_EXTENDED_HEADERS);
            assertThat(optionReply().type()).isEqualTo(Handshake.REPLY_ACK);
        }
        form = wanted;
        return this;
    }

    /** Enters transmission after {@link #agree}. */
    RawClient enter(String name) throws IOException {
        option(Handshake.OPTION_GO, information(name));
        assertThat(optionReplies().getLast().type()).isEqualTo(Handshake.REPLY_ACK);
        return this;
    }

    /** The payload of LIST_META_CONTEXT and SET_META_CONTEXT. */
    static byte[] queries(String export, String... queries) {
        ByteBuffer payload = ByteBuffer.allocate(16 << 10);
        byte[] exportBytes = export.getBytes(StandardCharsets.UTF_8);
        payload.putInt(exportBytes.length).put(exportBytes).putInt(queries.length);
        for (String query : queries) {
            byte[] queryBytes = query.getBytes(StandardCharsets.UTF_8);
            payload.putInt(queryBytes.length).put(queryBytes);
        }
        return Arrays.copyOf(payload.array(), payload.position());
    }

    /** Lists or selects metadata contexts; returns them as id=name, and the last reply's type. */
    List<String> contexts(int option, String export, String... queries) throws IOException {
        option(option, queries(export, queries));
        List<String> contexts = new ArrayList<>();
        for (OptionReply reply : optionReplies()) {
            if (reply.type() == Handshake.REPLY_META_CONTEXT) {
                int id = reply.payload().getInt();
                contexts.add(id + "=" + reply.text());
            } else {
                contexts.add(Integer.toHexString(reply.type()));
            }
        }
        return contexts;
    }

    /** One chunk of a reply. */
    record Chunk(int flags, int type, long cookie, ByteBuffer payload) {
        boolean done() {
            return flags == ChunkWriter.FLAG_DONE;
        }

        /** The text of an error chunk. */
        String text() {
            byte[] text = new byte[payload.getShort(4)];
            payload.get(6, text);
            return new String(text, StandardCharsets.UTF_8);
        }

        /** What a data chunk carries. */
        byte[] data() {
            byte[] data = new byte[payload.limit() - 8];
            payload.get(8, data);
            return data;
        }
    }

    Chunk chunk(long requestOffset) throws IOException {
        if (form == ReplyForm.EXTENDED) {
            ByteBuffer header = receive(32);
            assertThat(header.getInt()).isEqualTo(0x6e8a278c);
            int flags = header.getShort();
            int type = header.getShort() & 0xffff;
            long cookie = header.getLong();
            assertThat(header.getLong()).isEqualTo(requestOffset);
            return new Chunk(flags, type, cookie, receive((int) header.getLong()));
        }
        ByteBuffer header = receive(20);
        assertThat(header.getInt()).isEqualTo(0x668e33ef);
        int flags = header.getShort();
        int type = header.getShort() & 0xffff;
        long cookie = header.getLong();
        return new Chunk(flags, type, cookie, receive(header.getInt()));
    }

    /** All chunks of the next reply; no other reply may come in between. */
    List<Chunk> chunks(long cookie, long requestOffset) throws IOException {
        List<Chunk> chunks = new ArrayList<>();
        do {
            chunks.add(chunk(requestOffset));
            assertThat(chunks.getLast().cookie()).isEqualTo(cookie);
        } while (!chunks.getLast().done());
        return chunks;
    }

    /** Expects a reply without data in the form that was agreed on. */
    RawClient expect(long cookie, long requestOffset, NbdError error) throws IOException {
        if (form == ReplyForm.SIMPLE) {
            return expect(cookie, error);
        }
        Chunk chunk = chunks(cookie, requestOffset).getFirst();
        assertThat(chunk.done()).isTrue();
        if (error == NbdError.OK) {
            assertThat(chunk.type()).isEqualTo(ChunkWriter.TYPE_NONE);
        } else {
            assertThat(Integer.toHexString(chunk.type())).isEqualTo("8001");
            assertThat(chunk.payload().getInt(0)).isEqualTo(error.value());
            assertThat(chunk.text()).isNotBlank();
        }
        return this;
    }

    Reply reply() throws IOException {
        ByteBuffer header = receive(16);
        assertThat(header.getInt()).isEqualTo(0x67446698);
        return new Reply(header.getInt(), header.getLong());
    }

    RawClient expect(long cookie, NbdError error) throws IOException {
        assertThat(reply()).isEqualTo(new Reply(error.value(), cookie));
        return this;
    }

    /** Closes this side only. */
    RawClient finish() throws IOException {
        if (tls != null) {
            tls.shutdownOutput();
        } else {
            channel.shutdownOutput();
        }
        return this;
    }

    /** Closes with a reset where the transport has one. */
    void reset() throws IOException {
        if (channel.getLocalAddress() instanceof InetSocketAddress) {
            channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        }
        channel.close();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
