package dev.tidemark.replica.ship;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.blockdevice.StatusSource;
import dev.tidemark.replica.HistoryMap;
import dev.tidemark.replica.ship.SyncPeer.Range;
import io.netty.buffer.ByteBuf;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Walks one volume of the source for a synchronisation, a window at a time: asks what both sides
 * hold, and sends what the copy lacks. When it is known what the copy may lack, only that is looked
 * at.
 *
 * <p>Between the beginning of a window and its end the caller sends no records: what is read here
 * must reach the copy before any record that it may not show. On the shipping's executor.
 */
final class SyncWalk {
    /** What both sides are asked about at once: where neither has anything, it is one step. */
    private static final long WINDOW_BYTES = 4L << 30;

    /** A window ends where so much of it is to be read: records wait for it. */
    private static final int DATA_BYTES = 16 << 20;

    private static final int PIECE_BYTES = 1 << 20;
    private static final int STATUS_COUNT = 1024;

    /** A smaller piece is sent without a question whether the copy has it. */
    private static final int HASHED_BYTES = 16 << 10;

    /** Where what is found goes. Buffers become the output's. */
    interface Output {
        void region(int volume, long offsetBytes, ByteBuf bytes);

        void zero(int volume, long offsetBytes, long lengthBytes);

        void equal(long lengthBytes);

        void read(long lengthBytes);
    }

    /** Who holds data in a piece; none of them does where there is no piece. */
    private enum Holder {
        SOURCE,
        COPY,
        BOTH
    }

    /** A part of the window, at most as long as one read. */
    private record Piece(Holder holder, long offsetBytes, int lengthBytes) {}

    private final int volume;
    private final BlockDevice device;
    private final @Nullable HistoryMap changes;
    private final SyncPeer peer;
    private final Output output;
    private final Executor executor;
    private final int pieceBytes;
    private final MessageDigest digest = Blocks.digest();
    private long atBytes;

    /**
     * @param device the walk's
     * @param changes what the copy may lack, as of each question; null when that may be anything
     */
    SyncWalk(
            int volume,
            BlockDevice device,
            @Nullable HistoryMap changes,
            SyncPeer peer,
            Output output,
            Executor executor) {
        this.volume = volume;
        this.device = device;
        this.changes = changes;
        this.peer = peer;
        this.output = output;
        this.executor = executor;
        int most = Math.min(PIECE_BYTES, device.geometry().maximumBytes());
        this.pieceBytes = most < Blocks.BLOCK_BYTES ? most : most & -Blocks.BLOCK_BYTES;
    }

    long passedBytes() {
        return atBytes;
    }

    boolean isAtEnd() {
        return atBytes >= device.geometry().sizeBytes();
    }

    void close() {
        device.close();
    }

    /** Does the next window; completes on the executor. */
    CompletableFuture<Void> window() {
        long offset = atBytes;
        long length = Math.min(WINDOW_BYTES, device.geometry().sizeBytes() - offset);
        HistoryMap known = changes;
        CompletableFuture<Void> done =
                known == null
                        ? part(List.of(new Range(offset, length)), offset + length)
                        : status(known, offset, length).thenComposeAsync(this::changed, executor);
        return done.thenRunAsync(() -> {}, executor);
    }

    /** Goes over what has changed: all of it is passed when nothing has. */
    private CompletableFuture<Void> changed(RangeStatus status) {
        List<Range> ranges = new ArrayList<>();
        long at = status.offsetBytes();
        for (int i = 0; i < status.count(); i++) {
            if (status.value(i) != 0) {
                ranges.add(new Range(at, status.lengthBytes(i)));
            }
            at += status.lengthBytes(i);
        }
        if (ranges.isEmpty()) {
            atBytes = at;
            return CompletableFuture.completedFuture(null);
        }
        return part(ranges, at);
    }

    /** Goes over ranges; what lies between them and up to the end is passed. */
    private CompletableFuture<Void> part(List<Range> wanted, long end) {
        long offset = wanted.getFirst().offsetBytes();
        long length = wanted.getLast().endBytes() - offset;
        return status(device::allocation, offset, length)
                .thenCombineAsync(
                        peer.allocation(volume, offset, length),
                        (own, copy) -> pieces(wanted, end, own, copy),
                        executor)
                .thenComposeAsync(this::send, executor);
    }

    private static CompletableFuture<RangeStatus> status(
            StatusSource source, long offset, long length) {
        CompletableFuture<RangeStatus> answer = new CompletableFuture<>();
        source.status(
                offset,
                length,
                STATUS_COUNT,
                new StatusCompletion() {
                    @Override
                    public void succeeded(RangeStatus status) {
                        answer.complete(status);
                    }

                    @Override
                    public void failed(BlockDeviceException failure) {
                        answer.completeExceptionally(failure);
                    }
                });
        return answer;
    }

    /** Cuts what is wanted where either side's answer changes; ends where the shorter one does. */
    private List<Piece> pieces(
            List<Range> wanted, long windowEnd, RangeStatus own, List<Range> copy) {
        long last = wanted.getLast().endBytes();
        long end = own.endBytes();
        if (copy.size() == SyncPeer.MAXIMUM_RANGES) {
            end = Math.min(end, copy.getLast().endBytes());
        }
        List<Piece> pieces = new ArrayList<>();
        long at = own.offsetBytes();
        int range = 0;
        int next = 0;
        for (int i = 0; i < own.count() && at < end; i++) {
            long until = Math.min(end, at + own.lengthBytes(i));
            boolean data = (own.value(i) & Allocation.ZERO) == 0;
            while (at < until) {
                while (range < wanted.size() && wanted.get(range).endBytes() <= at) {
                    range++;
                }
                if (range == wanted.size()) {
                    break;
                }
                Range inside = wanted.get(range);
                long from = Math.min(until, Math.max(at, inside.offsetBytes()));
                long to = Math.min(until, inside.endBytes());
                if (from < to) {
                    next = split(pieces, from, to, data, copy, next);
                }
                at = Math.max(from, to);
            }
            at = until;
        }
        return cut(pieces, end == last ? windowEnd : end);
    }

