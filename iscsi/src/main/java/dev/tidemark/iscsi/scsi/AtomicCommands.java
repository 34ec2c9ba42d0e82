package dev.tidemark.iscsi.scsi;

import dev.tidemark.iscsi.scsi.BlockCommands.Range;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** COMPARE AND WRITE, ORWRITE and WRITE ATOMIC: alone on their range while they work. */
final class AtomicCommands {
    /** VPD B0, MAXIMUM COMPARE AND WRITE LENGTH. */
    static final int MAXIMUM_COMPARE_BLOCKS = 255;

    private static final int FUA = 0x08;

    private AtomicCommands() {}

    /** SBC-3 section 5.2: what is there must equal the first half, then the second is written. */
    static Prepared compareAndWrite(UnitHandle unit, Cdb cdb) throws ScsiError {
        BlockCommands.checkProtect(cdb);
        unit.checkWritable();
        int blocks = cdb.at(13);
        Range range = BlockCommands.range(unit, cdb.longAt(2), blocks, unit.maximumTransferBytes());
        long listBytes = 2 * range.lengthBytes();
        boolean fua = cdb.bit(1, FUA);
        return Prepared.writing(
                listBytes,
                execution -> {
                    if (execution.expectedOutBytes() != listBytes) {
                        throw ScsiError.invalidField(13);
                    }
                    BlockCommands.requireData(execution, listBytes);
                    if (listBytes == 0) {
                        execution.good();
                        return;
                    }
                    GatedExecution.alone(
                            unit,
                            range.offsetBytes(),
                            range.lengthBytes(),
                            execution,
                            gated -> compareThenWrite(unit, range, fua, gated));
                });
    }

    private static void compareThenWrite(
            UnitHandle unit, Range range, boolean fua, Execution execution) {
        ByteBuf both = execution.dataOut();
        unit.device()
                .read(
                        range.offsetBytes(),
                        range.length(),
                        DeviceStep.thenRead(
                                execution,
                                data -> {
                                    int differs =
                                            BlockCommands.firstDifference(
                                                    data, both, range.length());
                                    data.release();
                                    if (differs >= 0) {
                                        throw ScsiError.miscompare(differs);
                                    }
                                    ByteBuf replacement =
                                            both.slice(
                                                    both.readerIndex() + range.length(),
                                                    range.length());
                                    write(unit, range, replacement, fua, execution);
                                }));
    }

    private static void write(
            UnitHandle unit, Range range, ByteBuf data, boolean fua, Execution execution) {
        unit.device()
                .write(range.offsetBytes(), data, fua, DeviceStep.then(execution, execution::good));
        unit.device().submit();
    }

    /** SBC-3 section 5.9. */
    static Prepared orWrite(UnitHandle unit, Cdb cdb) throws ScsiError {
        BlockCommands.checkProtect(cdb);
        unit.checkWritable();
        Range range = BlockCommands.range(unit, cdb);
        boolean fua = cdb.bit(1, FUA);
        return Prepared.writing(
                range.lengthBytes(),
                execution -> {
                    BlockCommands.requireData(execution, range.lengthBytes());
                    if (range.length() == 0) {
                        execution.good();
                        return;
                    }
                    GatedExecution.alone(
                            unit,
                            range.offsetBytes(),
                            range.lengthBytes(),
                            execution,
                            gated -> orThenWrite(unit, range, fua, gated));
                });
    }

    private static void orThenWrite(
            UnitHandle unit, Range range, boolean fua, Execution execution) {
        unit.device()
                .read(
                        range.offsetBytes(),
                        range.length(),
                        DeviceStep.thenRead(
                                execution,
                                data -> {
                                    byte[] merged = new byte[range.length()];
                                    data.readBytes(merged);
                                    data.release();
                                    ByteBuf given = execution.dataOut();
                                    int start = given.readerIndex();
                                    for (int i = 0; i < merged.length; i++) {
                                        merged[i] |= given.getByte(start + i);
                                    }
                                    ByteBuf result = Unpooled.wrappedBuffer(merged);
                                    write(unit, range, result, fua, execution);
                                }));
    }

    /**
     * SBC-4 section 5.48. Any write is one record of the journal and so all there or not at all
     * after a crash; here it is also kept apart from other commands. Atomic boundaries are not
     * offered.
     */
    static Prepared writeAtomic(UnitHandle unit, Cdb cdb) throws ScsiError {
        BlockCommands.checkProtect(cdb);
        if (cdb.shortAt(10) != 0) {
            throw ScsiError.invalidField(10); // ATOMIC BOUNDARY
        }
        unit.checkWritable();
        Range range =
                BlockCommands.range(
                        unit, cdb.longAt(2), cdb.shortAt(12), unit.maximumTransferBytes());
        boolean fua = cdb.bit(1, FUA);
        return Prepared.writing(
                range.lengthBytes(),
                execution -> {
                    BlockCommands.requireData(execution, range.lengthBytes());
                    if (range.length() == 0) {
                        execution.good();
                        return;
                    }
                    GatedExecution.alone(
                            unit,
                            range.offsetBytes(),
                            range.lengthBytes(),
                            execution,
                            gated -> {
                                ByteBuf data = gated.dataOut();
                                ByteBuf whole = data.slice(data.readerIndex(), range.length());
                                write(unit, range, whole, fua, gated);
                            });
                });
    }
}
