package dev.tidemark.gateway.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A tree of documents, each ending with the SHA-256 of what comes before it: whoever reads one can
 * tell whether it is whole, without knowing what it should say.
 */
final class Documents {
    static final int COUNT = 24;
    private static final String MARK = "\nsha256: ";
    private static final int LINES = 600;

    private final Path folder;
    private final Random random;

    /**
     * @param seed the same seed makes the same documents
     */
    Documents(Path folder, long seed) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.random = new Random(seed);
    }

    Path folder() {
        return folder;
    }

    static String name(int number) {
        return "report-%02d.txt".formatted(number);
    }

    /** Writes every {@code step}-th document anew; returns their names. */
    List<String> write(String version, int step) throws IOException {
        List<String> names =
                Stream.iterate(0, n -> n < COUNT, n -> n + step).map(Documents::name).toList();
        for (String name : names) {
            Files.write(folder.resolve(name), document(name, version));
        }
        return names;
    }

    private byte[] document(String name, String version) {
        StringBuilder text =
                new StringBuilder(name).append(", version ").append(version).append('\n');
        for (int line = 0; line < LINES; line++) {
            text.append(line).append(": ").append(Long.toHexString(random.nextLong())).append('\n');
        }
        String body = text.toString();
        return (body + MARK + sha256(body.getBytes(StandardCharsets.UTF_8)) + "\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** What the attacker leaves behind. */
    byte[] scrambled(String name) throws IOException {
        byte[] bytes = new byte[(int) Files.size(folder.resolve(name))];
        random.nextBytes(bytes);
        return bytes;
    }

    /** How many of the documents in a folder are whole. */
    static int whole(Path folder) throws IOException {
        int whole = 0;
        for (int number = 0; number < COUNT; number++) {
            Path file = folder.resolve(name(number));
            if (Files.exists(file)
                    && isWhole(Files.readString(file, StandardCharsets.ISO_8859_1))) {
                whole++;
            }
        }
        return whole;
    }

    private static boolean isWhole(String text) {
        int mark = text.lastIndexOf(MARK);
        if (mark < 0) {
            return false;
        }
        String sum = text.substring(mark + MARK.length()).strip();
        return sum.equals(sha256(text.substring(0, mark).getBytes(StandardCharsets.ISO_8859_1)));
    }

    /** One hash over names and contents of all documents in a folder. */
    static String hash(Path folder) throws IOException {
        StringBuilder all = new StringBuilder();
        for (int number = 0; number < COUNT; number++) {
            Path file = folder.resolve(name(number));
            all.append(name(number)).append(' ');
            all.append(Files.exists(file) ? sha256(Files.readAllBytes(file)) : "missing")
                    .append('\n');
        }
        return sha256(all.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
