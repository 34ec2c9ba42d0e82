package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Crc32c;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import io.netty.buffer.Unpooled;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/** An initiator that sends whatever PDUs a test wants. Blocking, for one thread. */
final class RawInitiator implements AutoCloseable {
    static final String NAME = "iqn.2026-11.dev.tidemark.test:initiator";

    private static final int TIMEOUT_MS = 20_000;
    private static final int DIGEST_BYTES = 4;

    private final Socket socket;
    private int port;
    private boolean headerDigest;
    private boolean dataDigest;
    private int spoiledHeader;
    private int spoiledData;
    private int commandSn = 1;
    private int nextTag = 100;

    RawInitiator(InetSocketAddress address) throws IOException {
        this(address, "127.0.0.1");
    }

    /** From another of this machine's own addresses. */
    RawInitiator(InetSocketAddress address, String from) throws IOException {
        socket =
                new Socket(address.getAddress(), address.getPort(), InetAddress.getByName(from), 0);
        socket.setSoTimeout(TIMEOUT_MS);
        socket.setTcpNoDelay(true);
    }

    /** What the server sent. */
    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    record Answer(Header header, byte[] data) {
        int opcode() {
            return header.opcode();
        }

        /** Status class and detail of a login response. */
        int loginStatus() {
            assertThat(opcode()).isEqualTo(Opcode.LOGIN_RESPONSE);
            return header.shortAt(36);
        }

        String text() {
            return new String(data, StandardCharsets.UTF_8).replace('\0', '\n');
        }

        /** Reason of a reject. */
        int rejectReason() {
            assertThat(opcode()).as("opcode").isEqualTo(Opcode.REJECT);
            return header.at(2);
        }

        /** SCSI status, of a response or of the last Data-In. */
        int status() {
            assertThat(opcode()).isIn(Opcode.SCSI_RESPONSE, Opcode.DATA_IN);
            return header.at(3);
        }

        /** Key, code and qualifier, as "5/2100"; empty without sense. */
        String sense() {
            assertThat(opcode()).isEqualTo(Opcode.SCSI_RESPONSE);
            if (data.length < 16) {
                return "";
            }
            return "%x/%02x%02x".formatted(data[4] & 0x0f, data[14], data[15]);
        }

        int residual() {
            return header.intAt(44);
        }
    }

    /** Closes by a reset, so that nothing that is on its way arrives. */
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    RawInitiator raw(byte... bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        return this;
    }

    RawInitiator send(Header header, byte... data) throws IOException {
        return sendClaiming(header, data.length, data);
    }

