package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * EXTENDED COPY(LID1) and RECEIVE COPY RESULTS (SPC-4 sections 6.3 and 6.17 to 6.21).
 *
 * <p>A descriptor names a unit by its NAA identifier, which is looked for only among the units of
 * the session that asks: no other disk can be reached, whatever its identifier.
 */
final class CopyCommands {
    static final int COPY_STATUS = 0;
    static final int OPERATING_PARAMETERS = 3;

    private static final int HEADER_BYTES = 16;
    private static final int TARGET_BYTES = 32;
    private static final int SEGMENT_BYTES = 28;
    private static final int MAXIMUM_TARGETS = 8;
    private static final int MAXIMUM_SEGMENTS = 64;
    private static final int MAXIMUM_DESCRIPTOR_BYTES =
            MAXIMUM_TARGETS * TARGET_BYTES + MAXIMUM_SEGMENTS * SEGMENT_BYTES;
    private static final int MAXIMUM_SEGMENT_BYTES = 32 << 20;

    private static final int IDENTIFICATION = 0xe4;
    private static final int BLOCK_TO_BLOCK = 0x02;

    private CopyCommands() {}

    private record Segment(
            UnitHandle source, long from, UnitHandle destination, long to, long bytes) {}

    static Prepared extendedCopy(UnitHandle unit, Cdb cdb, LunMap luns) throws ScsiError {
        long listBytes = cdb.intAt(10);
        if (listBytes == 0) {
            return Prepared.withoutData(Execution::good);
        }
        if (listBytes < HEADER_BYTES || listBytes > HEADER_BYTES + MAXIMUM_DESCRIPTOR_BYTES) {
            throw ScsiError.parameterListLength();
        }
        return Prepared.writing(
                listBytes,
                execution -> {
                    BlockCommands.requireData(execution, listBytes);
                    ByteBuf data = execution.dataOut();
                    byte[] list = ByteBufUtil.getBytes(data, data.readerIndex(), (int) listBytes);
                    int identifier = list[0] & 0xff;
                    List<Segment> segments = segments(ByteBuffer.wrap(list), luns);
                    boolean kept = (list[1] >> 3 & 3) != 3;
                    new Copier(unit, identifier, kept, segments, execution).next(0);
                });
    }

    private static List<Segment> segments(ByteBuffer list, LunMap luns) throws ScsiError {
        int targetBytes = list.getShort(2) & 0xffff;
        long segmentBytes = list.getInt(8) & 0xffffffffL;
        long inlineBytes = list.getInt(12) & 0xffffffffL;
        if (HEADER_BYTES + targetBytes + segmentBytes > list.capacity() || inlineBytes != 0) {
            throw ScsiError.parameterListLength();
        }
        if (targetBytes > MAXIMUM_TARGETS * TARGET_BYTES) {
            throw ScsiError.illegal(0x2606); // TOO MANY TARGET DESCRIPTORS
        }
        if (targetBytes % TARGET_BYTES != 0) {
            throw ScsiError.parameterListLength();
        }
        List<UnitHandle> targets = new ArrayList<>();
        for (int at = HEADER_BYTES; at < HEADER_BYTES + targetBytes; at += TARGET_BYTES) {
            targets.add(target(list, at, luns));
        }
        List<Segment> segments = new ArrayList<>();
        int end = HEADER_BYTES + targetBytes + (int) segmentBytes;
        for (int at = HEADER_BYTES + targetBytes; at < end; at += SEGMENT_BYTES) {
            if (segments.size() == MAXIMUM_SEGMENTS) {
                throw ScsiError.illegal(0x2608); // TOO MANY SEGMENT DESCRIPTORS
            }
            segments.add(segment(list, at, end, targets));
        }
        return segments;
    }

    /** SPC-4 section 6.3.6.3: an identification descriptor of a disk. */
    private static UnitHandle target(ByteBuffer list, int at, LunMap luns) throws ScsiError {
        if ((list.get(at) & 0xff) != IDENTIFICATION) {
            throw ScsiError.illegal(0x2607); // UNSUPPORTED TARGET DESCRIPTOR TYPE CODE
        }
        // LU ID TYPE, in the upper bits of the same byte, means nothing here since SPC-4.
        boolean disk = (list.get(at + 1) & 0x1f) == 0;
        boolean naa = (list.get(at + 5) & 0x0f) == 3 && list.get(at + 7) == 8;
        if (!disk) {
            throw ScsiError.invalidParameter(at + 1);
        }
        UnitHandle found = naa ? luns.byIdentifier(list.getLong(at + 8)) : byOther(list, at, luns);
        if (found == null) {
            throw copyAborted(0x0d02); // COPY TARGET DEVICE NOT REACHABLE
        }
        int blockBytes = list.getInt(at + 28) & 0xffffff;
        if (blockBytes != 0 && blockBytes != found.blockBytes()) {
            throw ScsiError.invalidParameter(at + 29);
        }
        return found;
    }

