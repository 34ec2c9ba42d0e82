package dev.tidemark.harness;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A directory whose forces do nothing: for making large states fast that no crash of this machine
 * has to spare.
 */
record UnforcedDirectory(StorageDirectory below) implements StorageDirectory {
    @Override
    public String path() {
        return below.path();
    }

    @Override
    public List<String> files() throws StorageException {
        return below.files();
    }

    @Override
    public List<String> directories() throws StorageException {
        return below.directories();
    }

    @Override
    public boolean exists(String name) throws StorageException {
        return below.exists(name);
    }

    @Override
    public StorageFile create(String name) throws StorageException {
        return new UnforcedFile(below.create(name));
    }

    @Override
    public StorageFile open(String name) throws StorageException {
        return new UnforcedFile(below.open(name));
    }

    @Override
    public StorageFile openReadOnly(String name) throws StorageException {
        return below.openReadOnly(name);
    }

    @Override
    public void delete(String name) throws StorageException {
        below.delete(name);
    }

    @Override
    public void rename(String from, String to) throws StorageException {
        below.rename(from, to);
    }

    @Override
    public StorageDirectory directory(String name) throws StorageException {
        return new UnforcedDirectory(below.directory(name));
    }

    @Override
    public void deleteDirectory(String name) throws StorageException {
        below.deleteDirectory(name);
    }

    @Override
    public void force() {
        // That is the point.
    }

    @Override
    public AutoCloseable lock() throws StorageException {
        return below.lock();
    }

    @Override
    public long usableBytes() throws StorageException {
        return below.usableBytes();
    }

    private record UnforcedFile(StorageFile below) implements StorageFile {
        @Override
        public String path() {
            return below.path();
        }

        @Override
        public long sizeBytes() throws StorageException {
            return below.sizeBytes();
        }

        @Override
        public long allocatedBytes() throws StorageException {
            return below.allocatedBytes();
        }

        @Override
        public int read(long position, ByteBuffer target) throws StorageException {
            return below.read(position, target);
        }

        @Override
        public int readIfCached(long position, ByteBuffer target) throws StorageException {
            return below.readIfCached(position, target);
        }

        @Override
        public void expectSmallReads() {
            below.expectSmallReads();
        }

        @Override
        public void write(long position, ByteBuffer source) throws StorageException {
            below.write(position, source);
        }

        @Override
        public void write(long position, ByteBuffer[] sources, int from, int to)
                throws StorageException {
            below.write(position, sources, from, to);
        }

        @Override
        public void force() {
            // That is the point.
        }

        @Override
        public void preallocate(long sizeBytes) throws StorageException {
            below.preallocate(sizeBytes);
        }

        @Override
        public void truncate(long sizeBytes) throws StorageException {
            below.truncate(sizeBytes);
        }

        @Override
        public void punchHole(long position, long lengthBytes) throws StorageException {
            below.punchHole(position, lengthBytes);
        }

        @Override
        public long dataFrom(long position) throws StorageException {
            return below.dataFrom(position);
        }

        @Override
        public long holeFrom(long position) throws StorageException {
            return below.holeFrom(position);
        }

        @Override
        public void close() throws StorageException {
            below.close();
        }
    }
}
