package dev.tidemark.storage;

import dev.tidemark.storage.StorageException.Kind;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;

/** Turns what the system reports into {@link StorageException}s; the one table of kinds. */
final class Failures {
    private static final String NO_SPACE = "no space left on device";
    private static final String QUOTA = "disk quota exceeded";

    private Failures() {}

    /**
     * A failed call. {@code errno} is positive; {@code operation} says what was tried, with its
     * values.
     */
    static StorageException ofErrno(String path, String operation, int errno) {
        return new StorageException(
                kindOf(errno), operation + " failed on " + path + ": " + describe(errno), null);
    }

    static StorageException of(String path, String operation, IOException cause) {
        if (cause instanceof StorageException storage) {
            return storage;
        }
        String reason =
                cause instanceof FileSystemException failure && failure.getReason() != null
                        ? failure.getReason()
                        : describe(cause);
        return new StorageException(
                kindOf(cause), operation + " failed on " + path + ": " + reason, cause);
    }

    static StorageException closed(String path, String operation) {
        return new StorageException(
                Kind.IO, operation + " failed on " + path + ": the file is closed", null);
    }

    private static Kind kindOf(int errno) {
        return switch (errno) {
            case LinuxCalls.ENOSPC, LinuxCalls.EDQUOT -> Kind.NO_SPACE;
            case LinuxCalls.ENOENT -> Kind.NOT_FOUND;
            case LinuxCalls.EEXIST -> Kind.EXISTS;
            default -> Kind.IO;
        };
    }

    private static Kind kindOf(IOException cause) {
        if (cause instanceof NoSuchFileException) {
            return Kind.NOT_FOUND;
        }
        if (cause instanceof FileAlreadyExistsException) {
            return Kind.EXISTS;
        }
        // java.nio has no type for a full file system; only the C library's text tells.
        String text = describe(cause).toLowerCase(Locale.ROOT);
        return text.contains(NO_SPACE) || text.contains(QUOTA) ? Kind.NO_SPACE : Kind.IO;
    }

    private static String describe(IOException cause) {
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }

    private static String describe(int errno) {
        return switch (errno) {
            case LinuxCalls.ENOSPC -> "no space left on the file system";
            case LinuxCalls.EDQUOT -> "disk quota exceeded";
            case LinuxCalls.ENOENT -> "no such file";
            case LinuxCalls.EEXIST -> "it exists already";
            case LinuxCalls.EIO -> "input/output error";
            case 9 -> "not open for this (errno 9)";
            case 13 -> "permission denied";
            case 21 -> "it is a directory";
            case 24 -> "too many open files (raise the limit of open files)";
            case 27 -> "the file would exceed the largest size allowed";
            case 30 -> "the file system is read-only";
            default -> "errno " + errno;
        };
    }
}
