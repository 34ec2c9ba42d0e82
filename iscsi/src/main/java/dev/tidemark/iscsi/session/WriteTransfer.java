package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.pdu.Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A command's data from the initiator: first what comes unasked, then what R2Ts ask for, in order
 * of offset (DataPDUInOrder and DataSequenceInOrder are Yes; RFC 7143 sections 11.7 and 11.8).
 * Everything is checked against what was allowed before a byte is kept.
 */
final class WriteTransfer {
    /** Past this many pieces everything is copied into one buffer, so that pieces stay few. */
    private static final int MAXIMUM_PIECES = 256;

    private final ByteBufAllocator allocator;

    /**
     * What the command takes; more may come, up to what the initiator announced, and is dropped.
     */
    private final long wantedBytes;

    private final long unsolicitedLimit;
    private final ArrayDeque<Grant> grants = new ArrayDeque<>();
    private @Nullable ByteBuf data;
    private long receivedBytes;
    private long grantedBytes;
    private int unsolicitedDataSn;
    private int r2tSn;
    private boolean unsolicited;
    private @Nullable CompositeByteBuf pieces;

    /** An R2T that is not yet answered in full. */
    static final class Grant {
        final int tag;
        final long offsetBytes;
        final int lengthBytes;
        private int receivedBytes;
        private int dataSn;

        Grant(int tag, long offsetBytes, int lengthBytes) {
            this.tag = tag;
            this.offsetBytes = offsetBytes;
            this.lengthBytes = lengthBytes;
        }
    }

    /**
     * @param wantedBytes what the command takes of what the initiator announced
     * @param unsolicitedLimit most bytes that may come unasked, the immediate data included
     * @param unsolicited data PDUs follow unasked
     */
    WriteTransfer(
            ByteBufAllocator allocator,
            long wantedBytes,
            long unsolicitedLimit,
            boolean unsolicited) {
        this.allocator = allocator;
        this.wantedBytes = wantedBytes;
        this.unsolicitedLimit = unsolicitedLimit;
        this.unsolicited = unsolicited;
    }

    /** Data PDUs are still to come unasked. */
    boolean unsolicitedExpected() {
        return unsolicited;
    }

    /** An R2T is not yet answered in full. */
    boolean grantsOpen() {
        return !grants.isEmpty();
    }

    long receivedBytes() {
        return receivedBytes;
    }

    /** All that the command takes is here. */
    boolean complete() {
        return !unsolicited && grants.isEmpty() && receivedBytes >= wantedBytes;
    }

    /** What was received; stays the transfer's. */
    ByteBuf bytes() {
        ByteBuf all = data;
        return all == null ? Unpooled.EMPTY_BUFFER : all;
    }

    /** Takes a command's own data over; its length was checked. */
    void immediate(ByteBuf bytes) {
        append(bytes);
    }

    /**
     * Takes the data of a Data-Out over, unless it breaks the rules.
     *
     * @return what is wrong, null when nothing is; then the data stays the caller's
     */
    @Nullable String dataOut(Header header, ByteBuf bytes) {
        int tag = header.intAt(20);
        long offset = header.intAt(40) & 0xffffffffL;
        int dataSn = header.intAt(36);
        int length = bytes.readableBytes();
        boolean last = header.isFinal();
        return tag == Header.RESERVED_TAG
                ? unsolicitedData(offset, dataSn, length, last, bytes)
                : solicitedData(tag, offset, dataSn, length, last, bytes);
    }

    private @Nullable String unsolicitedData(
            long offset, int dataSn, int length, boolean last, ByteBuf bytes) {
        if (!unsolicited) {
            return "unsolicited data that was not announced";
        }
        if (offset != receivedBytes) {
            return "offset %d where %d is due".formatted(offset, receivedBytes);
        }
        if (dataSn != unsolicitedDataSn) {
            return "DataSN %d where %d is due".formatted(dataSn, unsolicitedDataSn);
        }
        if (receivedBytes + length > unsolicitedLimit) {
            return "unsolicited data exceeds %d bytes".formatted(unsolicitedLimit);
        }
        unsolicitedDataSn++;
        append(bytes);
        unsolicited = !last;
        return null;
    }

    private @Nullable String solicitedData(
            int tag, long offset, int dataSn, int length, boolean last, ByteBuf bytes) {
        Grant grant = grants.peek();
        if (grant == null || grant.tag != tag) {
            return "no R2T of this tag is due";
        }
        if (offset != grant.offsetBytes + grant.receivedBytes) {
            return "offset %d where %d is due"
                    .formatted(offset, grant.offsetBytes + grant.receivedBytes);
        }
        if (dataSn != grant.dataSn) {
            return "DataSN %d where %d is due".formatted(dataSn, grant.dataSn);
        }
        if (length > grant.lengthBytes - grant.receivedBytes) {
            return "more data than the R2T asked for";
        }
        boolean full = grant.receivedBytes + length == grant.lengthBytes;
        if (last != full) {
            return last ? "less data than the R2T asked for" : "no F bit at the end of a sequence";
        }
        grant.dataSn++;
        grant.receivedBytes += length;
        append(bytes);
        if (full) {
            grants.remove();
        }
        return null;
    }

    private void append(ByteBuf bytes) {
        int length = bytes.readableBytes();
        long room = Math.max(0, wantedBytes - receivedBytes);
        receivedBytes += length;
        if (room < length) {
            bytes.writerIndex(bytes.readerIndex() + (int) room);
        }
        ByteBuf all = data;
        if (!bytes.isReadable()) {
            bytes.release();
        } else if (all == null) {
            data = bytes;
        } else {
            data = joined(all, bytes);
        }
    }

    private ByteBuf joined(ByteBuf all, ByteBuf bytes) {
        CompositeByteBuf composite = pieces;
        if (composite == null) {
            composite = allocator.compositeDirectBuffer(MAXIMUM_PIECES + 1);
            composite.addComponent(true, all);
            pieces = composite;
        }
        composite.addComponent(true, bytes);
        if (composite.numComponents() > MAXIMUM_PIECES) {
            composite.consolidate();
        }
        return composite;
    }

    /** The next R2T to send; null when all was asked for or enough is outstanding. */
    @Nullable Grant nextGrant(int tag, int maximumOutstanding, int maximumBurstBytes) {
        long from = Math.max(receivedBytes, grantedBytes);
        if (unsolicited || grants.size() >= maximumOutstanding || from >= wantedBytes) {
            return null;
        }
        int length = (int) Math.min(maximumBurstBytes, wantedBytes - from);
        Grant grant = new Grant(tag, from, length);
        grants.add(grant);
        grantedBytes = from + length;
        r2tSn++;
        return grant;
    }

    /** Number of the R2T that {@link #nextGrant} returned last; as many were sent before it. */
    int lastR2tSn() {
        return r2tSn - 1;
    }

    int r2tCount() {
        return r2tSn;
    }

    void release() {
        ByteBuf all = data;
        data = null;
        if (all != null) {
            all.release();
        }
    }
}
