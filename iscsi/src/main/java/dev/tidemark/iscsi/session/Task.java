package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.scsi.Execution;
import dev.tidemark.iscsi.scsi.Prepared;
import dev.tidemark.iscsi.scsi.ScsiError;
import dev.tidemark.iscsi.scsi.UnitHandle;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A SCSI command on its way through a session. Its fields belong to the event loop; the outcome is
 * set by whoever completes it and read on the event loop after it went through {@link
 * Session#completed}.
 */
final class Task implements Execution {
    static final int READ = 0x40;
    static final int WRITE = 0x20;
    private static final int ORDERED = 2;
    private static final int HEAD_OF_QUEUE = 3;

    private final Session session;
    private final Header header;
    final @Nullable UnitHandle unit;
    final boolean immediate;

    /** What the command turned out to be; null when it was refused. */
    @Nullable Prepared prepared;

    /** Data from the initiator; null once there is nothing to expect. */
    @Nullable WriteTransfer transfer;

    /** Counted among those at work, with its bytes. */
    boolean admitted;

    /** Handed to the unit. */
    boolean running;

    /** Nobody is to be told of its end. */
    boolean aborted;

    /** Waiting for the end of its unsolicited data, which is not used. */
    boolean discarding;

    /** To be run when it has left the session; by those who aborted it. */
    @Nullable Runnable whenGone;

    private @Nullable BooleanSupplier letGo;

    @Nullable ByteBuf dataIn;
    @Nullable ScsiError error;

    /** The next one in a {@link CompletionQueue}. */
    @Nullable Task next;

    Task(Session session, Header header, @Nullable UnitHandle unit) {
        this.session = session;
        this.header = header;
        this.unit = unit;
        this.immediate = header.immediate();
    }

    int tag() {
        return header.initiatorTaskTag();
    }

    long lun() {
        return header.lun();
    }

    int commandNumber() {
        return header.intAt(24);
    }

    int operation() {
        return header.at(32);
    }

    byte[] cdb() {
        byte[] cdb = new byte[16];
        System.arraycopy(header.bytes(), 32, cdb, 0, cdb.length);
        return cdb;
    }

    boolean reads() {
        return (header.flags() & READ) != 0;
    }

    boolean writes() {
        return (header.flags() & WRITE) != 0;
    }

    /** No data PDU follows unasked. */
    boolean isFinal() {
        return header.isFinal();
    }

    boolean ordered() {
        return (header.flags() & 7) == ORDERED;
    }

    boolean headOfQueue() {
        return (header.flags() & 7) == HEAD_OF_QUEUE;
    }

    /** Expected data transfer length, unsigned. */
    long expectedBytes() {
        return header.intAt(20) & 0xffffffffL;
    }

    /** Memory that the command takes while it is at work. */
    long chargedBytes() {
        Prepared what = prepared;
        if (what == null) {
            return 0;
        }
        return Math.min(expectedBytes(), what.dataOutBytes()) + what.dataInBytes();
    }

    // ---- Execution

    @Override
    public ByteBuf dataOut() {
        WriteTransfer data = transfer;
        return data == null ? Unpooled.EMPTY_BUFFER : data.bytes();
    }

    @Override
    public long expectedOutBytes() {
        return writes() ? expectedBytes() : 0;
    }

    @Override
    public void good() {
        session.completed(this);
    }

    @Override
    public void good(ByteBuf data) {
        dataIn = data;
        session.completed(this);
    }

    @Override
    public void failed(ScsiError why) {
        error = why;
        session.completed(this);
    }

    @Override
    public void outlivesAbort(BooleanSupplier whenAborted) {
        letGo = whenAborted;
    }

    /** Whether the command, which is running, goes on by itself and will not end here. */
    boolean letGo() {
        BooleanSupplier how = letGo;
        letGo = null;
        return how != null && how.getAsBoolean();
    }

    /** Gives back all buffers. */
    void release() {
        WriteTransfer data = transfer;
        transfer = null;
        if (data != null) {
            data.release();
        }
        ByteBuf read = dataIn;
        dataIn = null;
        if (read != null) {
            read.release();
        }
    }
}
