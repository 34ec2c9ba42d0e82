package dev.tidemark.gateway.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Works on an ext4 file system in a file with e2fsprogs, without mounting it: no privileges are
 * needed.
 */
final class Ext4 {
    private final Path scratch;

    Ext4(Path scratch) {
        this.scratch = scratch;
    }

    /** Makes the file system, with a copy of a folder in it. */
    void make(Path file, Path content) throws IOException, InterruptedException {
        Tools.must(
                scratch,
                "mkfs.ext4",
                "-q",
                "-F",
                "-L",
                "demo",
                "-d",
                content.toString(),
                file.toString());
    }

    /** Replaces files in the root directory by those of the same names in a folder. */
    void replace(Path file, Path folder, List<String> names)
            throws IOException, InterruptedException {
        StringBuilder script = new StringBuilder();
        for (String name : names) {
            script.append("rm /").append(name).append('\n');
            script.append("write ")
                    .append(folder.resolve(name))
                    .append(" /")
                    .append(name)
                    .append('\n');
        }
        debug(file, script.toString());
    }

    /** Writes a new file into the root directory. */
    void add(Path file, Path source, String name) throws IOException, InterruptedException {
        debug(file, "write " + source + " /" + name + "\n");
    }

    private void debug(Path file, String script) throws IOException, InterruptedException {
        Path commands = Files.createTempFile(scratch, "debugfs", ".cmd");
        Files.writeString(commands, script);
        Tools.must(scratch, "debugfs", "-w", "-f", commands.toString(), file.toString());
        Files.delete(commands);
    }

    /** Copies the root directory out. */
    Path dump(Path file, String name) throws IOException, InterruptedException {
        Path target = Files.createDirectories(scratch.resolve("dump-" + name));
        Tools.run(scratch, "debugfs", "-R", "rdump / " + target, file.toString());
        return target;
    }

    /** Checks all of the file system without changing it. */
    Tools.Outcome check(Path file) throws IOException, InterruptedException {
        return Tools.run(scratch, "e2fsck", "-f", "-n", file.toString());
    }
}
