package dev.tidemark.nbd;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.RangeStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes of a whole session as they were on the wire, kept in a file: {@code #} comments, then what
 * the client ({@code C}) and the server ({@code S}) sent in turn, in hexadecimal, many lines for
 * each turn.
 */
record GoldenCapture(List<Turn> turns) {
    static final Path FOLDER = Path.of("src/test/resources/golden");

    private static final int LINE_DIGITS = 96;

    /** What one side sent before the other answered, in hexadecimal. */
    record Turn(boolean client, String digits) {
        int lengthBytes() {
            return digits.length() / 2;
        }
    }

    static GoldenCapture read(Path file) throws IOException {
        List<Turn> turns = new ArrayList<>();
        StringBuilder digits = new StringBuilder();
        char side = 'S';
        for (String line : Files.readAllLines(file)) {
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            if (line.charAt(0) != ' ' && !digits.isEmpty()) {
                turns.add(new Turn(side == 'C', digits.toString()));
                digits.setLength(0);
            }
            side = line.charAt(0) == ' ' ? side : line.charAt(0);
            digits.append(line.substring(2));
        }
        turns.add(new Turn(side == 'C', digits.toString()));
        return new GoldenCapture(turns);
    }

    void write(Path file, String comment) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("# " + comment);
        for (Turn turn : turns) {
            for (int at = 0; at < turn.digits().length(); at += LINE_DIGITS) {
                int end = Math.min(at + LINE_DIGITS, turn.digits().length());
                String side = turn.client() ? "C" : "S";
                lines.add((at > 0 ? " " : side) + " " + turn.digits().substring(at, end));
            }
        }
        Files.write(file, lines);
    }

    /** The exports that all captures were made from: data, then a hole, then zeros set aside. */
    static TestCatalog exports() {
        TestDisk disk = new TestDisk(1 << 20);
        byte[] content = new byte[1 << 16];
        for (int at = 0; at < content.length; at++) {
            content[at] = (byte) (at >> 8 ^ at);
        }
        disk.fill(0, content);
        disk.allocate(1 << 16, 1 << 19, Allocation.HOLE | Allocation.ZERO);
        disk.allocate((1 << 19) + (1 << 16), (1 << 20) - (1 << 19) - (1 << 16), Allocation.ZERO);
        return new TestCatalog()
                .add("disk", disk)
                .addContext(
                        "qemu:dirty-bitmap:monday",
                        false,
                        (offset, length, count, done) ->
                                done.succeeded(RangeStatus.uniform(offset, length, 1)))
                .addContext(
                        "x-tidemark:last-write",
                        true,
                        (offset, length, count, done) ->
                                done.succeeded(RangeStatus.uniform(offset, length, 1L << 40)));
    }
}
