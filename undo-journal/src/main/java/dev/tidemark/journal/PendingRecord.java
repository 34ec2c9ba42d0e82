package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * One record on its way into a {@link RecordLog}; subclassed by the caller, so that a request is
 * its own record and nothing is allocated twice. May be used again once it has ended.
 *
 * <p>The payload stays the caller's: its content and indexes must not change until the record ends.
 */
public abstract class PendingRecord {
    /** The range may become a hole where it is folded (ZERO). */
    public static final int FLAG_DEALLOCATE = 1;

    /** The host asked for this write to be on stable storage. */
    public static final int FLAG_FUA = 2;

    /** The checkpoint was made by somebody, not by the clock. */
    public static final int FLAG_TAGGED = 4;

    /** Written by the gateway itself (a promotion's copy), not by a host. */
    public static final int FLAG_INTERNAL = 8;

    RecordKind kind = RecordKind.WRITE;
    int flags;
    int volume;
    long offsetBytes;
    long lengthBytes;
    @Nullable ByteBuf payload;
    boolean force;

    long sequence;
    long timeMicros;

    /** When it was written elsewhere; 0 for now. */
    long givenMicros;

    /** The only sequence number that it may get; 0 for any. */
    long expectedSequence;

    /** The epoch that a PROMOTE begins; 0 for the next. */
    int givenEpoch;

    long segment;
    long position;
    long endPosition;

    /** Checksums of the payload's chunks; valid when {@link #chunkCount} is not negative. */
    int[] chunkChecksums = new int[1];

    int chunkCount = -1;
    @Nullable PendingRecord next;

    /** How the record ends; null for well. */
    @Nullable BlockDeviceException failure;

    protected PendingRecord() {}

    /**
     * Says what the record is. Before {@link RecordLog#stage}, or inside {@link #prepare}.
     *
     * @param volume id of the volume; 0 for records of the whole group
     * @param lengthBytes for WRITE the payload's length; for RESIZE the new size
     * @param payload readable bytes of a WRITE, texts of a tagged CHECKPOINT, else null
     * @param force complete only once the record is on stable storage
     */
    protected final void reset(
            RecordKind kind,
            int flags,
            int volume,
            long offsetBytes,
            long lengthBytes,
            @Nullable ByteBuf payload,
            boolean force) {
        this.kind = kind;
        this.flags = flags;
        this.volume = volume;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.payload = payload;
        this.force = force;
        this.chunkCount = -1;
        this.failure = null;
        this.sequence = 0;
    }

    /**
     * The record was written at another site: its time is kept, as far as time does not go back.
     */
    protected final void keepTime(long micros) {
        givenMicros = micros;
    }

    /**
     * The record fails unless it gets this sequence number: the order of a copy is its source's.
     */
    protected final void expect(long nextSequence) {
        expectedSequence = nextSequence;
    }

    /** The epoch that this PROMOTE begins; greater than the one before. */
    protected final void beginEpoch(int epoch) {
        givenEpoch = epoch;
    }

    /**
     * Checksums of the payload's chunks of 16 KiB as they were computed before, so that they are
     * not computed again. After {@link #reset}; the array becomes the record's.
     */
    protected final void keepChecksums(int[] checksums) {
        chunkChecksums = checksums.length == 0 ? new int[1] : checksums;
        chunkCount = checksums.length;
    }

    final int payloadBytes() {
        return payload == null ? 0 : payload.readableBytes();
    }

    public final RecordKind kind() {
        return kind;
    }

    public final int flags() {
        return flags;
    }

    public final int volume() {
        return volume;
    }

    public final long offsetBytes() {
        return offsetBytes;
    }

    public final long lengthBytes() {
        return lengthBytes;
    }

    public final @Nullable ByteBuf payload() {
        return payload;
    }

    /** Set by the log before {@link #appended}; dense, from 1. */
    public final long sequence() {
        return sequence;
    }

    /** Microseconds since 1970; never less than the record's before. */
    public final long timeMicros() {
        return timeMicros;
    }

    public final long segment() {
        return segment;
    }

    /** Where the record begins in its segment. */
    public final long position() {
        return position;
    }

    /** The place just after this record. */
    public final Position end() {
        return new Position(segment, endPosition, sequence + 1);
    }

    /**
     * Called under the log's lock just before the sequence number is given; may call {@link #reset}
     * to change or shrink the record.
     *
     * @return false to leave the record out; it then ends with {@link #completed}
     */
    protected boolean prepare() {
        return true;
    }

    /** Under the log's lock, in sequence order, once the bytes are in the log (not yet forced). */
    protected abstract void appended();

    /** Outside the lock, exactly once: appended, and forced if asked, or left out. */
    protected abstract void completed();

    /**
     * Outside the lock, exactly once, instead of {@link #completed}. A record that has seen {@link
     * #appended} fails only when its force failed.
     */
    protected abstract void failed(BlockDeviceException failure);
}
