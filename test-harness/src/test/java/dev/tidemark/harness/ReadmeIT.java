package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.harness.MarkdownPage.Fence;
import dev.tidemark.harness.MarkdownPage.Line;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's commands, typed as they stand. Only what a machine in use forces is changed: the
 * ports, the data directory, and the heap; and what would build or try the whole project again is
 * left out: the fresh machine does that, and the demos have tests of their own.
 */
@Timeout(180)
final class ReadmeIT {
    private static final List<String> LEFT_OUT =
            List.of("./tidemark demo", "./tidemark demo --two-sites", "./build");

    @TempDir Path folder;

    @Test
    void the_commands_of_the_readme_work_as_they_stand() throws Exception {
        List<String> script =
                new ArrayList<>(List.of("set -euo pipefail", "trap 'kill %1; wait' EXIT"));
        for (Fence fence : MarkdownPage.of(ProjectFiles.root().resolve("README.md")).fences()) {
            if (fence.language().equals("sh")) {
                fence.lines().forEach(line -> add(script, line));
            }
        }
        assertThat(script).as("commands found").hasSizeGreaterThan(6);
        int port = freePort();
        writeLauncher(port);
        writeDisk();
        Path file = folder.resolve("commands.sh");
        String text =
                String.join("\n", script)
                        .replace("nbd://127.0.0.1/", "nbd://127.0.0.1:" + port + "/")
                        .replace("/var/tmp/tidemark", folder.resolve("data").toString());
        Files.writeString(file, text + "\necho all done\n");
        try (ForeignProgram shell =
                ForeignProgram.start(
                        "bash",
                        "-c",
                        "cd \"$1\" && bash -x commands.sh",
                        "sh",
                        folder.toString())) {
            assertThat(shell.expectSuccess(Duration.ofMinutes(2))).contains("all done");
        }
    }

    /** Who types waits until the gateway says that it serves. */
    private static void add(List<String> script, Line line) {
        String command = line.text().replaceAll("\\s+#.*", "").strip();
        if (command.isEmpty() || LEFT_OUT.contains(command)) {
            return;
        }
        script.add(command);
        if (command.endsWith("&")) {
            script.add(
                    "for i in $(seq 100); do ./tidemark status >/dev/null 2>&1 && break; sleep 0.2; done");
        }
    }

    private static int freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Stands in for the launcher script, which would see to it that everything is built. */
    private void writeLauncher(int port) throws Exception {
        Path launcher = folder.resolve("tidemark");
        Files.writeString(
                launcher,
                """
                #!/bin/bash
                [[ $1 != serve ]] || set -- "$@" --nbd 127.0.0.1:%d --api 127.0.0.1:0
                exec %s/bin/java -ea -Xmx512m --enable-native-access=ALL-UNNAMED -jar %s "$@"
                """
                        .formatted(
                                port,
                                System.getProperty("java.home"),
                                ProjectFiles.root().resolve("gateway/target/tidemark.jar")));
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void writeDisk() throws Exception {
        try (RandomAccessFile disk =
                new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
            disk.setLength(64 << 20);
            disk.write(new byte[] {1, 2, 3});
        }
    }
}
