package dev.tidemark.iscsi.scsi;

import io.netty.buffer.ByteBuf;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A command that changes a range: waits for its turn in the unit's gate, runs, and gives the range
 * back before its end is told.
 */
final class GatedExecution extends RangeGate.Hold implements Execution {
    private static final Logger LOG = LoggerFactory.getLogger(GatedExecution.class);

    private static final int INTERNAL_FAILURE = 0x4400;

    private final UnitHandle unit;
    private final Execution execution;
    private final Prepared.Action action;

    private GatedExecution(
            UnitHandle unit,
            long offsetBytes,
            long lengthBytes,
            boolean alone,
            Execution execution,
            Prepared.Action action) {
        super(offsetBytes, lengthBytes, alone);
        this.unit = unit;
        this.execution = execution;
        this.action = action;
    }

    /** Runs an action once no atomic command is at work on its range. */
    static void share(
            UnitHandle unit,
            long offset,
            long length,
            Execution execution,
            Prepared.Action action) {
        acquire(new GatedExecution(unit, offset, length, false, execution, action));
    }

    /** Runs an action once it is alone on its range. */
    static void alone(
            UnitHandle unit,
            long offset,
            long length,
            Execution execution,
            Prepared.Action action) {
        acquire(new GatedExecution(unit, offset, length, true, execution, action));
    }

    private static void acquire(GatedExecution wish) {
        wish.unit.unit().gate().acquire(wish);
    }

    @Override
    void granted() {
        try {
            action.run(this);
        } catch (ScsiError e) {
            failed(e);
        } catch (RuntimeException e) {
            LOG.error("a command on {} failed", unit.description().serial(), e);
            failed(ScsiError.aborted(INTERNAL_FAILURE)); // or the range would be held for ever
        }
    }

    @Override
    void submit() {
        unit.device().submit();
    }

    private void release() {
        unit.unit().gate().release(this);
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
        release();
        execution.good();
    }

    @Override
    public void good(ByteBuf dataIn) {
        release();
        execution.good(dataIn);
    }

    @Override
    public void failed(ScsiError error) {
        release();
        execution.failed(error);
    }
}