    /** Ends the window where enough is to be read. */
    private List<Piece> cut(List<Piece> pieces, long end) {
        long bytes = 0;
        for (int i = 0; i < pieces.size(); i++) {
            Piece piece = pieces.get(i);
            bytes += piece.holder() == Holder.COPY ? 0 : piece.lengthBytes();
            if (bytes >= DATA_BYTES) {
                atBytes = piece.offsetBytes() + piece.lengthBytes();
                return pieces.subList(0, i + 1);
            }
        }
        atBytes = end;
        return pieces;
    }

    private int split(
            List<Piece> into, long from, long end, boolean data, List<Range> copy, int first) {
        int next = first;
        long at = from;
        while (at < end) {
            while (next < copy.size() && copy.get(next).endBytes() <= at) {
                next++;
            }
            boolean inside = next < copy.size() && copy.get(next).offsetBytes() <= at;
            long until = end;
            if (next < copy.size()) {
                Range range = copy.get(next);
                until = Math.min(end, inside ? range.endBytes() : range.offsetBytes());
            }
            if (data || inside) {
                add(into, data ? inside ? Holder.BOTH : Holder.SOURCE : Holder.COPY, at, until);
            }
            at = until;
        }
        return next;
    }

    private void add(List<Piece> into, Holder holder, long from, long end) {
        for (long at = from; at < end; ) {
            int length = (int) Math.min(end - at, pieceBytes - at % pieceBytes);
            into.add(new Piece(holder, at, length));
            at += length;
        }
    }

    private CompletableFuture<Void> send(List<Piece> pieces) {
        List<CompletableFuture<?>> all = new ArrayList<>();
        for (Piece piece : pieces) {
            switch (piece.holder()) {
                case COPY -> output.zero(volume, piece.offsetBytes(), piece.lengthBytes());
                case SOURCE ->
                        all.add(
                                read(piece)
                                        .thenAcceptAsync(
                                                bytes -> sendData(piece, bytes), executor));
                case BOTH -> {
                    if (piece.lengthBytes() < HASHED_BYTES) {
                        all.add(
                                read(piece)
                                        .thenAcceptAsync(bytes -> sendAll(piece, bytes), executor));
                    } else {
                        all.add(compare(piece));
                    }
                }
            }
        }
        return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new));
    }

    private CompletableFuture<Void> compare(Piece piece) {
        CompletableFuture<ByteBuf> own = read(piece);
        CompletableFuture<byte[]> copy =
                peer.hashes(volume, piece.offsetBytes(), piece.lengthBytes());
        var _ =
                copy.whenComplete((hashes, failure) -> {
                    if (failure != null) {
                        var _ = own.thenAccept(ByteBuf::release);
                    }
                });
        return copy.thenAcceptBothAsync(
                own, (hashes, bytes) -> sendDifferences(piece, hashes, bytes), executor);
    }

    private CompletableFuture<ByteBuf> read(Piece piece) {
        CompletableFuture<ByteBuf> answer = new CompletableFuture<>();
        output.read(piece.lengthBytes());
        device.read(
                piece.offsetBytes(),
                piece.lengthBytes(),
                new ReadCompletion() {
                    @Override
                    public void succeeded(ByteBuf data) {
                        answer.complete(data);
                    }

                    @Override
                    public void failed(BlockDeviceException failure) {
                        answer.completeExceptionally(failure);
                    }
                });
        return answer;
    }

    /** What the copy has nothing of reads as zeros there: blocks of zeros need not be sent. */
    private void sendData(Piece piece, ByteBuf bytes) {
        sendBlocks(
                piece,
                bytes,
                block -> {
                    int length = Blocks.length(block, piece.lengthBytes());
                    int index = bytes.readerIndex() + block * Blocks.BLOCK_BYTES;
                    return !Blocks.isZero(bytes, index, length);
                });
    }

    private void sendDifferences(Piece piece, byte[] hashes, ByteBuf bytes) {
        sendBlocks(
                piece,
                bytes,
                block -> {
                    int length = Blocks.length(block, piece.lengthBytes());
                    int index = bytes.readerIndex() + block * Blocks.BLOCK_BYTES;
                    byte[] own = Blocks.hash(digest, bytes, index, length);
                    int at = block * Blocks.HASH_BYTES;
                    boolean equal =
                            Arrays.equals(own, 0, own.length, hashes, at, at + Blocks.HASH_BYTES);
                    if (equal) {
                        output.equal(length);
                    }
                    return !equal;
                });
    }

    private void sendAll(Piece piece, ByteBuf bytes) {
        sendBlocks(piece, bytes, block -> true);
    }

    private interface Wanted {
        boolean test(int block);
    }

    /** Sends the wanted blocks, neighbours together. */
    private void sendBlocks(Piece piece, ByteBuf bytes, Wanted wanted) {
        try {
            int count = Blocks.count(piece.lengthBytes());
            int block = 0;
            while (block < count) {
                int first = block;
                while (block < count && wanted.test(block)) {
                    block++;
                }
                if (block > first) {
                    int from = first * Blocks.BLOCK_BYTES;
                    int until = Math.min(piece.lengthBytes(), block * Blocks.BLOCK_BYTES);
                    output.region(
                            volume,
                            piece.offsetBytes() + from,
                            bytes.retainedSlice(bytes.readerIndex() + from, until - from));
                }
                block++;
            }
        } finally {
            bytes.release();
        }
    }
}
