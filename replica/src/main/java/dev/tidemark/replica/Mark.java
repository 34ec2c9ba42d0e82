package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A record of the gateway's own that carries no bytes of a volume: a checkpoint, a resize, the
 * start or end of a promotion.
 */
final class Mark extends PendingRecord {
    private final BooleanSupplier prepared;
    private final Consumer<Mark> appended;
    private final @Nullable ByteBuf text;
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private @Nullable HeadLog log;
    private Supplier<@Nullable BlockDeviceException> refused = () -> null;
    private @Nullable BlockDeviceException refusal;

    private Mark(@Nullable ByteBuf text, BooleanSupplier prepared, Consumer<Mark> appended) {
        this.text = text;
        this.prepared = prepared;
        this.appended = appended;
    }

    /**
     * A checkpoint.
     *
     * @param text what a tagged one says, released when the record ends; null for an automatic one
     * @param wanted asked under the redo log's lock: false leaves it out
     */
    static Mark checkpoint(
            @Nullable ByteBuf text,
            boolean force,
            BooleanSupplier wanted,
            Consumer<Mark> appended) {
        Mark mark = new Mark(text, wanted, appended);
        long length = text == null ? 0 : text.readableBytes();
        mark.reset(
                RecordKind.CHECKPOINT, text == null ? 0 : FLAG_TAGGED, 0, 0, length, text, force);
        return mark;
    }

    static Mark resize(int volume, long sizeBytes, Consumer<Mark> appended) {
        Mark mark = new Mark(null, () -> true, appended);
        mark.reset(RecordKind.RESIZE, 0, volume, 0, sizeBytes, null, true);
        return mark;
    }

    /**
     * The start of a promotion, which begins an epoch; {@code prepared} runs under the redo log's
     * lock before the sequence number is given.
     */
    static Mark promote(int epoch, Runnable prepared, Consumer<Mark> appended) {
        Mark mark = promotion(RecordKind.PROMOTE, prepared, appended);
        mark.beginEpoch(epoch);
        return mark;
    }

    /**
     * PROMOTE or PROMOTED; {@code prepared} runs under the redo log's lock before the sequence
     * number is given.
     */
    static Mark promotion(RecordKind kind, Runnable prepared, Consumer<Mark> appended) {
        Mark mark =
                new Mark(
                        null,
                        () -> {
                            prepared.run();
                            return true;
                        },
                        appended);
        mark.reset(kind, FLAG_INTERNAL, 0, 0, 0, null, true);
        return mark;
    }

    /**
     * Another site's record: it gets its number, and its time where time does not go back.
     *
     * @param why it gets none; asked under the redo log's lock
     */
    void ofSource(long localSequence, long micros, Supplier<@Nullable BlockDeviceException> why) {
        expect(localSequence);
        keepTime(micros);
        refused = why;
    }

    /** The epoch that a PROMOTE of another site begins. */
    void begin(int epoch) {
        beginEpoch(epoch);
    }

    /** Runs something under the redo log's lock and leaves nothing in the log. */
    static Mark nothing(Runnable underLock) {
        Mark mark =
                new Mark(
                        null,
                        () -> {
                            underLock.run();
                            return false;
                        },
                        never -> {});
        mark.reset(RecordKind.CHECKPOINT, 0, 0, 0, 0, null, false);
        return mark;
    }

    /** The log it goes into. */
    void into(HeadLog headLog) {
        log = headLog;
    }

    /** Completes when the record has ended; fails with the log's failure. */
    CompletableFuture<Void> done() {
        return done;
    }

    @Override
    protected boolean prepare() {
        refusal = refused.get();
        return refusal == null && prepared.getAsBoolean();
    }

    @Override
    protected void appended() {
        appended.accept(this);
        HeadLog seenBy = log;
        if (seenBy != null) {
            seenBy.appended(this);
        }
    }

    @Override
    protected void completed() {
        releaseText();
        BlockDeviceException why = refusal;
        if (why == null) {
            done.complete(null);
        } else {
            done.completeExceptionally(why);
        }
    }

    @Override
    protected void failed(BlockDeviceException failure) {
        releaseText();
        done.completeExceptionally(failure);
    }

    private void releaseText() {
        if (text != null) {
            text.release();
        }
    }
}
