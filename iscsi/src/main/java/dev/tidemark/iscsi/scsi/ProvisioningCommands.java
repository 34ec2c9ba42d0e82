package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.iscsi.scsi.BlockCommands.Range;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** UNMAP, WRITE SAME and GET LBA STATUS (SBC-3 sections 5.28, 5.42, 5.5). */
final class ProvisioningCommands {
    /** VPD B0: most descriptors of an UNMAP. */
    static final int MAXIMUM_DESCRIPTORS = 256;

    /** VPD B0: most blocks of one UNMAP descriptor. */
    static final int MAXIMUM_UNMAP_BLOCKS = 1 << 20;

    /** VPD B0: most bytes of one WRITE SAME. */
    static final long MAXIMUM_SAME_BYTES = 4L << 30;

    private static final int DESCRIPTOR_BYTES = 16;
    private static final int UNMAP_HEADER_BYTES = 8;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int STATUS_HEADER_BYTES = 8;
    private static final int MAXIMUM_STATUS_COUNT = 4095;

    private static final int MAPPED = 0;
    private static final int DEALLOCATED = 1;
    private static final int ANCHORED = 2;

    private ProvisioningCommands() {}

    // ---- UNMAP

    static Prepared unmap(UnitHandle unit, Cdb cdb) throws ScsiError {
        unit.checkWritable();
        int listBytes = cdb.shortAt(7);
        boolean anchor = cdb.bit(1, 0x01);
        if (listBytes == 0) {
            return Prepared.withoutData(Execution::good);
        }
        if (listBytes < UNMAP_HEADER_BYTES) {
            throw ScsiError.parameterListLength();
        }
        return Prepared.writing(
                listBytes,
                execution -> {
                    BlockCommands.requireData(execution, listBytes);
                    ByteBuf data = execution.dataOut();
                    byte[] list = ByteBufUtil.getBytes(data, data.readerIndex(), listBytes);
                    zeroAll(unit, descriptors(unit, list), anchor, execution);
                });
    }

