package dev.tidemark.harness;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** A small ext4 file system of its own, mounted from a file; wants root. */
final class LoopDisk {
    private final Path mountPoint;

    LoopDisk(Path folder, long sizeBytes) throws Exception {
        Path image = folder.resolve("disk.img");
        mountPoint = folder.resolve("disk");
        Files.createDirectories(mountPoint);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        ForeignProgram.run("mkfs.ext4", "-q", "-m", "0", image.toString());
        ForeignProgram.run("mount", "-o", "loop", image.toString(), mountPoint.toString());
    }

    Path path() {
        return mountPoint;
    }

    /** Leaves only so much room. */
    void fillUpTo(long freeBytes) throws Exception {
        long take = freeBytes() - freeBytes;
        ForeignProgram.run("fallocate", "-l", Long.toString(take), filler().toString());
    }

    void freeAgain() throws IOException {
        Files.delete(filler());
    }

    private Path filler() {
        return mountPoint.resolve("filler");
    }

    long freeBytes() throws IOException {
        return Files.getFileStore(mountPoint).getUsableSpace();
    }

    void unmount() throws Exception {
        ForeignProgram.run("umount", mountPoint.toString());
    }
}
