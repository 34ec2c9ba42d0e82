package dev.tidemark.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;

/**
 * A file through a {@link FileChannel}: for systems without {@link LinuxCalls}. Nothing is known of
 * the cache, space is not preallocated and holes are zeros written. An interrupt of a thread in a
 * call closes the file for everyone, as FileChannel does. Thread-safe.
 */
final class ChannelFile implements StorageFile {
    private static final int ZERO_BYTES = 64 << 10;

    private final FileChannel channel;
    private final String path;

    ChannelFile(FileChannel channel, String path) {
        this.channel = channel;
        this.path = path;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public long sizeBytes() throws StorageException {
        try {
            return channel.size();
        } catch (IOException cause) {
            throw failed("size", cause);
        }
    }

    /** The size: the JDK does not tell the blocks in use. */
    @Override
    public long allocatedBytes() throws StorageException {
        return sizeBytes();
    }

    @Override
    public int read(long position, ByteBuffer target) throws StorageException {
        int start = target.position();
        try {
            while (target.hasRemaining()) {
                if (channel.read(target, position + target.position() - start) < 0) {
                    break;
                }
            }
            return target.position() - start;
        } catch (IOException cause) {
            throw failed("read of " + target.remaining() + " bytes at " + position, cause);
        }
    }

    @Override
    public int readIfCached(long position, ByteBuffer target) {
        return WOULD_BLOCK;
    }

    @Override
    public void expectSmallReads() {
        // Nothing is known to be cached here.
    }

    @Override
    public void write(long position, ByteBuffer source) throws StorageException {
        long at = position;
        try {
            while (source.hasRemaining()) {
                at += channel.write(source, at);
            }
        } catch (IOException cause) {
            throw failed("write of " + source.remaining() + " bytes at " + at, cause);
        }
    }

    /**
     * One call per buffer: FileChannel gathers only at its own position, which threads would share.
     */
    @Override
    public void write(long position, ByteBuffer[] sources, int from, int to)
            throws StorageException {
        long at = position;
        for (int i = from; i < to; i++) {
            int length = sources[i].remaining();
            write(at, sources[i]);
            at += length;
        }
    }

    @Override
    public void force() throws StorageException {
        try {
            channel.force(false);
        } catch (IOException cause) {
            throw failed("force", cause);
        }
    }

    @Override
    public void preallocate(long sizeBytes) throws StorageException {
        if (sizeBytes > sizeBytes()) {
            write(sizeBytes - 1, ByteBuffer.allocate(1));
        }
    }

    @Override
    public void truncate(long sizeBytes) throws StorageException {
        try {
            if (sizeBytes > channel.size()) {
                preallocate(sizeBytes);
            } else {
                channel.truncate(sizeBytes);
            }
        } catch (IOException cause) {
            throw failed("truncation to " + sizeBytes + " bytes", cause);
        }
    }

    @Override
    public void punchHole(long position, long lengthBytes) throws StorageException {
        Ranges.checkInside(path, position, lengthBytes, sizeBytes());
        Ranges.writeZeros(this, position, lengthBytes, ByteBuffer.allocate(ZERO_BYTES));
    }

    /** The JDK does not tell holes. */
    @Override
    public long dataFrom(long position) throws StorageException {
        return position < sizeBytes() ? position : NONE;
    }

    @Override
    public long holeFrom(long position) throws StorageException {
        long size = sizeBytes();
        return position < size ? size : NONE;
    }

    @Override
    public void close() throws StorageException {
        try {
            channel.close();
        } catch (IOException cause) {
            throw failed("close", cause);
        }
    }

    private StorageException failed(String operation, IOException cause) {
        return cause instanceof ClosedChannelException
                ? Failures.closed(path, operation)
                : Failures.of(path, operation, cause);
    }
}
