package dev.tidemark.harness;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * An initiator that sends any command block, right or wrong, to any target, and tells all that
 * comes back: one session, one command at a time, everything by R2T, no digests. Shares no code
 * with the server, so that both cannot be wrong in the same way. Blocking, for one thread. Numbers
 * and sections are RFC 7143's.
 */
final class ScsiInitiator implements AutoCloseable {
    private static final int TIMEOUT_MS = 60_000;
    private static final int HEADER_BYTES = 48;
    private static final int SEGMENT_BYTES = 8192;
    private static final int NO_TAG = 0xffffffff;

    // 11.1.1 and 11.2.1.2, opcodes.
    private static final int NOP_OUT_IMMEDIATE = 0x40;
    private static final int SCSI_COMMAND = 0x01;
    private static final int LOGIN_IMMEDIATE = 0x43;
    private static final int DATA_OUT = 0x05;
    private static final int NOP_IN = 0x20;
    private static final int SCSI_RESPONSE = 0x21;
    private static final int LOGIN_RESPONSE = 0x23;
    private static final int DATA_IN = 0x25;
    private static final int R2T = 0x31;

    private static final int FINAL = 0x80;
    private static final int READ = 0x40;
    private static final int WRITE = 0x20;
    private static final int SIMPLE = 1;

    /** 11.7.1: the status comes with the data. */
    private static final int STATUS = 0x01;

    private static final int RESIDUALS = 0x06;

    private final Socket socket;
    private int commandSn = 1;
    private int expectedStatusSn;
    private int tag = 1;

    private ScsiInitiator(Socket socket) {
        this.socket = socket;
    }

    /**
     * What a command brought.
     *
     * @param status the SCSI status
     * @param sense without the two bytes of its length; empty unless there is some
     * @param data what came in
     * @param residual "", or O or U (overflow, underflow) and the number of bytes
     */
    @SuppressWarnings("ArrayRecordComponent") // compared part by part
    record Answer(int status, byte[] sense, byte[] data, String residual) {
        /** Key, code and qualifier as "5/2100", of either format (SPC-4 section 4.5); or "". */
        String senseCode() {
            if (sense.length < 4) {
                return "";
            }
            boolean descriptors = (sense[0] & 0x7f) >= 0x72;
            return descriptors
                    ? "%x/%02x%02x".formatted(sense[1] & 0x0f, sense[2], sense[3])
                    : "%x/%02x%02x".formatted(sense[2] & 0x0f, sense[12], sense[13]);
        }

        /** The information field, "" unless it is valid. */
        String information() {
            boolean fixed = sense.length >= 8 && (sense[0] & 0xff) == 0xf0;
            return fixed ? "%08x".formatted(ByteBuffer.wrap(sense).getInt(3)) : "";
        }
    }

    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    private record Pdu(ByteBuffer header, byte[] data) {
        int opcode() {
            return header.get(0) & 0x3f;
        }

        int flags() {
            return header.get(1) & 0xff;
        }
    }

    /**
     * Logs in without authentication.
     *
     * @param port the initiator's port, part of its name (ISID)
     */
    static ScsiInitiator login(InetSocketAddress address, String initiator, int port, String target)
            throws IOException {
        Socket socket = new Socket(address.getAddress(), address.getPort());
        socket.setSoTimeout(TIMEOUT_MS);
        socket.setTcpNoDelay(true);
        ScsiInitiator made = new ScsiInitiator(socket);
        made.login(initiator, port, target);
        return made;
    }

    // All that a target might otherwise offer itself, and wait for an answer.
    // 11.12 and 11.13; straight from the operational stage to the full feature phase.
    private void login(String initiator, int port, String target) throws IOException {
        String[] keys = {
            "InitiatorName=" + initiator,
            "TargetName=" + target,
            "SessionType=Normal",
            "HeaderDigest=None",
            "DataDigest=None",
            "InitialR2T=Yes",
            "ImmediateData=No",
            "MaxRecvDataSegmentLength=262144",
            "MaxBurstLength=262144",
            "FirstBurstLength=8192",
            "MaxOutstandingR2T=1",
            "MaxConnections=1",
            "ErrorRecoveryLevel=0",
            "DefaultTime2Wait=2",
            "DefaultTime2Retain=0",
            "DataPDUInOrder=Yes",
            "DataSequenceInOrder=Yes"
        };
        byte[] text = (String.join("\0", keys) + "\0").getBytes(StandardCharsets.US_ASCII);
        int rounds = 0;
        while (true) {
            ByteBuffer request = ByteBuffer.allocate(HEADER_BYTES);
            request.put(0, (byte) LOGIN_IMMEDIATE).put(1, (byte) 0x87);
            request.putLong(8, 0x4000_0137_0000_0000L | (long) port << 16);
            request.putInt(16, tag).putInt(24, commandSn).putInt(28, expectedStatusSn);
            send(request, text);
            Pdu response = receive();
            if (response.opcode() != LOGIN_RESPONSE || response.header.getShort(36) != 0) {
                throw new IOException(
                        "login to %s failed: opcode %x, status %04x"
                                .formatted(
                                        target,
                                        response.opcode(),
                                        response.header.getShort(36) & 0xffff));
            }
            expectedStatusSn = response.header.getInt(24) + 1;
            if ((response.flags() & 0x83) == 0x83) {
                return;
            }
            if (++rounds > 4) {
                throw new IOException("login to " + target + " does not end");
            }
            text = new byte[0];
        }
    }

