package dev.tidemark.iscsi.scsi;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.iscsi.target.UnitDescription;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One session's view of a logical unit: what it has not been told yet, and the disk it reads and
 * writes. Thread-safe.
 */
public final class UnitHandle {
    /** Largest read or write; bounds the memory of one command. */
    private static final int MAXIMUM_TRANSFER_BYTES = 32 << 20;

    private final LogicalUnit unit;
    private final NexusId nexus;
    private final BlockDevice device;
    private final SessionHooks hooks;

    @GuardedBy("this")
    private final ArrayDeque<UnitAttention> attentions = new ArrayDeque<>();

    @GuardedBy("this")
    private long knownBytes;

    /** What thresholds were last looked at with; null when they are to be looked at again. */
    @GuardedBy("this")
    private @Nullable SharedSpace knownSpace;

    @GuardedBy("this")
    private boolean thresholdReached;

    /** Work that goes on after its command was answered. */
    private final AtomicInteger unanswered = new AtomicInteger();

    private volatile boolean preventsRemoval;
    private volatile CopyStatus lastCopy = CopyStatus.NONE;

    UnitHandle(LogicalUnit unit, NexusId nexus, BlockDevice device, SessionHooks hooks) {
        this.unit = unit;
        this.nexus = nexus;
        this.device = device;
        this.hooks = hooks;
        this.knownBytes = device.geometry().sizeBytes();
        attentions.add(UnitAttention.POWER_ON);
    }

    public LogicalUnit unit() {
        return unit;
    }

    public NexusId nexus() {
        return nexus;
    }

    /** The session is over. */
    public void detach() {
        unit.detach(this);
    }

    public BlockDevice device() {
        return device;
    }

    UnitDescription description() {
        return unit.description();
    }

    /** The session itself. */
    public SessionHooks hooks() {
        return hooks;
    }

    // ---- shape

    int blockBytes() {
        return unit.description().blockBytes();
    }

    /** Whole blocks of the device; a rest is not served. */
    long blockCount() {
        return device.geometry().sizeBytes() / blockBytes();
    }

    int maximumTransferBytes() {
        return Math.min(MAXIMUM_TRANSFER_BYTES, device.geometry().maximumBytes());
    }

    /** Writes are refused, by the device or by the initiator's own wish. */
    boolean writeProtected() {
        return device.features().readOnly() || unit.softwareWriteProtect();
    }

    void checkWritable() throws ScsiError {
        if (writeProtected()) {
            throw ScsiError.check(SenseKey.DATA_PROTECT, 0x2700);
        }
    }

    /** Refuses a range that reaches beyond the last block; all unsigned. */
    void checkRange(long block, long count) throws ScsiError {
        long blocks = blockCount();
        if (block < 0 || block > blocks || count > blocks - block) {
            throw ScsiError.outOfRange();
        }
    }

    // ---- unit attentions

    /** Something happened that this session is to hear; told once however often it happened. */
    void notice(UnitAttention what) {
        synchronized (this) {
            if (!attentions.contains(what)) {
                attentions.add(what);
            }
        }
    }

    /** The list of units of this session's target has changed. */
    public void lunsChanged() {
        notice(UnitAttention.LUNS_CHANGED);
    }

    /** Another session had this one's commands cleared. */
    public void commandsCleared() {
        notice(UnitAttention.COMMANDS_CLEARED);
    }

    private static final Set<UnitAttention> UNTIL_REPORT_LUNS =
            EnumSet.of(UnitAttention.LUNS_CHANGED);

    /** The oldest thing not told yet, which counts as told now; null when there is none. */
    @Nullable UnitAttention takeAttention() {
        synchronized (this) {
            long size = device.geometry().sizeBytes();
            if (size != knownBytes) {
                knownBytes = size;
                if (!attentions.contains(UnitAttention.CAPACITY_CHANGED)) {
                    attentions.add(UnitAttention.CAPACITY_CHANGED);
                }
            }
            lookAtSpace();
            return attentions.poll();
        }
    }

    /** Every session hears once of each time that a threshold is reached. */
    @GuardedBy("this")
    private void lookAtSpace() {
        SharedSpace space = device.sharedSpace();
        if (space == null || space.equals(knownSpace)) {
            return;
        }
        knownSpace = space;
        boolean reached = unit.thresholdReached(SpaceCounts.of(space), thresholdReached);
        if (reached && !thresholdReached && !attentions.contains(UnitAttention.THRESHOLD_REACHED)) {
            attentions.add(UnitAttention.THRESHOLD_REACHED);
        }
        thresholdReached = reached;
    }

    /** The thresholds have changed. */
    void thresholdsChanged() {
        synchronized (this) {
            knownSpace = null;
        }
    }

    void lunsReported() {
        synchronized (this) {
            attentions.removeAll(UNTIL_REPORT_LUNS);
        }
    }

    // ---- work after an answer (IMMED)

    /** A command is answered before it is done; the session does not end before {@link #done}. */
    void answeredEarly() {
        unanswered.incrementAndGet();
    }

    /** The end of what {@link #answeredEarly} began. */
    void done() {
        if (unanswered.decrementAndGet() == 0) {
            hooks.idle();
        }
    }

    /** Whether anything still uses the device for a command that was answered. */
    public boolean busy() {
        return unanswered.get() > 0;
    }

    // ---- medium removal, copies

    boolean preventsRemoval() {
        return preventsRemoval;
    }

    void preventRemoval(boolean prevent) {
        preventsRemoval = prevent;
    }

    void allowRemoval() {
        preventsRemoval = false;
    }

    CopyStatus lastCopy() {
        return lastCopy;
    }

    void lastCopy(CopyStatus status) {
        lastCopy = status;
    }
}
