package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.PointException;
import dev.tidemark.storage.StorageException;

/** Turns the failures of the layers below into this module's, in one place. */
final class Failures {
    private Failures() {}

    static BlockDeviceException device(JournalException failure) {
        return new BlockDeviceException(code(failure.kind()), message(failure), failure);
    }

    static BlockDeviceException device(StorageException failure) {
        ErrorCode code =
                failure.kind() == StorageException.Kind.NO_SPACE
                        ? ErrorCode.NO_SPACE
                        : ErrorCode.IO;
        return new BlockDeviceException(code, message(failure), failure);
    }

    private static ErrorCode code(JournalException.Kind kind) {
        return switch (kind) {
            case NO_SPACE -> ErrorCode.NO_SPACE;
            case CORRUPT, IO -> ErrorCode.IO;
            case FAILED -> ErrorCode.DEVICE_FAILED;
            case CLOSED -> ErrorCode.SHUTDOWN;
        };
    }

    static BlockDeviceException failed(Throwable cause) {
        return new BlockDeviceException(ErrorCode.DEVICE_FAILED, message(cause), cause);
    }

    static BlockDeviceException closed(String what) {
        return new BlockDeviceException(ErrorCode.SHUTDOWN, what + " is closed");
    }

    static ReplicaException replica(Throwable failure) {
        return switch (failure) {
            case ReplicaException own -> own;
            case JournalException journal ->
                    new ReplicaException(kind(journal.kind()), message(journal), journal);
            case StorageException storage ->
                    new ReplicaException(kind(storage.kind()), message(storage), storage);
            case PointException point -> new ReplicaException(kind(point), message(point), point);
            case BlockDeviceException device ->
                    new ReplicaException(kind(device.code()), message(device), device);
            default -> new ReplicaException(ReplicaException.Kind.IO, failure.toString(), failure);
        };
    }

    private static ReplicaException.Kind kind(JournalException.Kind kind) {
        return switch (kind) {
            case NO_SPACE -> ReplicaException.Kind.NO_SPACE;
            case CORRUPT -> ReplicaException.Kind.CORRUPT;
            case IO -> ReplicaException.Kind.IO;
            case FAILED, CLOSED -> ReplicaException.Kind.FAILED;
        };
    }

    private static ReplicaException.Kind kind(StorageException.Kind kind) {
        return switch (kind) {
            case NO_SPACE -> ReplicaException.Kind.NO_SPACE;
            case NOT_FOUND -> ReplicaException.Kind.NOT_FOUND;
            case EXISTS -> ReplicaException.Kind.EXISTS;
            case LOCKED -> ReplicaException.Kind.LOCKED;
            case IO -> ReplicaException.Kind.IO;
        };
    }

    private static ReplicaException.Kind kind(PointException failure) {
        return failure.reason() == PointException.Reason.UNKNOWN_NAME
                ? ReplicaException.Kind.NOT_FOUND
                : ReplicaException.Kind.OUTSIDE_WINDOW;
    }

    private static ReplicaException.Kind kind(ErrorCode code) {
        return switch (code) {
            case OUT_OF_RANGE, BEYOND_END, INVALID, READ_ONLY -> ReplicaException.Kind.INVALID;
            case NO_SPACE -> ReplicaException.Kind.NO_SPACE;
            case IO -> ReplicaException.Kind.IO;
            case DEVICE_FAILED, SHUTDOWN -> ReplicaException.Kind.FAILED;
        };
    }

    static String message(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.toString() : message;
    }
}
