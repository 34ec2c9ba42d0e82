package dev.tidemark.iscsi.scsi;

import dev.tidemark.iscsi.scsi.BlockCommands.Range;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SANITIZE (SBC-4 revision 4, section 5.24): makes every block of the volume as it stands
 * unreadable to hosts. It does not reach a protected volume's history, which exists to survive
 * exactly this; whoever wants history gone removes the protection. Of no kind of SANITIZE a host
 * learns more than that, so that CRYPTOGRAPHIC ERASE, without a key that could be lost, is BLOCK
 * ERASE.
 */
final class SanitizeCommands {
    private static final Logger LOG = LoggerFactory.getLogger(SanitizeCommands.class);

    private static final int OVERWRITE_HEADER_BYTES = 4;
    private static final int IMMEDIATE = 0x80;

    private SanitizeCommands() {}

    /** All bytes but the service action, IMMED, AUSE and the length are reserved, and checked. */
    private static void checkReserved(Cdb cdb) throws ScsiError {
        if (cdb.bit(1, 0x40)) {
            throw ScsiError.invalidField(1);
        }
        for (int i = 2; i < 7; i++) {
            if (cdb.at(i) != 0) {
                throw ScsiError.invalidField(i);
            }
        }
    }

    static Prepared erase(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkReserved(cdb);
        if (cdb.shortAt(7) != 0) {
            throw ScsiError.invalidField(7);
        }
        unit.checkWritable();
        return Prepared.withoutData(execution ->
                run(
                        unit,
                        cdb.bit(1, IMMEDIATE),
                        execution,
                        whole -> {
                            Range all = whole(unit);
                            zero(unit, all, true, whole);
                        }));
    }

    /** No sanitize operation can fail for good, so there is no failure mode to leave. */
    static Prepared exitFailureMode(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkReserved(cdb);
        if (cdb.shortAt(7) != 0) {
            throw ScsiError.invalidField(7);
        }
        return Prepared.withoutData(Execution::good);
    }

    static Prepared overwrite(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkReserved(cdb);
        int listBytes = cdb.shortAt(7);
        if (listBytes <= OVERWRITE_HEADER_BYTES
                || listBytes > OVERWRITE_HEADER_BYTES + unit.blockBytes()) {
            throw ScsiError.invalidField(7);
        }
        unit.checkWritable();
        return Prepared.writing(
                listBytes,
                execution -> {
                    BlockCommands.requireData(execution, listBytes);
                    ByteBuf data = execution.dataOut();
                    byte[] list = ByteBufUtil.getBytes(data, data.readerIndex(), listBytes);
                    overwrite(unit, list, cdb.bit(1, IMMEDIATE), execution);
                });
    }

    private static void overwrite(
            UnitHandle unit, byte[] list, boolean immediate, Execution execution) throws ScsiError {
        int count = list[0] & 0x1f;
        int patternBytes = (list[2] & 0xff) << 8 | (list[3] & 0xff);
        boolean invert = (list[0] & 0x80) != 0;
        if (count == 0 || (list[0] & 0x60) != 0) {
            throw ScsiError.invalidParameter(0);
        }
        if (patternBytes == 0 || patternBytes != list.length - OVERWRITE_HEADER_BYTES) {
            throw ScsiError.invalidParameter(2);
        }
        byte[] block = new byte[unit.blockBytes()];
        for (int i = 0; i < block.length; i++) {
            block[i] = list[OVERWRITE_HEADER_BYTES + i % patternBytes];
        }
        run(unit, immediate, execution, whole -> pass(unit, block, count, invert, whole));
    }

    /** One pass over the volume, and then the next; with INVERT each is the other's complement. */
    private static void pass(
            UnitHandle unit, byte[] block, int count, boolean invert, Execution execution)
            throws ScsiError {
        if (count == 0) {
            unit.device().flush(DeviceStep.then(execution, execution::good));
            return;
        }
        byte[] following = block.clone();
        if (invert) {
            for (int i = 0; i < following.length; i++) {
                following[i] = (byte) ~following[i];
            }
        }
        Execution passed =
                new Continuation(
                        execution,
                        () -> {
                            pass(unit, following, count - 1, invert, execution);
                            unit.device().submit();
                        });
        if (ProvisioningCommands.allZero(Unpooled.wrappedBuffer(block), block.length)) {
            zero(unit, whole(unit), false, passed);
        } else {
            new ProvisioningCommands.PatternWriter(unit, whole(unit), block, passed).next();
        }
    }

    private static void zero(UnitHandle unit, Range range, boolean deallocate, Execution then) {
        unit.device()
                .zero(
                        range.offsetBytes(),
                        range.lengthBytes(),
                        deallocate,
                        true,
                        DeviceStep.then(then, then::good));
    }

    private static Range whole(UnitHandle unit) {
        return new Range(0, unit.blockCount() * unit.blockBytes());
    }

    /** Refuses other commands meanwhile; an immediate one is answered as soon as it has begun. */
    private static void run(
            UnitHandle unit, boolean immediate, Execution execution, Prepared.Action action)
            throws ScsiError {
        unit.unit().beginSanitize();
        Ending ending = new Ending(unit, immediate ? null : execution);
        if (immediate) {
            unit.answeredEarly();
            execution.good();
        } else {
            execution.outlivesAbort(ending::letGo);
        }
        Range all = whole(unit);
        if (all.lengthBytes() == 0) {
            ending.good();
        } else {
            GatedExecution.alone(unit, 0, all.lengthBytes(), ending, action);
        }
    }

    /** What comes after a part of a command. */
    private record Continuation(Execution execution, DeviceStep.Next next) implements Execution {
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
            try {
                next.run();
            } catch (ScsiError e) {
                failed(e);
            }
        }

        @Override
        public void good(ByteBuf dataIn) {
            throw new IllegalStateException("a part has no data");
        }

        @Override
        public void failed(ScsiError error) {
            execution.failed(error);
        }
    }

    /**
     * The unit is open to commands again before the initiator hears of it. An abort or a reset does
     * not end a sanitize (SBC-4 revision 4, section 4.11): from then on nobody waits for it.
     */
    private static final class Ending implements Execution {
        private final UnitHandle unit;

        /** Who is to be told; null for nobody. */
        private final AtomicReference<@Nullable Execution> execution;

        Ending(UnitHandle unit, @Nullable Execution execution) {
            this.unit = unit;
            this.execution = new AtomicReference<>(execution);
        }

        boolean letGo() {
            unit.answeredEarly();
            if (execution.getAndSet(null) != null) {
                return true;
            }
            unit.done(); // it has just ended, and its end is on its way
            return false;
        }

        @Override
        public ByteBuf dataOut() {
            return Unpooled.EMPTY_BUFFER;
        }

        @Override
        public long expectedOutBytes() {
            return 0;
        }

        @Override
        public void good() {
            unit.unit().endSanitize();
            Execution told = execution.getAndSet(null);
            if (told == null) {
                unit.done();
            } else {
                told.good();
            }
        }

        @Override
        public void good(ByteBuf dataIn) {
            throw new IllegalStateException("a sanitize has no data");
        }

        @Override
        public void failed(ScsiError error) {
            unit.unit().endSanitize();
            Execution told = execution.getAndSet(null);
            if (told == null) {
                LOG.warn(
                        "unit {}: a sanitize has failed: {}",
                        unit.description().serial(),
                        error.getMessage());
                unit.done();
            } else {
                told.failed(error);
            }
        }
    }
}
