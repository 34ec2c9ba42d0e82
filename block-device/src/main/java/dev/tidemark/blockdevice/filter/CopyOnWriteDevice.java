package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A writable device over one that is never written: what is written stays in memory, on the heap,
 * and is gone at close. Nothing survives a restart: for tests and scratch use. Thread-safe.
 */
public final class CopyOnWriteDevice implements BlockDevice {
    /** Value of extents that read as zeros and keep their space. */
    private static final long ZEROS = -1;

    /** Value of extents that read as zeros and take no space. */
    private static final long HOLE = -2;

    private final BlockDevice below;
    private final ByteBufAllocator allocator;
    private final Object guard = new Object();

    /**
     * Extents' a: the number of the written chunk, {@link #ZEROS} or {@link #HOLE}. Guarded by
     * guard.
     */
    private final ExtentMap overlay = new ExtentMap();

    private final Map<Long, Chunk> chunks = new HashMap<>(); // guarded by guard
    private long nextChunk; // guarded by guard
    private boolean closed; // guarded by guard

    public CopyOnWriteDevice(BlockDevice below, ByteBufAllocator allocator) {
        this.below = below;
        this.allocator = allocator;
    }

    /** The bytes of one write; freed once nothing of them is visible. */
    private static final class Chunk {
        private final byte[] bytes;
        private long visibleBytes;

        Chunk(byte[] bytes) {
            this.bytes = bytes;
            visibleBytes = bytes.length;
        }
    }

    /** A part of a read that the overlay does not have. */
    private record Gap(long offset, int length) {}

    @Override
    public Geometry geometry() {
        return below.geometry();
    }

    @Override
    public Features features() {
        return new Features(false, true, below.features().rotational());
    }

    /** Bytes of memory the writes take. */
    public long overlayBytes() {
        synchronized (guard) {
            return chunks.values().stream().mapToLong(chunk -> chunk.bytes.length).sum();
        }
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        ByteBuf target =
                allocator.buffer(lengthBytes, Math.max(1, lengthBytes)).writerIndex(lengthBytes);
        List<Gap> gaps = new ArrayList<>();
        synchronized (guard) {
            if (closed) {
                target.release();
                done.failed(shutdown());
                return;
            }
            overlay.visit(offsetBytes, lengthBytes, new Gathering(offsetBytes, target, gaps));
        }
        if (gaps.isEmpty()) {
            done.succeeded(target);
            return;
        }
        FillingRead filling = new FillingRead(offsetBytes, target, gaps.size(), done);
        for (Gap gap : gaps) {
            below.read(gap.offset, gap.length, filling.part(gap.offset));
        }
    }

    /** Copies what the overlay has and notes what it has not; runs under the guard. */
    private final class Gathering implements ExtentMap.Visitor {
        private final long start;
        private final ByteBuf target;
        private final List<Gap> gaps;

        Gathering(long start, ByteBuf target, List<Gap> gaps) {
            this.start = start;
            this.target = target;
            this.gaps = gaps;
        }

        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            int at = (int) (offset - start);
            if (a < 0) {
                target.setZero(at, (int) length);
                return;
            }
            Chunk chunk = Objects.requireNonNull(chunks.get(a));
            target.setBytes(at, chunk.bytes, (int) (offset - origin), (int) length);
        }

