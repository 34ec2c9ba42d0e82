package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The background copy of a promotion: every block that may differ is read from the image and
 * journaled like a write, each part only where nothing was written since the promotion began. One
 * chunk at a time; of the maintenance executor.
 */
final class CopyPass {
    private static final int CHUNK_BYTES = 1 << 20;
    private static final BlockSet NOTHING = new BlockSet();

    private record Range(long offsetBytes, long lengthBytes) {}

    private final HeadLog log;
    private final Promoted promoted;
    private final Rules rules;
    private final Meters meters;
    private final int chunkBytes;
    private final SortedMap<Integer, BlockSet> differences;
    private final long totalBytes;
    private int volume;
    private long at;
    private long passedBytes;

    CopyPass(
            HeadLog log,
            Promoted promoted,
            Rules rules,
            Meters meters,
            int maximumBytes,
            SortedMap<Integer, BlockSet> differences) {
        this.log = log;
        this.promoted = promoted;
        this.rules = rules;
        this.meters = meters;
        this.chunkBytes =
                Math.min(CHUNK_BYTES, maximumBytes) / BlockSet.BLOCK_BYTES * BlockSet.BLOCK_BYTES;
        this.differences = differences;
        this.totalBytes = differences.values().stream().mapToLong(BlockSet::bytes).sum();
    }

    long totalBytes() {
        return totalBytes;
    }

    long passedBytes() {
        return passedBytes;
    }

    /**
     * Copies what is next; null when nothing is left. The future completes when the records are in
     * the log.
     */
    @Nullable CompletableFuture<Void> next() throws BlockDeviceException {
        while (!differences.isEmpty()) {
            volume = differences.firstKey();
            Volume target = log.head().volumes().find(volume);
            BlockSet blocks = differences.getOrDefault(volume, NOTHING);
            long start = blocks.next(at);
            if (target == null || start < 0 || start >= target.sizeBytes()) {
                differences.remove(volume);
                at = 0;
                continue;
            }
            long length = blocks.runBytes(start, chunkBytes);
            List<Range> open = unwritten(start, Math.min(length, target.sizeBytes() - start));
            at = start;
            if (open.isEmpty()) {
                at += length;
                passedBytes += length;
            } else {
                return copy(target, open);
            }
        }
        return null;
    }

    private List<Range> unwritten(long start, long length) {
        List<Range> open = new ArrayList<>();
        promoted.writtenWithin(volume, start, length)
                .visit(
                        start,
                        length,
                        (offset, bytes, written) -> {
                            if (!written) {
                                open.add(new Range(offset, bytes));
                            }
                        });
        return open;
    }

    /**
     * The chunk is looked at again afterwards: a part that somebody was writing to meanwhile was
     * left out, its rest may still differ.
     */
    private CompletableFuture<Void> copy(Volume target, List<Range> open)
            throws BlockDeviceException {
        Batch batch = new Batch(open.size());
        for (Range range : open) {
            ByteBuf data = PooledByteBufAllocator.DEFAULT.directBuffer((int) range.lengthBytes);
            try {
                promoted.read(
                        volume,
                        range.offsetBytes,
                        data.nioBuffer(0, (int) range.lengthBytes),
                        false);
            } catch (BlockDeviceException failure) {
                data.release();
                throw failure;
            }
            data.writerIndex((int) range.lengthBytes);
            rules.copyRead();
            log.redo().stage(new Copy(target, range.offsetBytes, data, batch));
        }
        log.redo().submit();
        return batch.done;
    }

    private static final class Batch implements Completion {
        private final AtomicInteger pending;
        private final AtomicReference<@Nullable BlockDeviceException> failure =
                new AtomicReference<>();
        private final CompletableFuture<Void> done = new CompletableFuture<>();

        Batch(int count) {
            pending = new AtomicInteger(count);
        }

        @Override
        public void succeeded() {
            if (pending.decrementAndGet() == 0) {
                BlockDeviceException failed = failure.get();
                if (failed == null) {
                    done.complete(null);
                } else {
                    done.completeExceptionally(failed);
                }
            }
        }

        @Override
        public void failed(BlockDeviceException cause) {
            failure.compareAndSet(null, cause);
            succeeded();
        }
    }

    /** A copied range: left out when somebody wrote there since the promotion began. */
    private final class Copy extends LiveWrite {
        private final ByteBuf data;

        Copy(Volume target, long offset, ByteBuf data, Completion done) {
            super(log, target, done);
            this.data = data;
            int length = data.readableBytes();
            if (Zeros.areAt(data.nioBuffer(), 0, length)) {
                int flags = PendingRecord.FLAG_INTERNAL | PendingRecord.FLAG_DEALLOCATE;
                fill(RecordKind.ZERO, flags, offset, length, null, false);
            } else {
                fill(RecordKind.WRITE, PendingRecord.FLAG_INTERNAL, offset, length, data, false);
            }
        }

        @Override
        protected @Nullable BlockDeviceException refusal(HeadLog now) {
            return null;
        }

        @Override
        protected boolean prepare() {
            if (promoted.isTaken(volume(), offsetBytes(), lengthBytes())) {
                return false;
            }
            meters.promotedBytes.add(lengthBytes());
            return super.prepare();
        }

        @Override
        protected void completed() {
            data.release();
            super.completed();
        }

        @Override
        protected void failed(BlockDeviceException failure) {
            data.release();
            super.failed(failure);
        }
    }
}
