package dev.tidemark.iscsi.scsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;

/** READ, WRITE, VERIFY, WRITE AND VERIFY, SYNCHRONIZE CACHE, PRE-FETCH (SBC-3, SBC-4). */
final class BlockCommands {
    private static final int PROTECT = 0xe0;
    private static final int FUA = 0x08;

    private BlockCommands() {}

    /** A range of whole blocks in bytes, checked against the unit. */
    record Range(long offsetBytes, long lengthBytes) {
        int length() {
            return Math.toIntExact(lengthBytes);
        }
    }

    /** Checks a range and how much may be moved at once (VPD B0, MAXIMUM TRANSFER LENGTH). */
    static Range range(UnitHandle unit, Cdb cdb) throws ScsiError {
        return range(unit, cdb.block(), cdb.blocks(), unit.maximumTransferBytes());
    }

    static Range range(UnitHandle unit, long block, long count, long maximumBytes)
            throws ScsiError {
        unit.checkRange(block, count);
        long lengthBytes = count * unit.blockBytes();
        if (lengthBytes > maximumBytes) {
            throw ScsiError.invalidField(0);
        }
        return new Range(block * unit.blockBytes(), lengthBytes);
    }

    /** There is no protection information (RDPROTECT, WRPROTECT, VRPROTECT). */
    static void checkProtect(Cdb cdb) throws ScsiError {
        if (cdb.bit(1, PROTECT)) {
            throw ScsiError.invalidField(1);
        }
    }

    // ---- READ

    /** READ(6) has no flags: the upper bits of byte 1 were LUN once. */
    static Prepared read6(UnitHandle unit, Cdb cdb) throws ScsiError {
        return read(unit, range(unit, cdb));
    }

    static Prepared read(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkProtect(cdb);
        return read(unit, range(unit, cdb));
    }

    private static Prepared read(UnitHandle unit, Range range) {
        if (range.length() == 0) {
            return Prepared.withoutData(Execution::good);
        }
        // FUA: what was acknowledged is what is read; there is no older medium beneath a cache.
        return Prepared.reading(
                range.lengthBytes(),
                execution ->
                        unit.device()
                                .read(
                                        range.offsetBytes(),
                                        range.length(),
                                        DeviceStep.thenRead(execution, execution::good)));
    }

    // ---- WRITE

    static Prepared write6(UnitHandle unit, Cdb cdb) throws ScsiError {
        unit.checkWritable();
        return write(unit, range(unit, cdb), false);
    }

    static Prepared write(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkProtect(cdb);
        unit.checkWritable();
        return write(unit, range(unit, cdb), cdb.bit(1, FUA));
    }

    private static Prepared write(UnitHandle unit, Range range, boolean fua) {
        return Prepared.writing(
                range.lengthBytes(),
                execution -> {
                    ByteBuf data = wholeBlocks(unit, execution.dataOut(), range);
                    if (!data.isReadable()) {
                        execution.good();
                        return;
                    }
                    GatedExecution.share(
                            unit,
                            range.offsetBytes(),
                            data.readableBytes(),
                            execution,
                            gated ->
                                    unit.device()
                                            .write(
                                                    range.offsetBytes(),
                                                    data,
                                                    fua,
                                                    DeviceStep.then(gated, gated::good)));
                });
    }

    /**
     * When the initiator announces less than its CDB says, as much is written; nothing is when that
     * is no whole number of blocks (INVALID FIELD IN COMMAND INFORMATION UNIT).
     */
    private static ByteBuf wholeBlocks(UnitHandle unit, ByteBuf data, Range range)
            throws ScsiError {
        int givenBytes = (int) Math.min(data.readableBytes(), range.lengthBytes());
        if (givenBytes % unit.blockBytes() != 0) {
            throw ScsiError.illegal(0x0e03);
        }
        return data.slice(data.readerIndex(), givenBytes);
    }

    // ---- VERIFY

    static Prepared verify(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkProtect(cdb);
        Range range = range(unit, cdb);
        int check = cdb.at(1) >> 1 & 3;
        return switch (check) {
            case 0 -> Prepared.withoutData(execution -> verifyReadable(unit, range, execution));
            case 1 ->
                    Prepared.writing(
                            range.lengthBytes(),
                            execution -> {
                                requireData(execution, range.lengthBytes());
                                compare(unit, range, execution.dataOut(), execution);
                            });
            case 3 -> verifyRepeated(unit, range);
            default -> throw ScsiError.invalidField(1);
        };
    }