    private static List<Range> descriptors(UnitHandle unit, byte[] list) throws ScsiError {
        ByteBuffer buffer = ByteBuffer.wrap(list);
        int descriptorBytes = buffer.getShort(2) & 0xffff;
        int availableBytes = Math.min(descriptorBytes, list.length - UNMAP_HEADER_BYTES);
        int count = availableBytes / DESCRIPTOR_BYTES;
        if (count > MAXIMUM_DESCRIPTORS) {
            throw ScsiError.invalidParameter(2);
        }
        List<Range> ranges = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = UNMAP_HEADER_BYTES + i * DESCRIPTOR_BYTES;
            long blocks = buffer.getInt(at + 8) & 0xffffffffL;
            unit.checkRange(buffer.getLong(at), blocks);
            if (blocks > MAXIMUM_UNMAP_BLOCKS) {
                throw ScsiError.invalidParameter(at + 8);
            }
            ranges.add(
                    new Range(buffer.getLong(at) * unit.blockBytes(), blocks * unit.blockBytes()));
        }
        return ranges;
    }

    private static void zeroAll(
            UnitHandle unit, List<Range> ranges, boolean anchor, Execution execution) {
        if (ranges.isEmpty()) {
            execution.good();
            return;
        }
        Together together = new Together(execution, ranges.size());
        for (Range range : ranges) {
            GatedExecution.share(
                    unit,
                    range.offsetBytes(),
                    range.lengthBytes(),
                    together,
                    gated ->
                            unit.device()
                                    .zero(
                                            range.offsetBytes(),
                                            range.lengthBytes(),
                                            !anchor,
                                            false,
                                            DeviceStep.then(gated, gated::good)));
        }
    }

    /** Ends a command when all its parts have ended, with the first failure if there was one. */
    private static final class Together implements Execution {
        private final Execution execution;
        private final AtomicInteger missing;
        private final AtomicReference<@Nullable ScsiError> failure = new AtomicReference<>();

        Together(Execution execution, int parts) {
            this.execution = execution;
            this.missing = new AtomicInteger(parts);
        }

        @Override
        public ByteBuf dataOut() {
            return execution.dataOut();
        }

        @Override
        public long expectedOutBytes() {
            return execution.expectedOutBytes();
        }

        @Override
        public void good() {
            if (missing.decrementAndGet() > 0) {
                return;
            }
            ScsiError first = failure.get();
            if (first == null) {
                execution.good();
            } else {
                execution.failed(first);
            }
        }

        @Override
        public void good(ByteBuf dataIn) {
            throw new IllegalStateException("a part has no data");
        }

        @Override
        public void failed(ScsiError error) {
            failure.compareAndSet(null, error);
            good();
        }
    }

    // ---- WRITE SAME

    static Prepared writeSame10(UnitHandle unit, Cdb cdb) throws ScsiError {
        return writeSame(unit, cdb, false);
    }

    static Prepared writeSame16(UnitHandle unit, Cdb cdb) throws ScsiError {
        return writeSame(unit, cdb, cdb.bit(1, 0x01));
    }

    private static Prepared writeSame(UnitHandle unit, Cdb cdb, boolean withoutData)
            throws ScsiError {
        BlockCommands.checkProtect(cdb);
        boolean unmap = cdb.bit(1, 0x08);
        boolean anchor = cdb.bit(1, 0x10);
        if (anchor && !unmap) {
            throw ScsiError.invalidField(1);
        }
        unit.checkWritable();
        unit.checkRange(cdb.block(), cdb.blocks());
        // 0 blocks mean all up to the end, as WSNZ is 0.
        long blocks = cdb.blocks() == 0 ? unit.blockCount() - cdb.block() : cdb.blocks();
        Range range = BlockCommands.range(unit, cdb.block(), blocks, MAXIMUM_SAME_BYTES);
        boolean deallocate = unmap && !anchor;
        int blockBytes = unit.blockBytes();
        return Prepared.writing(
                withoutData ? 0 : blockBytes,
                execution -> {
                    if (!withoutData && execution.expectedOutBytes() != blockBytes) {
                        throw ScsiError.illegal(0x2400);
                    }
                    BlockCommands.requireData(execution, withoutData ? 0 : blockBytes);
                    fill(unit, range, withoutData, deallocate, execution);
                });
    }

    private static void fill(
            UnitHandle unit,
            Range range,
            boolean withoutData,
            boolean deallocate,
            Execution execution) {
        if (range.lengthBytes() == 0) {
            execution.good();
            return;
        }
        boolean zeros = withoutData || allZero(execution.dataOut(), unit.blockBytes());
        GatedExecution.share(
                unit,
                range.offsetBytes(),
                range.lengthBytes(),
                execution,
                gated -> {
                    if (zeros) {
                        unit.device()
                                .zero(
                                        range.offsetBytes(),
                                        range.lengthBytes(),
                                        deallocate,
                                        false,
                                        DeviceStep.then(gated, gated::good));
                    } else {
                        byte[] block = ByteBufUtil.getBytes(gated.dataOut());
                        new PatternWriter(unit, range, block, gated).next();
                    }
                });
    }

    static boolean allZero(ByteBuf data, int lengthBytes) {
        int start = data.readerIndex();
        for (int i = 0; i < lengthBytes; i++) {
            if (data.getByte(start + i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Writes one block again and again, a chunk at a time; used by one thread after another. */
    static final class PatternWriter {
        private final UnitHandle unit;
        private final Execution execution;
        private final byte[] chunk;
        private final Steps steps = new Steps(this::step);
        private long offsetBytes;
        private long leftBytes;

        PatternWriter(UnitHandle unit, Range range, byte[] block, Execution execution) {
            this.unit = unit;
            this.execution = execution;
            this.offsetBytes = range.offsetBytes();
            this.leftBytes = range.lengthBytes();
            int limit = Math.min(CHUNK_BYTES, unit.maximumTransferBytes());
            int blockBytes = unit.blockBytes();
            int chunkBytes = (int) Math.min(leftBytes, (long) limit / blockBytes * blockBytes);
            this.chunk = new byte[chunkBytes];
            for (int at = 0; at < chunkBytes; at += blockBytes) {
                System.arraycopy(block, 0, chunk, at, blockBytes);
            }
        }

        void next() {
            steps.next();
        }

        private void step() {
            if (leftBytes == 0) {
                execution.good();
                return;
            }
            int lengthBytes = (int) Math.min(chunk.length, leftBytes);
            long at = offsetBytes;
            offsetBytes += lengthBytes;
            leftBytes -= lengthBytes;
            unit.device()
                    .write(
                            at,
                            Unpooled.wrappedBuffer(chunk, 0, lengthBytes),
                            false,
                            DeviceStep.then(execution, steps::next));
            unit.device().submit();
        }
    }

    // ---- GET LBA STATUS

    static Prepared lbaStatus(UnitHandle unit, Cdb cdb) throws ScsiError {
        long block = cdb.longAt(2);
        long blocks = unit.blockCount();
        if (block < 0 || block >= blocks) {
            throw ScsiError.outOfRange();
        }
        long allocationBytes = cdb.intAt(10);
        int wanted =
                Math.clamp(
                        (allocationBytes - STATUS_HEADER_BYTES) / DESCRIPTOR_BYTES,
                        1,
                        MAXIMUM_STATUS_COUNT);
        long offsetBytes = block * unit.blockBytes();
        long lengthBytes = blocks * unit.blockBytes() - offsetBytes;
        return new Prepared(
                0,
                STATUS_HEADER_BYTES + (long) wanted * DESCRIPTOR_BYTES,
                execution ->
                        unit.device()
                                .allocation(
                                        offsetBytes,
                                        lengthBytes,
                                        2 * wanted + 1,
                                        new StatusAnswer(
                                                unit, wanted, allocationBytes, execution)));
    }

    private record StatusAnswer(
            UnitHandle unit, int wanted, long allocationBytes, Execution execution)
            implements StatusCompletion {
        @Override
        public void succeeded(RangeStatus status) {
            RangeStatus blocks = inBlocks(status, unit.blockBytes(), wanted);
            ByteBuffer data =
                    ByteBuffer.allocate(STATUS_HEADER_BYTES + blocks.count() * DESCRIPTOR_BYTES);
            data.putInt(data.capacity() - 4).putInt(0);
            long at = blocks.offsetBytes();
            for (int i = 0; i < blocks.count(); i++) {
                data.putLong(at).putInt((int) blocks.lengthBytes(i));
                data.put((byte) blocks.value(i)).put((byte) 0).putShort((short) 0);
                at += blocks.lengthBytes(i);
            }
            int lengthBytes = (int) Math.min(data.capacity(), allocationBytes);
            execution.good(Unpooled.wrappedBuffer(data.array(), 0, lengthBytes));
        }

        @Override
        public void failed(BlockDeviceException failure) {
            execution.failed(ScsiError.of(failure, true));
        }
    }

    /**
     * Extents of bytes as extents of whole blocks, offsets and lengths in blocks. A block is only
     * called deallocated or anchored when all of it is; a descriptor has less than 2^32 blocks.
     */
    static RangeStatus inBlocks(RangeStatus bytes, int blockBytes, int maximumCount) {
        RangeStatus.Builder result =
                new RangeStatus.Builder(bytes.offsetBytes() / blockBytes, maximumCount);
        long start = bytes.offsetBytes();
        boolean room = true;
        for (int i = 0; i < bytes.count() && room; i++) {
            long end = start + bytes.lengthBytes(i);
            long provisioning = provisioning(bytes.value(i));
            if (provisioning != MAPPED) {
                long first = (start + blockBytes - 1) / blockBytes;
                long last = end / blockBytes;
                if (last > first) {
                    room =
                            result.add(first - result.endBytes(), MAPPED)
                                    && result.add(last - first, provisioning);
                }
            }
            start = end;
        }
        if (room) {
            long last = Math.max(start / blockBytes, result.endBytes());
            long rest = last - result.endBytes();
            result.add(
                    rest == 0 && result.endBytes() == bytes.offsetBytes() / blockBytes ? 1 : rest,
                    MAPPED);
        }
        return clipped(result.build());
    }

    private static RangeStatus clipped(RangeStatus blocks) {
        RangeStatus.Builder result =
                new RangeStatus.Builder(blocks.offsetBytes(), Math.max(1, blocks.count()));
        for (int i = 0; i < blocks.count(); i++) {
            long lengthBlocks = blocks.lengthBytes(i);
            result.add(Math.min(lengthBlocks, 0xffffffffL), blocks.value(i));
            if (lengthBlocks > 0xffffffffL) {
                break; // the answer stops short, the initiator asks again
            }
        }
        return result.build();
    }

    private static long provisioning(long allocation) {
        boolean zero = (allocation & Allocation.ZERO) != 0;
        boolean hole = (allocation & Allocation.HOLE) != 0;
        return zero && hole ? DEALLOCATED : zero ? ANCHORED : MAPPED;
    }
}