    /** The other name of a unit in page 83: its vendor and serial number. */
    private static @Nullable UnitHandle byOther(ByteBuffer list, int at, LunMap luns) {
        int lengthBytes = Math.min(20, list.get(at + 7) & 0xff);
        byte[] name = new byte[lengthBytes];
        list.get(at + 8, name);
        boolean vendorIdentification = (list.get(at + 5) & 0x0f) == 1;
        return vendorIdentification ? luns.byVendorName(name) : null;
    }

    /** SPC-4 section 6.3.7.5: blocks to blocks. */
    private static Segment segment(ByteBuffer list, int at, int end, List<UnitHandle> targets)
            throws ScsiError {
        if (end - at < 4) {
            throw ScsiError.parameterListLength();
        }
        if ((list.get(at) & 0xff) != BLOCK_TO_BLOCK) {
            throw ScsiError.illegal(0x2609); // UNSUPPORTED SEGMENT DESCRIPTOR TYPE CODE
        }
        if (end - at < SEGMENT_BYTES) {
            throw ScsiError.parameterListLength();
        }
        if (list.getShort(at + 2) != SEGMENT_BYTES - 4) {
            throw ScsiError.invalidParameter(at + 2);
        }
        UnitHandle source = indexed(targets, list.getShort(at + 4) & 0xffff);
        UnitHandle destination = indexed(targets, list.getShort(at + 6) & 0xffff);
        boolean countsAtDestination = (list.get(at + 1) & 2) != 0;
        UnitHandle counted = countsAtDestination ? destination : source;
        long bytes = (long) (list.getShort(at + 10) & 0xffff) * counted.blockBytes();
        long from = list.getLong(at + 12);
        long to = list.getLong(at + 20);
        checkInside(source, from, bytes);
        checkInside(destination, to, bytes);
        return new Segment(
                source,
                from * source.blockBytes(),
                destination,
                to * destination.blockBytes(),
                bytes);
    }

    private static UnitHandle indexed(List<UnitHandle> targets, int index) throws ScsiError {
        if (index >= targets.size()) {
            throw copyAborted(0x0d02);
        }
        return targets.get(index);
    }

    private static void checkInside(UnitHandle unit, long block, long bytes) throws ScsiError {
        boolean whole = bytes % unit.blockBytes() == 0;
        long blocks = bytes / unit.blockBytes();
        long size = unit.blockCount();
        if (!whole || block < 0 || block > size || blocks > size - block) {
            throw copyAborted(0); // known by its segment, there is no code for it
        }
    }

    private static ScsiError copyAborted(int code) {
        return ScsiError.check(SenseKey.COPY_ABORTED, code);
    }

    /** Copies segment after segment; used by one thread after another. */
    private static final class Copier {
        private final UnitHandle unit;
        private final int identifier;
        private final boolean kept;
        private final List<Segment> segments;
        private final Execution execution;

        Copier(
                UnitHandle unit,
                int identifier,
                boolean kept,
                List<Segment> segments,
                Execution execution) {
            this.unit = unit;
            this.identifier = identifier;
            this.kept = kept;
            this.segments = segments;
            this.execution = execution;
        }

        void next(int index) {
            if (index == segments.size()) {
                remember(false, index);
                execution.good();
                return;
            }
            Segment segment = segments.get(index);
            try {
                checkAllowed(segment.source(), Access.READ);
                checkAllowed(segment.destination(), Access.WRITE);
                segment.destination().checkWritable();
            } catch (ScsiError e) {
                failed(e, index);
                return;
            }
            GatedExecution.share(
                    segment.destination(),
                    segment.to(),
                    segment.bytes(),
                    new SegmentEnd(this, index),
                    gated -> new SegmentCopier(segment, gated).steps.next());
        }

        private void checkAllowed(UnitHandle other, Access access) throws ScsiError {
            other.unit().checkMedium();
            boolean permitted =
                    other.unit().reservations(state -> state.permits(unit.nexus(), access));
            if (!permitted || other.unit().reservedByAnother(unit.nexus())) {
                throw ScsiError.conflict();
            }
        }

        void failed(ScsiError error, int segmentsDone) {
            remember(true, segmentsDone);
            execution.failed(error);
        }

        private void remember(boolean failed, int segmentsDone) {
            if (kept) {
                unit.lastCopy(new CopyStatus(identifier, failed, segmentsDone));
            }
        }
    }

    /** Copies one segment, a chunk at a time; used by one thread after another. */
    private static final class SegmentCopier {
        private static final int CHUNK_BYTES = 1 << 20;

