package dev.tidemark.gateway.server;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.storage.FileStorageDirectory;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where a gateway keeps everything:
 *
 * <pre>
 * catalogue.sqlite   names, settings, records of tests
 * groups/UUID/       one protection group each
 * native/            what this process has unpacked to load it, mode 0700
 * token              secret of the API, mode 0600
 * gateway.json       address of the running gateway, for the command line
 * lock               held while a gateway runs
 * nbd.sock           unix socket, when configured so
 * </pre>
 */
public final class DataDirectory {
    private static final int TOKEN_BYTES = 32;
    private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]{16,512}");
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path path;

    private DataDirectory(Path path) {
        this.path = path;
    }

    /** Makes the directory, readable by its owner only, when it is missing. */
    public static DataDirectory at(Path path) {
        try {
            Files.createDirectories(path, PRIVATE_DIRECTORY);
            if (!Files.isWritable(path)) {
                throw new IOException("it is not writable");
            }
            return new DataDirectory(path.toRealPath());
        } catch (IOException e) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IO,
                            "the data directory cannot be used: " + describe(e),
                            path.toString(),
                            null,
                            "choose another one with --data, or grant this user access"),
                    e);
        }
    }

    private static String describe(IOException e) {
        String message = e.getMessage() == null ? "" : e.getMessage();
        return switch (e) {
            case java.nio.file.AccessDeniedException denied -> "permission denied";
            case java.nio.file.FileAlreadyExistsException exists ->
                    "something that is no directory is there";
            default -> message.isEmpty() ? e.getClass().getSimpleName() : message;
        };
    }

    public Path path() {
        return path;
    }

    Path catalogue() {
        return path.resolve("catalogue.sqlite");
    }

    /**
     * Takes the lock; a directory in use by another gateway is a problem that names its process.
     */
    AutoCloseable lock() throws StorageException {
        try {
            return FileStorageDirectory.at(path).lock();
        } catch (StorageException e) {
            if (e.kind() != StorageException.Kind.LOCKED) {
                throw e;
            }
            throw new ProblemException(
                    new Problem(
                            ProblemKind.LOCKED,
                            "another gateway uses the data directory: " + e.getMessage(),
                            null,
                            null,
                            "name another with --data"),
                    e);
        }
    }

    StorageDirectory groups() throws StorageException {
        return FileStorageDirectory.at(path).directory("groups");
    }

    /**
     * An empty folder for native libraries that are unpacked to be loaded, readable by its owner
     * only. Wants the lock: what a killed gateway left there is removed.
     */
    Path libraries() throws IOException {
        Path folder = path.resolve("native");
        Files.createDirectories(folder, PRIVATE_DIRECTORY);
        Files.setPosixFilePermissions(folder, PRIVATE_DIRECTORY.value());
        try (Stream<Path> left = Files.list(folder)) {
            for (Path file : left.toList()) {
                Files.delete(file);
            }
        }
        return folder;
    }

    /** Bytes of journal segments that lie here already. */
    long journalBytes() throws IOException {
        Path groups = path.resolve("groups");
        if (!Files.isDirectory(groups)) {
            return 0;
        }
        try (Stream<Path> files = Files.walk(groups, 2)) {
            long sum = 0;
            for (Path file : files.toList()) {
                String name = String.valueOf(file.getFileName());
                if (name.startsWith("redo-") || name.startsWith("undo-")) {
                    sum += Files.size(file);
                }
            }
            return sum;
        }
    }

    /** The API's secret, made at the first start. */
    String token() throws IOException {
        Path file = path.resolve("token");
        if (!Files.exists(file)) {
            byte[] secret = new byte[TOKEN_BYTES];
            new SecureRandom().nextBytes(secret);
            replace(file, Base64.getUrlEncoder().withoutPadding().encodeToString(secret) + "\n");
        }
        if (!Files.getPosixFilePermissions(file).equals(PrivateFile.MODE)) {
            Files.setPosixFilePermissions(file, PrivateFile.MODE);
        }
        String token = Files.readString(file, StandardCharsets.US_ASCII).strip();
        if (!TOKEN.matcher(token).matches()) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "the token file " + file + " holds no token",
                            token.length() + " characters",
                            "16 to 512 printable ASCII characters without spaces",
                            "delete the file: the next start makes a new one"));
        }
        return token;
    }

    /** Says where the running gateway is found. */
    void announce(String json) throws IOException {
        replace(path.resolve("gateway.json"), json + "\n");
    }

    void withdraw() throws IOException {
        Files.deleteIfExists(path.resolve("gateway.json"));
    }

    private static void replace(Path file, String content) throws IOException {
        Path folder = file.getParent();
        assert folder != null;
        Path fresh = Files.createTempFile(folder, "." + file.getFileName(), ".new", PRIVATE_FILE);
        try {
            Files.writeString(fresh, content, StandardOpenOption.DSYNC);
            Files.move(
                    fresh,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("the file system cannot rename atomically", e);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private static final class PrivateFile {
        static final Set<PosixFilePermission> MODE = PRIVATE_FILE.value();
    }
}
