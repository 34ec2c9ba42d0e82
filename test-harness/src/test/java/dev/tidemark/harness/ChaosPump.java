package dev.tidemark.harness;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a connection: a thread that reads, takes bandwidth and says when each piece is
 * due, a queue, and a thread that hands the pieces on when they are. What is in the queue is on its
 * way; when that is too much, nothing is read.
 */
final class ChaosPump {
    private static final int PIECE_BYTES = 16 << 10;
    private static final int LARGEST_QUEUE_BYTES = 8 << 20;

    /** What a piece costs beyond its bytes, so that many small ones fill the queue too. */
    private static final int OVERHEAD_BYTES = 64;

    /** The end of a direction, and not a piece of it. */
    private enum End {
        CLOSED,
        RESET
    }

    private static final class Piece {
        final byte[] content;
        final @Nullable End end;
        final long dueNanos;

        Piece(byte[] content, @Nullable End end, long dueNanos) {
            this.content = content;
            this.end = end;
            this.dueNanos = dueNanos;
        }

        int cost() {
            return content.length + OVERHEAD_BYTES;
        }
    }

    private final ChaosProxy proxy;
    private final ChaosConnection connection;
    private final ChaosProxy.Way way;
    private final Socket from;
    private final Socket to;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<Piece> queue = new ArrayDeque<>(); // guarded by lock
    private int queuedBytes; // guarded by lock
    private long lastDueNanos = System.nanoTime(); // of the reading thread

    ChaosPump(
            ChaosProxy proxy,
            ChaosConnection connection,
            ChaosProxy.Way way,
            Socket from,
            Socket to) {
        this.proxy = proxy;
        this.connection = connection;
        this.way = way;
        this.from = from;
        this.to = to;
    }

    void start() {
        Thread.ofVirtual().name("chaos-read-" + connection.number()).start(this::read);
        Thread.ofVirtual().name("chaos-write-" + connection.number()).start(this::write);
    }

    /** Lets its threads see that the connection is over. */
    void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean wanted() {
        return !connection.over();
    }

    private void read() {
        try {
            End end = readPieces();
            proxy.awaitPassage(way, this::wanted);
            put(new byte[0], end);
        } catch (InterruptedException e) {
            connection.reset();
        }
    }

    private End readPieces() throws InterruptedException {
        byte[] buffer = new byte[PIECE_BYTES];
        try {
            InputStream in = from.getInputStream();
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                proxy.awaitPassage(way, this::wanted);
                proxy.awaitBandwidth(way, count, this::wanted);
                put(Arrays.copyOf(buffer, count), null);
            }
            return End.CLOSED;
        } catch (IOException e) {
            return End.RESET;
        }
    }

    private void put(byte[] content, @Nullable End end) throws InterruptedException {
        // The pieces of a connection stay in order, whatever the jitter says.
        long due = proxy.dueNanos(way, connection.number());
        lastDueNanos = due - lastDueNanos < 0 ? lastDueNanos : due;
        Piece piece = new Piece(content, end, lastDueNanos);
        lock.lockInterruptibly();
        try {
            while (queuedBytes > LARGEST_QUEUE_BYTES && wanted()) {
                changed.await();
            }
            queue.add(piece);
            queuedBytes += piece.cost();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void write() {
        try {
            for (Piece piece = take(); piece != null; piece = take()) {
                proxy.awaitPassage(way, this::wanted);
                if (piece.end == End.CLOSED) {
                    to.shutdownOutput();
                    connection.halfEnded();
                    return;
                }
                if (piece.end == End.RESET) {
                    connection.reset();
                    return;
                }
                to.getOutputStream().write(piece.content);
                proxy.carried(way, piece.content.length);
            }
        } catch (IOException | InterruptedException e) {
            connection.reset();
        }
    }

    /** Waits for the next piece to be due; null when the connection is over. */
    private @Nullable Piece take() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (wanted()) {
                Piece first = queue.peek();
                if (first == null) {
                    changed.await();
                    continue;
                }
                long left = first.dueNanos - System.nanoTime();
                if (left <= 0) {
                    queue.remove();
                    queuedBytes -= first.cost();
                    changed.signalAll();
                    return first;
                }
                var _ = changed.awaitNanos(left);
            }
            return null;
        } finally {
            lock.unlock();
        }
    }
}