        private final Segment segment;
        private final Execution end;
        private final Steps steps = new Steps(this::step);
        private long doneBytes;

        SegmentCopier(Segment segment, Execution end) {
            this.segment = segment;
            this.end = end;
        }

        private void step() {
            if (doneBytes == segment.bytes()) {
                end.good();
                return;
            }
            BlockDevice source = segment.source().device();
            int limitBytes = Math.min(CHUNK_BYTES, segment.source().maximumTransferBytes());
            int lengthBytes = (int) Math.min(limitBytes, segment.bytes() - doneBytes);
            source.read(
                    segment.from() + doneBytes, lengthBytes, DeviceStep.thenRead(end, this::write));
            source.submit();
        }

        private void write(ByteBuf data) {
            BlockDevice destination = segment.destination().device();
            long at = segment.to() + doneBytes;
            doneBytes += data.readableBytes();
            Completion then = DeviceStep.then(end, steps::next);
            destination.write(at, data, false, new Releasing(data, then));
            destination.submit();
        }
    }

    /** The end of one segment. */
    private record SegmentEnd(Copier copier, int index) implements Execution {
        @Override
        public ByteBuf dataOut() {
            return copier.execution.dataOut();
        }

        @Override
        public long expectedOutBytes() {
            return copier.execution.expectedOutBytes();
        }

        @Override
        public void good() {
            copier.next(index + 1);
        }

        @Override
        public void good(ByteBuf dataIn) {
            throw new IllegalStateException("a segment has no data");
        }

        @Override
        public void failed(ScsiError error) {
            copier.failed(error, index);
        }
    }

    /** Gives a buffer back when a write has ended. */
    private record Releasing(ByteBuf data, Completion then) implements Completion {
        @Override
        public void succeeded() {
            data.release();
            then.succeeded();
        }

        @Override
        public void failed(BlockDeviceException failure) {
            data.release();
            then.failed(failure);
        }
    }

    // ---- RECEIVE COPY RESULTS

    static Prepared copyStatus(UnitHandle unit, Cdb cdb) throws ScsiError {
        CopyStatus last = unit.lastCopy();
        if (last.listIdentifier() != cdb.at(2)) {
            throw ScsiError.invalidField(2);
        }
        ByteBuffer data = ByteBuffer.allocate(12);
        data.putInt(8).put((byte) (last.failed() ? 2 : 1));
        data.putShort((short) last.segments());
        return Prepared.answer(data.array(), cdb.intAt(10));
    }

    static Prepared operatingParameters(UnitHandle unit, Cdb cdb) {
        ByteBuffer data = ByteBuffer.allocate(46);
        data.putInt(42).put((byte) 0x01); // SNLID
        data.position(8);
        data.putShort((short) MAXIMUM_TARGETS).putShort((short) MAXIMUM_SEGMENTS);
        data.putInt(MAXIMUM_DESCRIPTOR_BYTES).putInt(MAXIMUM_SEGMENT_BYTES);
        data.putInt(0).putInt(0).putInt(0).putInt(0); // no inline, held or stream data
        data.putShort((short) 0).put((byte) 1).put((byte) 9).put((byte) 9).put((byte) 9);
        data.position(43);
        data.put((byte) 2).put((byte) BLOCK_TO_BLOCK).put((byte) IDENTIFICATION);
        return Prepared.answer(data.array(), cdb.intAt(10));
    }

    /**
     * VPD 8F (SPC-4 section 7.8.17): commands, parameters, descriptors, identifiers, in general.
     */
    static byte[] thirdPartyCopyPage() {
        ByteBuffer page = ByteBuffer.allocate(256);
        descriptor(page, 0x0001, new byte[] {7, (byte) 0x83, 1, 0, (byte) 0x84, 2, 0, 3});
        ByteBuffer parameters = ByteBuffer.allocate(28);
        parameters.putShort(4, (short) MAXIMUM_TARGETS).putShort(6, (short) MAXIMUM_SEGMENTS);
        parameters.putInt(8, MAXIMUM_DESCRIPTOR_BYTES);
        descriptor(page, 0x0004, parameters.array());
        descriptor(page, 0x0008, new byte[] {0, 2, BLOCK_TO_BLOCK, (byte) IDENTIFICATION});
        ByteBuffer general = ByteBuffer.allocate(32);
        general.putInt(1).putInt(1).putInt(MAXIMUM_SEGMENT_BYTES);
        descriptor(page, (short) 0x8001, general.array());
        byte[] used = new byte[page.position()];
        page.flip().get(used);
        return used;
    }

    private static void descriptor(ByteBuffer page, int type, byte[] content) {
        int paddedBytes = (content.length + 3) / 4 * 4;
        page.putShort((short) type).putShort((short) paddedBytes);
        page.put(content);
        page.position(page.position() + paddedBytes - content.length);
    }
}
