package dev.tidemark.harness;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One NBD connection in transmission: requests may be pipelined, replies come in any order. Shares
 * no code with the server, so that both cannot be wrong in the same way. Thread-safe. Section names
 * are those of the NBD project's doc/proto.md.
 */
final class NbdTestClient implements AutoCloseable {
    // Simple reply message, Request message.
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int SIMPLE_REPLY_MAGIC = 0x67446698;

    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int DISC = 2;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int WRITE_ZEROES = 6;

    /** Command flag: the bytes survive a loss of power when the reply comes. */
    private static final int FUA = 1;

    /** Command flag: zeros shall take room. */
    private static final int NO_HOLE = 2;

    /** Transmission flag: the export refuses writes. */
    private static final int FLAG_READ_ONLY = 2;

    private static final int CHUNK_BYTES = 1 << 20;
    private static final int CHUNKS_IN_FLIGHT = 4;

    private final SocketChannel channel;
    private final NbdTestHandshake.Export export;
    private final ReentrantLock sending = new ReentrantLock();
    private final AtomicLong cookies = new AtomicLong();
    private final Map<Long, Pending> pending = new ConcurrentHashMap<>();
    private final Thread receiver;
    private volatile @Nullable IOException broken;

    private NbdTestClient(SocketChannel channel, NbdTestHandshake.Export export) {
        this.channel = channel;
        this.export = export;
        receiver = Thread.ofVirtual().name("nbd-test-receiver").start(this::receive);
    }

    /** A request on its way. */
    private record Pending(int readBytes, CompletableFuture<byte[]> done) {}

    /** The server's answer was an error number. */
    static final class RemoteException extends IOException {
        private static final long serialVersionUID = 1;

        private final int errno;

        RemoteException(int errno) {
            super("the server answered error " + errno);
            this.errno = errno;
        }

        int errno() {
            return errno;
        }
    }

    /** Takes one byte range, in ascending order. */
    interface ChunkReader {
        void chunk(long offsetBytes, byte[] content) throws IOException;
    }

