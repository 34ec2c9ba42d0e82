package dev.tidemark.gateway.service;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.storage.FileStorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Raw images on the gateway's machine, which are only read. */
public final class RawImages {
    /** How files begin that hold a disk in another format; none is how a disk begins. */
    private static final Map<String, String> FORMATS =
            Map.of("QFI\u00fb", "qcow2", "KDMV", "VMDK", "vhdxfile", "VHDX", "conectix", "VHD");

    private static final Logger log = LoggerFactory.getLogger(RawImages.class);

    private static final int LONGEST_BYTES = 8;

    private RawImages() {}

    /** A path that somebody sent. */
    public static Path path(String text) {
        Path path = Path.of(text);
        if (!path.isAbsolute() || path.getFileName() == null) {
            throw ProblemException.invalid(
                    "the image's path is not absolute",
                    text,
                    "a file on the gateway's machine",
                    "write the whole path");
        }
        return path;
    }

    /** Opens an image; a problem when it cannot be read, or is none. */
    public static StorageFile open(Path path) {
        try {
            Path folder = path.toAbsolutePath().getParent();
            StorageFile source =
                    FileStorageDirectory.at(folder == null ? Path.of("/") : folder)
                            .openReadOnly(String.valueOf(path.getFileName()));
            boolean raw = false;
            try {
                requireRaw(path, source);
                raw = true;
                return source;
            } finally {
                if (!raw) {
                    source.close();
                }
            }
        } catch (StorageException e) {
            throw new ProblemException(
                    new Problem(
                            e.kind() == StorageException.Kind.NOT_FOUND
                                    ? ProblemKind.NOT_FOUND
                                    : ProblemKind.IO,
                            "the image cannot be read: " + e.getMessage(),
                            path.toString(),
                            null,
                            "the gateway's user must be able to read it"),
                    e);
        }
    }

    /** The size of an image that is open. */
    public static long sizeBytes(StorageFile image) {
        try {
            return image.sizeBytes();
        } catch (StorageException e) {
            throw new ProblemException(
                    Problem.of(ProblemKind.IO, "the image cannot be read: " + e.getMessage()), e);
        }
    }

    /** Closes an image, of which nothing can be lost. */
    public static void close(StorageFile image) {
        try {
            image.close();
        } catch (StorageException e) {
            log.warn("an image could not be closed: {}", e.getMessage());
        }
    }

    private static void requireRaw(Path path, StorageFile source) throws StorageException {
        long sizeBytes = source.sizeBytes();
        ByteBuffer begin = ByteBuffer.allocate((int) Math.min(LONGEST_BYTES, sizeBytes));
        source.read(0, begin);
        String text = new String(begin.array(), StandardCharsets.ISO_8859_1);
        for (Map.Entry<String, String> format : FORMATS.entrySet()) {
            if (text.startsWith(format.getKey())) {
                throw ProblemException.invalid(
                        "not a raw image, but one in the format " + format.getValue(),
                        path.toString(),
                        "raw images only",
                        "convert it with: qemu-img convert -O raw");
            }
        }
        if (sizeBytes == 0 || sizeBytes % Volumes.SECTOR_BYTES != 0) {
            throw ProblemException.invalid(
                    "not a raw image: its size is no whole number of sectors",
                    path.toString(),
                    sizeBytes + " bytes, sectors of " + Volumes.SECTOR_BYTES,
                    "convert it with: qemu-img convert -O raw");
        }
    }
}
