package dev.tidemark.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real process: signals, exit codes, what is left on disk. */
final class ProcessIT {
    @TempDir private Path folder;
    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void kill() {
        started.forEach(Process::destroyForcibly);
    }

    private Process tidemark(Path out, String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-ea",
                                "--enable-native-access=ALL-UNNAMED",
                                "-Xmx512m",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "dev.tidemark.gateway.cli.Tidemark"));
        command.addAll(List.of(arguments));
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(out.toFile())
                        .start();
        started.add(process);
        return process;
    }

    private Process serve(Path out) throws Exception {
        Process process =
                tidemark(
                        out,
                        "serve",
                        "--data",
                        folder.resolve("data").toString(),
                        "--nbd",
                        "127.0.0.1:0",
                        "--api",
                        "127.0.0.1:0",
                        "--set",
                        "journal.storage_unit=1MiB",
                        "--set",
                        "journal.pool=256MiB");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.readString(out).contains("  API  ")) {
            assertThat(process.waitFor(50, TimeUnit.MILLISECONDS))
                    .as(Files.readString(out))
                    .isFalse();
            assertThat(System.nanoTime()).isLessThan(deadline);
        }
        return process;
    }

    private void client(String... command) throws Exception {
        assertThat(ForeignProgram.run(command)).doesNotContain("Pattern verification failed");
    }

    private void cli(String... arguments) throws Exception {
        Path out = folder.resolve("cli.out");
        assertThat(tidemark(out, arguments).waitFor()).as(Files.readString(out)).isZero();
    }

    /** A client that is connected when this returns, does some more, and never leaves. */
    private void stayingClient(String more) throws IOException {
        Process client =
                new ProcessBuilder(
                                "/usr/bin/python3",
                                "-c",
                                "import nbd,time;h=nbd.NBD();h.connect_uri('"
                                        + uri()
                                        + "');"
                                        + more
                                        + "print('open',flush=True);time.sleep(600)")
                        .start();
        started.add(client);
        assertThat(client.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("open");
    }

    private String uri() {
        return "nbd+unix:///disk?socket=" + folder.resolve("data/nbd.sock");
    }

    @Test
    void aTerminatedGatewayFoldsEverythingAndExitsWithZero() throws Exception {
        Path out = folder.resolve("serve.out");
        Process gateway = serve(out);
        String data = folder.resolve("data").toString();
        cli("volume", "create", "disk", "--size", "8M", "--data", data);
        // No flush, no checkpoint: the stop alone must bring it to gold.
        client("qemu-io", "-f", "raw", "-t", "unsafe", "-c", "write -P 0x5a 1M 256k", uri());
        gateway.destroy(); // SIGTERM
        assertThat(gateway.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(gateway.exitValue()).as(Files.readString(out)).isZero();
        assertThat(Files.exists(folder.resolve("data/nbd.sock"))).isFalse();
        assertThat(Files.exists(folder.resolve("data/gateway.json"))).isFalse();
        byte[] gold = new byte[256 << 10];
        try (Stream<Path> files = Files.walk(folder.resolve("data"));
                RandomAccessFile image =
                        new RandomAccessFile(
                                files.filter(path -> path.endsWith("gold.raw"))
                                        .findFirst()
                                        .orElseThrow()
                                        .toFile(),
                                "r")) {
            image.seek(1 << 20);
            image.readFully(gold);
        }
        assertThat(gold).containsOnly(0x5a);
        serve(folder.resolve("again.out"));
        client("qemu-io", "-f", "raw", "-c", "read -P 0x5a 1M 256k", uri());
    }

    @Test
    void aClientThatStaysDoesNotHoldTheStopUpForEver() throws Exception {
        Process gateway = serve(folder.resolve("serve.out"));
        cli(
                "volume",
                "create",
                "disk",
                "--size",
                "8M",
                "--data",
                folder.resolve("data").toString());
        stayingClient("");
        gateway.destroy();
        assertThat(gateway.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(gateway.exitValue()).isZero();
    }

    @Test
    void aSecondSignalEndsAStopAtOnceAndLosesNothing() throws Exception {
        Path out = folder.resolve("serve.out");
        Process gateway = serve(out);
        String data = folder.resolve("data").toString();
        cli("volume", "create", "disk", "--size", "8M", "--data", data);
        client("qemu-io", "-f", "raw", "-c", "write -P 0x66 2M 64k", uri());
        // Never reads the replies it asked for, so that a clean stop waits for it.
        stayingClient("[h.aio_pread(nbd.Buffer(8<<20),0) for i in range(8)];");
        gateway.destroy();
        while (!Files.readString(out).contains("clients are asked to leave")) {
            assertThat(gateway.waitFor(10, TimeUnit.MILLISECONDS))
                    .as(Files.readString(out))
                    .isFalse();
        }
        gateway.destroy();
        assertThat(gateway.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(gateway.exitValue()).as(Files.readString(out)).isEqualTo(130);
        assertThat(Files.readString(out)).doesNotContain("stopped");
        serve(folder.resolve("again.out"));
        client("qemu-io", "-f", "raw", "-c", "read -P 0x66 2M 64k", uri());
    }

    @Test
    void aKilledGatewayLosesNoAcknowledgedWrite() throws Exception {
        Process gateway = serve(folder.resolve("serve.out"));
        cli(
                "volume",
                "create",
                "disk",
                "--size",
                "8M",
                "--data",
                folder.resolve("data").toString());
        client("qemu-io", "-f", "raw", "-c", "write -P 0x77 3M 64k", uri());
        gateway.destroyForcibly().waitFor();
        serve(folder.resolve("again.out"));
        client("qemu-io", "-f", "raw", "-c", "read -P 0x77 3M 64k", uri());
    }
}