        @Override
        public void gap(long offset, long length) {
            gaps.add(new Gap(offset, (int) length));
        }
    }

    /** A read whose gaps the device below fills; the last part ends it. */
    private static final class FillingRead {
        private final long start;
        private final ByteBuf target; // written at disjoint ranges, under this
        private final ReadCompletion done;
        private int missing; // guarded by this
        private final List<BlockDeviceException> failures = new ArrayList<>(); // guarded by this

        FillingRead(long start, ByteBuf target, int missing, ReadCompletion done) {
            this.start = start;
            this.target = target;
            this.missing = missing;
            this.done = done;
        }

        ReadCompletion part(long offset) {
            return new ReadCompletion() {
                @Override
                public void succeeded(ByteBuf data) {
                    synchronized (FillingRead.this) {
                        target.setBytes(
                                (int) (offset - start),
                                data,
                                data.readerIndex(),
                                data.readableBytes());
                    }
                    data.release();
                    finishPart();
                }

                @Override
                public void failed(BlockDeviceException failure) {
                    synchronized (FillingRead.this) {
                        failures.add(failure);
                    }
                    finishPart();
                }
            };
        }

        private void finishPart() {
            synchronized (this) {
                if (--missing > 0) {
                    return;
                }
            }
            if (failures.isEmpty()) {
                done.succeeded(target);
            } else {
                target.release();
                done.failed(failures.getFirst());
            }
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        byte[] copy = new byte[data.readableBytes()];
        data.getBytes(data.readerIndex(), copy);
        boolean written;
        synchronized (guard) {
            written = !closed;
            if (written && copy.length > 0) {
                forget(offsetBytes, copy.length);
                chunks.put(nextChunk, new Chunk(copy));
                overlay.put(offsetBytes, copy.length, nextChunk++, 0);
            }
        }
        end(written, done);
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        boolean written;
        synchronized (guard) {
            written = !closed;
            if (written) {
                forget(offsetBytes, lengthBytes);
                overlay.put(offsetBytes, lengthBytes, deallocate ? HOLE : ZEROS, 0);
            }
        }
        end(written, done);
    }

    /**
     * Tells of what was written, up to the first byte that was not; there the device below is
     * asked, up to the next that was.
     */
    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        OverlayStatus found = new OverlayStatus(offsetBytes, maximumCount);
        boolean open;
        synchronized (guard) {
            open = !closed;
            if (open) {
                overlay.visit(offsetBytes, lengthBytes, found);
            }
        }
        if (!open) {
            done.failed(shutdown());
        } else if (found.gapBytes > 0) {
            below.allocation(offsetBytes, found.gapBytes, maximumCount, done);
        } else {
            done.succeeded(found.answer.build());
        }
    }

    /** What the overlay says from a range's start on: either extents or a gap. */
    private static final class OverlayStatus implements ExtentMap.Visitor {
        private final long start;
        private final RangeStatus.Builder answer;
        private boolean ended;
        private long gapBytes;

        OverlayStatus(long offset, int maximumCount) {
            start = offset;
            answer = new RangeStatus.Builder(offset, maximumCount);
        }

        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            if (!ended) {
                ended = !answer.add(length, bits(a));
            }
        }

        private static long bits(long a) {
            if (a == HOLE) {
                return Allocation.HOLE | Allocation.ZERO;
            }
            return a == ZEROS ? Allocation.ZERO : 0;
        }

        @Override
        public void gap(long offset, long length) {
            if (offset == start) {
                gapBytes = length;
            }
            ended = true;
        }
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        below.prefetch(offsetBytes, lengthBytes, done);
    }

    /** Takes what is about to be covered off its chunks' accounts. */
    private void forget(long offset, long length) {
        overlay.visit(
                offset,
                length,
                new ExtentMap.Visitor() {
                    @Override
                    public void extent(
                            long partOffset, long partLength, long origin, long a, long b) {
                        Chunk chunk = chunks.get(a);
                        if (chunk != null) {
                            chunk.visibleBytes -= partLength;
                            if (chunk.visibleBytes == 0) {
                                chunks.remove(a);
                            }
                        }
                    }

                    @Override
                    public void gap(long partOffset, long partLength) {}
                });
    }

    @Override
    public void flush(Completion done) {
        boolean open;
        synchronized (guard) {
            open = !closed;
        }
        end(open, done);
    }

    private static void end(boolean succeeded, Completion done) {
        if (succeeded) {
            done.succeeded();
        } else {
            done.failed(shutdown());
        }
    }

    @Override
    public void submit() {
        below.submit();
    }

    @Override
    public void close() {
        synchronized (guard) {
            closed = true;
            overlay.clear();
            chunks.clear();
        }
        below.close();
    }

    private static BlockDeviceException shutdown() {
        return new BlockDeviceException(
                ErrorCode.SHUTDOWN, "request refused: the device is closed");
    }
}