    /** A PDU whose header may lie about its length. */
    RawInitiator sendClaiming(Header header, int claimedBytes, byte[] data) throws IOException {
        header.dataBytes(claimedBytes);
        int paddedBytes = (data.length + 3) / 4 * 4;
        ByteBuffer bytes =
                ByteBuffer.allocate(Header.BYTES + paddedBytes + 2 * DIGEST_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(header.bytes());
        if (headerDigest) {
            bytes.putInt(Crc32c.of(header.bytes(), new byte[0]) ^ spoiledHeader);
        }
        bytes.put(data).put(new byte[paddedBytes - data.length]);
        if (dataDigest && data.length > 0) {
            bytes.putInt(Crc32c.of(Unpooled.wrappedBuffer(data)) ^ spoiledData);
        }
        return raw(Arrays.copyOf(bytes.array(), bytes.position()));
    }

    /** From now on digests are sent with these bits turned; 0 sends them as they are. */
    void spoilDigests(int ofHeaders, int ofData) {
        spoiledHeader = ofHeaders;
        spoiledData = ofData;
    }

    Answer receive() throws IOException {
        Header header = new Header();
        System.arraycopy(read(Header.BYTES), 0, header.bytes(), 0, Header.BYTES);
        if (headerDigest) {
            expectDigest(Crc32c.of(header.bytes(), new byte[0]));
        }
        int length = header.dataBytes();
        byte[] data = read(length);
        read(-length & 3);
        if (dataDigest && length > 0) {
            expectDigest(Crc32c.of(Unpooled.wrappedBuffer(data)));
        }
        return new Answer(header, data);
    }

    private void expectDigest(int digest) throws IOException {
        ByteBuffer received = ByteBuffer.wrap(read(DIGEST_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(received.getInt()).as("digest").isEqualTo(digest);
    }

    private byte[] read(int length) throws IOException {
        byte[] bytes = socket.getInputStream().readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the server closed");
        }
        return bytes;
    }

    /** Waits until the server has closed; what it still sends is an error. */
    void expectClosed() throws IOException {
        int next;
        try {
            next = socket.getInputStream().read();
        } catch (IOException reset) {
            assertThat(reset).hasMessageMatching("(?i).*(reset|broken pipe).*");
            return;
        }
        assertThat(next).isEqualTo(-1);
    }

    // ---- login

    static byte[] text(String... pairs) {
        return (String.join("\0", pairs) + "\0").getBytes(StandardCharsets.UTF_8);
    }

    /** A login request. */
    static Header login(boolean transit, int currentStage, int nextStage) {
        int flags = (transit ? 0x80 : 0) | currentStage << 2 | (transit ? nextStage : 0);
        return Header.of(Opcode.LOGIN | 0x40, flags)
                .setLong(8, 0x4000_0137_0000_0000L)
                .setInt(16, 1)
                .setInt(24, 1);
    }

    static String[] names(String target) {
        return new String[] {
            "InitiatorName=" + NAME,
            "SessionType=Normal",
            "TargetName=" + TestCatalog.PREFIX + target
        };
    }

    /** Straight into full feature phase, with some keys. */
    RawInitiator loggedIn(String target, String... keys) throws IOException {
        String[] names = names(target);
        String[] all = new String[names.length + keys.length];
        System.arraycopy(names, 0, all, 0, names.length);
        System.arraycopy(keys, 0, all, names.length, keys.length);
        Header request = login(true, 1, 3);
        send(request.setLong(8, request.longAt(8) + ((long) port << 16)), text(all));
        Answer answer = receive();
        assertThat(answer.loginStatus()).as("login status").isZero();
        headerDigest = answer.text().contains("HeaderDigest=CRC32C");
        dataDigest = answer.text().contains("DataDigest=CRC32C");
        return this;
    }

    /** Logs in from another port of the initiator (ISID), so that both sessions live. */
    RawInitiator fromPort(int number) {
        port = number;
        return this;
    }

    /** The same, with what the unit has to tell about itself taken. */
    RawInitiator ready(String target, String... keys) throws IOException {
        loggedIn(target, keys);
        send(command("000000000000", 0, 0));
        assertThat(receive().sense()).isEqualTo("6/2900");
        return this;
    }

    // ---- commands

    int nextCommandSn() {
        return commandSn++;
    }

    /** A command of LUN 0 with its own number and tag. */
    Header command(String cdbHex, int direction, int expectedBytes) {
        byte[] cdb = HexFormat.of().parseHex(cdbHex);
        Header header =
                Header.of(Opcode.SCSI_COMMAND, Header.FINAL | direction)
                        .setInt(16, nextTag++)
                        .setInt(20, expectedBytes)
                        .setInt(24, commandSn++);
        System.arraycopy(cdb, 0, header.bytes(), 32, cdb.length);
        return header;
    }

    static final int READ = 0x40;
    static final int WRITE = 0x20;

    Header write10(int block, int blocks) {
        return command("2a00%08x00%04x00".formatted(block, blocks), WRITE, blocks * 512);
    }

    Header read10(int block, int blocks) {
        return command("2800%08x00%04x00".formatted(block, blocks), READ, blocks * 512);
    }

    /** Answers an R2T. */
    static Header dataOut(int tag, int transferTag, int dataSn, int offset) {
        return Header.of(Opcode.DATA_OUT, Header.FINAL)
                .setInt(16, tag)
                .setInt(20, transferTag)
                .setInt(36, dataSn)
                .setInt(40, offset);
    }

    /** Shows that the connection is alive and in step. */
    void expectAlive() throws IOException {
        int tag = nextTag++;
        send(
                Header.of(Opcode.NOP_OUT | 0x40, Header.FINAL)
                        .setInt(16, tag)
                        .setInt(20, Header.RESERVED_TAG)
                        .setInt(24, commandSn),
                "hello".getBytes(StandardCharsets.UTF_8));
        Answer pong = receive();
        assertThat(pong.opcode()).isEqualTo(Opcode.NOP_IN);
        assertThat(pong.header().initiatorTaskTag()).isEqualTo(tag);
        assertThat(pong.text()).isEqualTo("hello");
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