    /**
     * Runs a command.
     *
     * @param lun the logical unit, below 256
     * @param out what may be asked for; its length is the expected length of a write
     * @param inBytes the expected length of a read, when there is nothing to write
     */
    Answer run(int lun, byte[] cdb, byte[] out, int inBytes) throws IOException {
        int direction = out.length > 0 ? WRITE : inBytes > 0 ? READ : 0;
        tag++;
        ByteBuffer request = ByteBuffer.allocate(HEADER_BYTES);
        request.put(0, (byte) SCSI_COMMAND).put(1, (byte) (FINAL | direction | SIMPLE));
        request.put(9, (byte) lun);
        request.putInt(16, tag).putInt(20, out.length > 0 ? out.length : inBytes);
        request.putInt(24, commandSn++).putInt(28, expectedStatusSn);
        request.put(32, cdb);
        send(request, new byte[0]);
        byte[] in = new byte[inBytes];
        int receivedBytes = 0;
        while (true) {
            Pdu pdu = receive();
            switch (pdu.opcode()) {
                case R2T -> answer(pdu, lun, out);
                case DATA_IN -> {
                    int offset = pdu.header.getInt(40);
                    System.arraycopy(pdu.data, 0, in, offset, pdu.data.length);
                    receivedBytes = Math.max(receivedBytes, offset + pdu.data.length);
                    if ((pdu.flags() & STATUS) != 0) {
                        return end(pdu, new byte[0], Arrays.copyOf(in, receivedBytes));
                    }
                }
                case SCSI_RESPONSE -> {
                    return end(pdu, senseOf(pdu.data), Arrays.copyOf(in, receivedBytes));
                }
                case NOP_IN -> answerPing(pdu);
                default ->
                        throw new IOException(
                                "opcode %x came instead of an answer".formatted(pdu.opcode()));
            }
        }
    }

    private Answer end(Pdu pdu, byte[] sense, byte[] data) {
        expectedStatusSn = pdu.header.getInt(24) + 1;
        int flags = pdu.flags() & RESIDUALS;
        String residual =
                flags == 0 ? "" : ((flags & 0x04) != 0 ? "O" : "U") + pdu.header.getInt(44);
        return new Answer(pdu.header.get(3) & 0xff, sense, data, residual);
    }

    // 11.4.7.2: a length, then the sense.
    private static byte[] senseOf(byte[] segment) {
        if (segment.length < 2) {
            return new byte[0];
        }
        int length = ByteBuffer.wrap(segment).getShort(0) & 0xffff;
        return Arrays.copyOfRange(segment, 2, 2 + length);
    }

    // 11.8: sends the part that is asked for.
    private void answer(Pdu r2t, int lun, byte[] out) throws IOException {
        int from = r2t.header.getInt(40);
        int end = from + r2t.header.getInt(44);
        if (from < 0 || end > out.length) {
            throw new IOException(
                    "asked for %d to %d of %d bytes".formatted(from, end, out.length));
        }
        int number = 0;
        while (from < end) {
            int part = Math.min(SEGMENT_BYTES, end - from);
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
            header.put(0, (byte) DATA_OUT).put(1, (byte) (from + part == end ? FINAL : 0));
            header.put(9, (byte) lun);
            header.putInt(16, tag).putInt(20, r2t.header.getInt(20)).putInt(28, expectedStatusSn);
            header.putInt(36, number++).putInt(40, from);
            send(header, Arrays.copyOfRange(out, from, from + part));
            from += part;
        }
    }

    // 11.18 and 11.19.
    private void answerPing(Pdu ping) throws IOException {
        if (ping.header.getInt(20) == NO_TAG) {
            return;
        }
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
        header.put(0, (byte) NOP_OUT_IMMEDIATE).put(1, (byte) FINAL);
        header.putLong(8, ping.header.getLong(8)).putInt(16, NO_TAG);
        header.putInt(20, ping.header.getInt(20))
                .putInt(24, commandSn)
                .putInt(28, expectedStatusSn);
        send(header, new byte[0]);
    }

    private void send(ByteBuffer header, byte[] data) throws IOException {
        header.putInt(4, data.length); // no additional headers, and less than 16 MiB
        byte[] pdu = new byte[HEADER_BYTES + (data.length + 3) / 4 * 4];
        header.get(0, pdu, 0, HEADER_BYTES);
        System.arraycopy(data, 0, pdu, HEADER_BYTES, data.length);
        socket.getOutputStream().write(pdu);
    }

    private Pdu receive() throws IOException {
        ByteBuffer header = ByteBuffer.wrap(read(HEADER_BYTES));
        int length = header.getInt(4) & 0xffffff;
        byte[] data = read((length + 3) / 4 * 4);
        return new Pdu(header, Arrays.copyOf(data, length));
    }

    private byte[] read(int length) throws IOException {
        byte[] bytes = socket.getInputStream().readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the target closed the connection");
        }
        return bytes;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
