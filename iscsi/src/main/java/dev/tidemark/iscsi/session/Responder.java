package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.login.SessionParameters;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.pdu.PduWriter;
import dev.tidemark.iscsi.pdu.RejectReason;
import dev.tidemark.iscsi.scsi.Prepared;
import dev.tidemark.iscsi.scsi.ScsiError;
import dev.tidemark.iscsi.scsi.ScsiStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** Writes what a session sends, with its sequence numbers (RFC 7143 sections 4.2.2 and 11). */
final class Responder {
    private static final int OVERFLOW = 0x04;
    private static final int UNDERFLOW = 0x02;
    private static final int STATUS = 0x01;
    private static final int ASYNC_LOGOUT_REQUEST = 1;

    private final PduWriter writer;
    private final SessionParameters parameters;
    private final CommandWindow window;
    private int statSn;
    private int outstanding;

    /**
     * @param statSn the number of the first status
     */
    Responder(PduWriter writer, SessionParameters parameters, CommandWindow window, int statSn) {
        this.writer = writer;
        this.parameters = parameters;
        this.window = window;
        this.statSn = statSn;
    }

    /** Commands without a response, which the window shrinks by. */
    void outstanding(int commands) {
        outstanding = commands;
    }

    private Header numbered(Header header, boolean takesStatSn) {
        header.setInt(24, takesStatSn ? statSn++ : statSn);
        header.setInt(28, window.expected());
        header.setInt(32, window.maximum(outstanding));
        return header;
    }

    // ---- commands

    /**
     * The end of a command: its data, and a response unless the last Data-In carries the status.
     */
    void end(Task task, boolean descriptorSense) {
        ScsiError error = task.error;
        ByteBuf data = task.dataIn;
        task.dataIn = null;
        if (error != null) {
            if (data != null) {
                data.release();
            }
            failed(task, error, descriptorSense);
            return;
        }
        long expected = task.reads() ? task.expectedBytes() : 0;
        if (data == null || !data.isReadable() || expected == 0) {
            long actual = data == null ? 0 : data.readableBytes();
            if (data != null) {
                data.release();
            }
            response(task, ScsiStatus.GOOD, residual(task, actual), Unpooled.EMPTY_BUFFER);
            return;
        }
        long actual = data.readableBytes();
        if (actual > expected) {
            data.writerIndex(data.readerIndex() + (int) expected);
        }
        dataIn(task, data, expected - actual);
    }

    /** Announced bytes less those moved; negative when the command had more. */
    private static long residual(Task task, long dataInBytes) {
        Prepared prepared = task.prepared;
        long demanded = prepared == null ? 0 : prepared.dataOutBytes();
        if (task.writes()) {
            return task.expectedBytes() - demanded;
        }
        if (task.reads()) {
            return task.expectedBytes() - dataInBytes;
        }
        return -(demanded + dataInBytes);
    }

    private static int residualFlag(long residual) {
        return residual > 0 ? UNDERFLOW : residual < 0 ? OVERFLOW : 0;
    }

    /** Splits data by the initiator's segment length, with F at the end of each burst. */
    private void dataIn(Task task, ByteBuf data, long residual) {
        int dataSn = 0;
        int offset = 0;
        int burstLeft = parameters.maximumBurstBytes();
        while (data.isReadable()) {
            int length =
                    Math.min(
                            Math.min(parameters.sendSegmentBytes(), burstLeft),
                            data.readableBytes());
            boolean last = length == data.readableBytes();
            burstLeft -= length;
            boolean burstEnds = last || burstLeft == 0;
            if (burstLeft == 0) {
                burstLeft = parameters.maximumBurstBytes();
            }
            int flags = burstEnds ? Header.FINAL : 0;
            if (last) {
                flags |= STATUS | residualFlag(residual);
            }
            Header header = Header.of(Opcode.DATA_IN, flags);
            header.setInt(16, task.tag()).setInt(20, Header.RESERVED_TAG);
            numbered(header, last);
            if (!last) {
                header.setInt(24, 0); // StatSN only goes with a status
            }
            header.setInt(36, dataSn++).setInt(40, offset);
            if (last) {
                header.setInt(44, (int) Math.abs(residual));
            }
            writer.write(header, last ? data.retainedSlice() : data.readRetainedSlice(length));
            if (last) {
                data.skipBytes(length);
            }
            offset += length;
        }
        data.release();
    }

