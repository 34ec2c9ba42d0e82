package dev.tidemark.gateway.pki;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Files of an authority: written whole or not at all, with the right mode from the start. */
final class PrivateFiles {
    private static final Set<PosixFilePermission> FOLDER =
            PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> SECRET =
            PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OPEN =
            PosixFilePermissions.fromString("rw-r--r--");

    /** A chain of certificates or a list of revoked ones is far smaller. */
    private static final long LARGEST_BYTES = 16L << 20;

    private PrivateFiles() {}

    /** Makes a folder, and those above it, for the owner only; one that is there is kept. */
    static void folder(Path folder) throws IOException {
        Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(FOLDER));
        Files.setPosixFilePermissions(folder, FOLDER);
    }

    static void secret(Path file, String text) throws IOException {
        write(file, text, SECRET);
    }

    static void open(Path file, String text) throws IOException {
        write(file, text, OPEN);
    }

    private static void write(Path file, String text, Set<PosixFilePermission> mode)
            throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Path fresh =
                Files.createTempFile(
                        folder,
                        "." + file.getFileName(),
                        ".new",
                        PosixFilePermissions.asFileAttribute(SECRET));
        try {
            Files.writeString(fresh, text, StandardOpenOption.DSYNC);
            Files.setPosixFilePermissions(fresh, mode);
            Files.move(
                    fresh,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    /** Reads a file of bounded size. */
    static String read(Path file) throws IOException {
        long bytes = Files.size(file);
        if (bytes > LARGEST_BYTES) {
            throw new IOException(
                    "%s has %d bytes, more than %d".formatted(file, bytes, LARGEST_BYTES));
        }
        return Files.readString(file, StandardCharsets.US_ASCII);
    }

    /** A failure of a file, as a problem that names it. */
    static ProblemException problem(Path file, IOException e) {
        String why =
                switch (e) {
                    case NoSuchFileException missing -> "it does not exist";
                    case java.nio.file.AccessDeniedException denied -> "permission denied";
                    case java.nio.charset.CharacterCodingException binary -> "it is no PEM text";
                    default -> e.getMessage() == null ? e.toString() : e.getMessage();
                };
        return new ProblemException(
                new Problem(
                        ProblemKind.IO, "cannot use the file: " + why, file.toString(), null, ""),
                e);
    }

    /** Refuses a secret that others can read or change. */
    static void requireSecret(Path file) throws IOException {
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
        boolean exposed =
                mode.contains(PosixFilePermission.OTHERS_READ)
                        || mode.contains(PosixFilePermission.OTHERS_WRITE)
                        || mode.contains(PosixFilePermission.GROUP_WRITE);
        if (exposed) {
            throw ProblemException.invalid(
                    "the private key can be read or changed by others",
                    file.toString(),
                    "its mode is "
                            + PosixFilePermissions.toString(mode)
                            + "; at most rw-r----- is accepted",
                    "take it for compromised if the machine is shared, else: chmod 600 " + file);
        }
    }
}
