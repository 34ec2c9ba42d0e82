package dev.tidemark.gateway.config;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.ChapCredentials;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The CHAP names and secrets of iSCSI, from a file of lines {@code WHOSE NAME SECRET}; empty lines
 * and those that begin with # say nothing.
 *
 * @param session for sessions with a target
 * @param discovery for discovery sessions
 */
public record ChapSecrets(Authentication session, Authentication discovery) {
    /** Nobody is asked. */
    public static final ChapSecrets NONE =
            new ChapSecrets(Authentication.NONE, Authentication.NONE);

    /** RFC 7143 §9.2.1: at least 96 bits. */
    private static final int LEAST_CHARACTERS = 12;

    private static final int MOST_CHARACTERS = 255;
    private static final long LARGEST_FILE_BYTES = 1 << 20;
    private static final String FORM =
            "initiator, target, discovery or discovery-target, a name, and a secret of 12 to 255 characters";

    /** Reads the file; everything that is wrong with it is one problem, which tells no secret. */
    public static ChapSecrets read(Path file) {
        try {
            requirePrivate(file);
            if (Files.size(file) > LARGEST_FILE_BYTES) {
                throw new IOException("it is larger than 1 MiB");
            }
            return parse(file, Files.readAllLines(file, StandardCharsets.UTF_8));
        } catch (IOException e) {
            String why =
                    switch (e) {
                        case NoSuchFileException missing -> "it does not exist";
                        case AccessDeniedException denied -> "permission denied";
                        case CharacterCodingException binary -> "it is no UTF-8 text";
                        default -> e.getMessage() == null ? e.toString() : e.getMessage();
                    };
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IO,
                            "cannot use the file of CHAP secrets: " + why,
                            file.toString(),
                            null,
                            "see iscsi.chap in the configuration reference"),
                    e);
        }
    }

    private static void requirePrivate(Path file) throws IOException {
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
        Set<PosixFilePermission> own =
                Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
        if (!own.containsAll(mode)) {
            throw ProblemException.invalid(
                    "the file of CHAP secrets is open to others",
                    file.toString(),
                    "its mode is "
                            + PosixFilePermissions.toString(mode)
                            + "; rw------- is accepted",
                    "take its secrets for known if the machine is shared, else: chmod 600 " + file);
        }
    }

    private static ChapSecrets parse(Path file, List<String> lines) {
        Map<String, List<ChapCredentials>> known = new HashMap<>();
        for (int number = 1; number <= lines.size(); number++) {
            String line = lines.get(number - 1).strip();
            if (!line.isEmpty() && !line.startsWith("#")) {
                take(file, number, line, known);
            }
        }
        try {
            return new ChapSecrets(
                    authentication(known, "initiator", "target"),
                    authentication(known, "discovery", "discovery-target"));
        } catch (IllegalArgumentException e) {
            throw ProblemException.invalid(
                    "wrong CHAP secrets: " + e.getMessage(),
                    file.toString(),
                    "RFC 7143 9.2.1",
                    "give both sides secrets of their own");
        }
    }

    private static void take(
            Path file, int number, String line, Map<String, List<ChapCredentials>> known) {
        String[] words = line.split("\\s+", -1);
        boolean kind =
                Set.of("initiator", "target", "discovery", "discovery-target").contains(words[0]);
        if (!kind
                || words.length != 3
                || words[1].length() > MOST_CHARACTERS
                || words[2].length() < LEAST_CHARACTERS
                || words[2].length() > MOST_CHARACTERS) {
            throw ProblemException.invalid(
                    "line " + number + " of the file of CHAP secrets makes no sense",
                    file.toString(),
                    FORM,
                    "write for example: initiator web-1 and a secret, with spaces between");
        }
        List<ChapCredentials> same = known.computeIfAbsent(words[0], none -> new ArrayList<>());
        boolean twice = same.stream().anyMatch(one -> one.user().equals(words[1]));
        if (twice || (words[0].endsWith("target") && !same.isEmpty())) {
            throw ProblemException.invalid(
                    "line " + number + " of the file of CHAP secrets says something twice",
                    file.toString(),
                    "one secret for a name, one target and one discovery-target",
                    "remove one of the lines");
        }
        same.add(new ChapCredentials(words[1], words[2]));
    }

    private static Authentication authentication(
            Map<String, List<ChapCredentials>> known, String initiators, String target) {
        List<ChapCredentials> own = known.getOrDefault(target, List.of());
        return new Authentication(
                known.getOrDefault(initiators, List.of()), own.isEmpty() ? null : own.getFirst());
    }
}
