package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** Ways to damage a file. */
final class Damage {
    private Damage() {}

    /** What is done to a file. */
    interface Blow {
        void strike(Path file) throws IOException;
    }

    /** Flips all bits of some bytes. */
    static Blow flip(long offsetBytes, int lengthBytes) {
        return file -> {
            try (FileChannel channel = open(file)) {
                ByteBuffer bytes = ByteBuffer.allocate(lengthBytes);
                channel.read(bytes, offsetBytes);
                assertThat(bytes.hasRemaining()).as("%s reaches that far", file).isFalse();
                for (int i = 0; i < lengthBytes; i++) {
                    bytes.put(i, (byte) ~bytes.get(i));
                }
                channel.write(bytes.flip(), offsetBytes);
            }
        };
    }

    /** Overwrites some bytes. */
    static Blow put(long offsetBytes, byte[] content) {
        return file -> {
            try (FileChannel channel = open(file)) {
                channel.write(ByteBuffer.wrap(content), offsetBytes);
            }
        };
    }

    static Blow truncate(long sizeBytes) {
        return file -> {
            try (FileChannel channel = open(file)) {
                channel.truncate(sizeBytes);
            }
        };
    }

    static Blow halve() {
        return file -> truncate(Files.size(file) / 2).strike(file);
    }

    /** Flips bits in the middle of what was written; what follows may be room for more. */
    static Blow flipMiddle() {
        return file -> flip(writtenBytes(file) / 2, 8).strike(file);
    }

    /** Cuts off the second half of what was written. */
    static Blow halveWritten() {
        return file -> truncate(writtenBytes(file) / 2).strike(file);
    }

    private static long writtenBytes(Path file) throws IOException {
        byte[] content = Files.readAllBytes(file);
        int length = content.length;
        while (length > 0 && content[length - 1] == 0) {
            length--;
        }
        return length;
    }

    static Blow grow(int byBytes) {
        return file -> put(Files.size(file), new byte[byBytes]).strike(file);
    }

    static Blow replaceBy(byte[] content) {
        return file -> Files.write(file, content);
    }

    static Blow remove() {
        return Files::delete;
    }

    private static FileChannel open(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    /** All files below a directory whose names begin so, by name. */
    static List<Path> files(Path directory, String prefix) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile)
                    .filter(file -> String.valueOf(file.getFileName()).startsWith(prefix))
                    .sorted()
                    .toList();
        }
    }
}