    private void failed(Task task, ScsiError error, boolean descriptorSense) {
        ByteBuf sense = Unpooled.EMPTY_BUFFER;
        if (error.hasSense()) {
            byte[] bytes = error.sense(descriptorSense);
            sense = Unpooled.buffer(2 + bytes.length).writeShort(bytes.length).writeBytes(bytes);
        }
        response(task, error.status(), failedResidual(task), sense);
    }

    /** A read moved nothing; a write moved what its command takes, or what came before the end. */
    private static long failedResidual(Task task) {
        WriteTransfer transfer = task.transfer;
        if (task.writes() && task.running) {
            return residual(task, 0);
        }
        long moved = transfer == null ? 0 : transfer.receivedBytes();
        return task.reads() || task.writes() ? Math.max(0, task.expectedBytes() - moved) : 0;
    }

    private void response(Task task, int status, long residual, ByteBuf sense) {
        Header header = Header.of(Opcode.SCSI_RESPONSE, Header.FINAL | residualFlag(residual));
        header.set(3, status).setInt(16, task.tag());
        numbered(header, true);
        WriteTransfer transfer = task.transfer;
        header.setInt(36, transfer == null ? 0 : transfer.r2tCount());
        header.setInt(44, (int) Math.min(Math.abs(residual), 0xffffffffL));
        writer.write(header, sense);
    }

    void readyToTransfer(Task task, WriteTransfer.Grant grant, int r2tSn) {
        Header header = Header.of(Opcode.R2T, Header.FINAL);
        header.setLong(8, task.lun()).setInt(16, task.tag()).setInt(20, grant.tag);
        numbered(header, false);
        header.setInt(36, r2tSn).setInt(40, (int) grant.offsetBytes);
        header.setInt(44, grant.lengthBytes);
        writer.write(header);
    }

    // ---- the rest

    void taskManagement(int tag, int response) {
        Header header = Header.of(Opcode.TASK_MANAGEMENT_RESPONSE, Header.FINAL);
        header.set(2, response).setInt(16, tag);
        writer.write(numbered(header, true));
    }

    /** Answers a ping; as much comes back as the initiator takes. */
    void pong(Header ping, ByteBuf data) {
        Header header = Header.of(Opcode.NOP_IN, Header.FINAL);
        header.setLong(8, ping.lun()).setInt(16, ping.initiatorTaskTag());
        header.setInt(20, Header.RESERVED_TAG);
        numbered(header, true);
        int length = Math.min(data.readableBytes(), parameters.sendSegmentBytes());
        writer.write(header, data.readRetainedSlice(length));
    }

    /** Asks whether the initiator is there. */
    void ping(int tag) {
        Header header = Header.of(Opcode.NOP_IN, Header.FINAL);
        header.setInt(16, Header.RESERVED_TAG).setInt(20, tag);
        writer.write(numbered(header, false));
    }

    void reject(Header rejected, RejectReason reason) {
        Header header = Header.of(Opcode.REJECT, Header.FINAL);
        header.set(2, reason.code()).setInt(16, Header.RESERVED_TAG);
        numbered(header, true);
        writer.write(header, Unpooled.wrappedBuffer(rejected.bytes().clone()));
    }

    /**
     * @param tag names the rest of an answer; reserved for the end
     */
    void text(int initiatorTag, int tag, boolean more, ByteBuf text) {
        int flags = tag == Header.RESERVED_TAG ? Header.FINAL : more ? Header.CONTINUE : 0;
        Header header = Header.of(Opcode.TEXT_RESPONSE, flags);
        header.setInt(16, initiatorTag).setInt(20, tag);
        writer.write(numbered(header, true), text);
    }

    void logout(int tag, int response) {
        Header header = Header.of(Opcode.LOGOUT_RESPONSE, Header.FINAL);
        header.set(2, response).setInt(16, tag);
        writer.write(numbered(header, true));
    }

    /** Asks the initiator to log out within some seconds (section 11.9.1). */
    void requestLogout(int seconds) {
        Header header = Header.of(Opcode.ASYNC_MESSAGE, Header.FINAL);
        header.setInt(16, Header.RESERVED_TAG);
        numbered(header, true);
        header.set(36, ASYNC_LOGOUT_REQUEST).setShort(42, seconds);
        writer.write(header);
    }

    /** Drops what was not sent. */
    void discard() {
        writer.discard();
    }

    /** Sends everything written so far. */
    void flush() {
        writer.flush();
    }
}