    /** Opens an export; a refusal is an IOException with the server's sentence. */
    static NbdTestClient connect(SocketAddress address, String export) throws IOException {
        SocketChannel channel =
                address instanceof UnixDomainSocketAddress
                        ? SocketChannel.open(StandardProtocolFamily.UNIX)
                        : SocketChannel.open();
        try {
            if (channel.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
                // A payload does not wait for the header before it.
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            }
            channel.connect(address);
            return new NbdTestClient(channel, NbdTestHandshake.go(channel, export));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    long sizeBytes() {
        return export.sizeBytes();
    }

    boolean readOnly() {
        return (export.flags() & FLAG_READ_ONLY) != 0;
    }

    CompletableFuture<byte[]> startRead(long offsetBytes, int lengthBytes) {
        return send(READ, 0, offsetBytes, lengthBytes, null);
    }

    CompletableFuture<byte[]> startWrite(long offsetBytes, byte[] content, boolean fua) {
        return send(WRITE, fua ? FUA : 0, offsetBytes, content.length, content);
    }

    CompletableFuture<byte[]> startTrim(long offsetBytes, int lengthBytes) {
        return send(TRIM, 0, offsetBytes, lengthBytes, null);
    }

    CompletableFuture<byte[]> startZero(long offsetBytes, int lengthBytes) {
        return send(WRITE_ZEROES, 0, offsetBytes, lengthBytes, null);
    }

    /** With NO_HOLE. */
    CompletableFuture<byte[]> startZeroAllocated(long offsetBytes, int lengthBytes) {
        return send(WRITE_ZEROES, NO_HOLE, offsetBytes, lengthBytes, null);
    }

    CompletableFuture<byte[]> startFlush() {
        return send(FLUSH, 0, 0, 0, null);
    }

    byte[] read(long offsetBytes, int lengthBytes) throws IOException {
        return await(startRead(offsetBytes, lengthBytes));
    }

    void write(long offsetBytes, byte[] content) throws IOException {
        await(startWrite(offsetBytes, content, false));
    }

    void trim(long offsetBytes, int lengthBytes) throws IOException {
        await(startTrim(offsetBytes, lengthBytes));
    }

    void zero(long offsetBytes, int lengthBytes) throws IOException {
        await(startZero(offsetBytes, lengthBytes));
    }

    void flush() throws IOException {
        await(startFlush());
    }

    /** Reads all of the export, several chunks ahead. */
    void readAll(ChunkReader reader) throws IOException {
        ArrayDeque<CompletableFuture<byte[]>> ahead = new ArrayDeque<>();
        int chunkBytes = Math.min(CHUNK_BYTES, export.largestBytes());
        long asked = 0;
        for (long taken = 0; taken < sizeBytes(); taken += chunkBytes) {
            while (asked < sizeBytes() && ahead.size() < CHUNKS_IN_FLIGHT) {
                ahead.add(startRead(asked, (int) Math.min(chunkBytes, sizeBytes() - asked)));
                asked += chunkBytes;
            }
            reader.chunk(taken, await(ahead.remove()));
        }
    }

    /** The hash of all of the export. */
    String sha256() throws IOException {
        MessageDigest digest = Hashes.sha256();
        readAll((offsetBytes, content) -> digest.update(content));
        return HexFormat.of().formatHex(digest.digest());
    }

    static byte[] await(CompletableFuture<byte[]> request) throws IOException {
        try {
            return request.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RemoteException remote) {
                throw new RemoteException(remote.errno); // With the stack of who asked.
            }
            throw new IOException("the connection broke", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for a reply", e);
        }
    }

    private CompletableFuture<byte[]> send(
            int command, int flags, long offsetBytes, int lengthBytes, byte @Nullable [] payload) {
        CompletableFuture<byte[]> done = new CompletableFuture<>();
        long cookie = cookies.incrementAndGet();
        ByteBuffer header =
                ByteBuffer.allocate(28)
                        .putInt(REQUEST_MAGIC)
                        .putShort((short) flags)
                        .putShort((short) command)
                        .putLong(cookie)
                        .putLong(offsetBytes)
                        .putInt(lengthBytes)
                        .flip();
        pending.put(cookie, new Pending(command == READ ? lengthBytes : 0, done));
        sending.lock();
        try {
            NbdTestHandshake.writeFully(channel, header);
            if (payload != null) {
                NbdTestHandshake.writeFully(channel, ByteBuffer.wrap(payload));
            }
        } catch (IOException e) {
            breakOff(e);
        } finally {
            sending.unlock();
        }
        IOException failure = broken;
        if (failure != null) {
            breakOff(failure); // Whoever came after the receiver had gone.
        }
        return done;
    }

    private void receive() {
        try {
            while (true) {
                ByteBuffer header = NbdTestHandshake.readFully(channel, 16);
                if (header.getInt() != SIMPLE_REPLY_MAGIC) {
                    throw new IOException("not a simple reply");
                }
                int errno = header.getInt();
                Pending request = pending.remove(header.getLong());
                if (request == null) {
                    throw new IOException("a reply to a request that was not sent");
                }
                if (errno != 0) {
                    request.done.completeExceptionally(new RemoteException(errno));
                } else {
                    request.done.complete(
                            NbdTestHandshake.readFully(channel, request.readBytes).array());
                }
            }
        } catch (IOException e) {
            breakOff(e);
        }
    }

    private void breakOff(IOException cause) {
        broken = cause;
        pending.keySet()
                .forEach(cookie -> {
                    Pending request = pending.remove(cookie);
                    if (request != null) {
                        request.done.completeExceptionally(cause);
                    }
                });
    }

    /** Says goodbye, waits until the server has closed, and closes. */
    @Override
    public void close() throws IOException {
        if (broken == null) {
            ByteBuffer header =
                    ByteBuffer.allocate(28)
                            .putInt(REQUEST_MAGIC)
                            .putShort((short) 0)
                            .putShort((short) DISC)
                            .flip()
                            .limit(28);
            sending.lock();
            try {
                NbdTestHandshake.writeFully(channel, header);
                receiver.join(Duration.ofSeconds(5));
            } catch (IOException e) {
                breakOff(e); // The server went first.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                sending.unlock();
            }
        }
        channel.close();
    }
}