    /** BYTCHK 3: one block, which all of the range are to equal. */
    private static Prepared verifyRepeated(UnitHandle unit, Range range) {
        int blockBytes = unit.blockBytes();
        return Prepared.writing(
                range.length() == 0 ? 0 : blockBytes,
                execution -> {
                    requireData(execution, range.length() == 0 ? 0 : blockBytes);
                    ByteBuf block = execution.dataOut();
                    byte[] expected = new byte[range.length()];
                    for (int at = 0; at < expected.length; at += blockBytes) {
                        block.getBytes(block.readerIndex(), expected, at, blockBytes);
                    }
                    compare(unit, range, Unpooled.wrappedBuffer(expected), execution);
                });
    }

    private static void verifyReadable(UnitHandle unit, Range range, Execution execution) {
        if (range.length() == 0) {
            execution.good();
            return;
        }
        unit.device()
                .read(
                        range.offsetBytes(),
                        range.length(),
                        DeviceStep.thenRead(
                                execution,
                                data -> {
                                    data.release();
                                    execution.good();
                                }));
    }

    static void requireData(Execution execution, long lengthBytes) throws ScsiError {
        if (execution.dataOut().readableBytes() < lengthBytes) {
            throw ScsiError.illegal(0x2400);
        }
    }

    /** Ends with MISCOMPARE and the first differing byte, or with GOOD. */
    static void compare(UnitHandle unit, Range range, ByteBuf expected, Execution execution) {
        if (range.length() == 0) {
            execution.good();
            return;
        }
        unit.device()
                .read(
                        range.offsetBytes(),
                        range.length(),
                        DeviceStep.thenRead(
                                execution,
                                data -> {
                                    int differs = firstDifference(data, expected, range.length());
                                    data.release();
                                    if (differs >= 0) {
                                        throw ScsiError.miscompare(differs);
                                    }
                                    execution.good();
                                }));
    }

    /** Index of the first differing byte, -1 when the first {@code lengthBytes} are the same. */
    static int firstDifference(ByteBuf a, ByteBuf b, int lengthBytes) {
        if (ByteBufUtil.equals(a, a.readerIndex(), b, b.readerIndex(), lengthBytes)) {
            return -1;
        }
        for (int i = 0; i < lengthBytes; i++) {
            if (a.getByte(a.readerIndex() + i) != b.getByte(b.readerIndex() + i)) {
                return i;
            }
        }
        throw new AssertionError("unequal buffers without a difference");
    }

    // ---- WRITE AND VERIFY

    static Prepared writeAndVerify(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkProtect(cdb);
        if ((cdb.at(1) >> 1 & 3) > 1) {
            throw ScsiError.invalidField(1);
        }
        unit.checkWritable();
        Range range = range(unit, cdb);
        return Prepared.writing(
                range.lengthBytes(),
                execution -> {
                    ByteBuf data = wholeBlocks(unit, execution.dataOut(), range);
                    Range written = new Range(range.offsetBytes(), data.readableBytes());
                    if (written.length() == 0) {
                        execution.good();
                        return;
                    }
                    GatedExecution.share(
                            unit,
                            written.offsetBytes(),
                            written.lengthBytes(),
                            execution,
                            gated -> writeThenCompare(unit, written, data, gated));
                });
    }

    private static void writeThenCompare(
            UnitHandle unit, Range range, ByteBuf data, Execution execution) {
        unit.device()
                .write(
                        range.offsetBytes(),
                        data,
                        true,
                        DeviceStep.then(
                                execution,
                                () -> {
                                    compare(unit, range, data, execution);
                                    unit.device().submit();
                                }));
    }

    // ---- SYNCHRONIZE CACHE and PRE-FETCH

    /** The range is checked; what is flushed is everything. IMMED is allowed to wait as well. */
    static Prepared synchronizeCache(UnitHandle unit, Cdb cdb) throws ScsiError {
        unit.checkRange(cdb.block(), cdb.blocks());
        return Prepared.withoutData(
                execution -> unit.device().flush(DeviceStep.then(execution, execution::good)));
    }

    /** Zero blocks mean all up to the end (SBC-3 section 5.11). */
    static Prepared preFetch(UnitHandle unit, Cdb cdb) throws ScsiError {
        unit.checkRange(cdb.block(), cdb.blocks());
        long offsetBytes = cdb.block() * unit.blockBytes();
        long lengthBytes =
                cdb.blocks() == 0
                        ? unit.blockCount() * unit.blockBytes() - offsetBytes
                        : cdb.blocks() * unit.blockBytes();
        boolean immediate = cdb.bit(1, 0x02);
        return Prepared.withoutData(execution -> {
            if (immediate) {
                unit.answeredEarly();
                execution.good();
                unit.device().prefetch(offsetBytes, lengthBytes, new Ignored(unit));
            } else {
                unit.device()
                        .prefetch(
                                offsetBytes,
                                lengthBytes,
                                DeviceStep.then(execution, execution::good));
            }
        });
    }
}
