package dev.tidemark.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.wire.Requests.CreateVolume;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Gateways that their client starts: on a socket made before, and on standard streams. */
@Timeout(120)
final class ActivationIT {
    private static final String SCRIPT =
            """
            assert h.get_size() == 1048576
            h.pwrite(b'x' * 4096, 8192, nbd.CMD_FLAG_FUA)
            assert h.pread(4096, 8192) == b'x' * 4096
            h.shutdown()
            print('done')
            """;

    @TempDir private Path folder;

    @BeforeEach
    void create() throws Exception {
        try (Gateway gateway = TestGateways.start(folder.resolve("data"))) {
            TestGateways.client(gateway).post("/volumes", new CreateVolume("disk", 1L << 20, null));
        }
    }

    /** The gateway's command line as a list in Python. */
    private String gateway(String... more) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-Xmx512m",
                                // The tests' own logs to standard output.
                                "-Dlogback.configurationFile=logback.xml",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "dev.tidemark.gateway.cli.Tidemark",
                                "serve",
                                "--data",
                                folder.resolve("data").toString(),
                                "--api",
                                "127.0.0.1:0",
                                "--set",
                                "journal.storage_unit=1MiB",
                                "--set",
                                "journal.pool=256MiB",
                                "--set",
                                "log.level=error"));
        command.addAll(List.of(more));
        return command.stream().collect(Collectors.joining("', '", "['", "']"));
    }

    private static String nbdsh(String... commands) throws Exception {
        List<String> all = new ArrayList<>(List.of("nbdsh"));
        for (String command : commands) {
            all.add("-c");
            all.add(command);
        }
        ProcessBuilder builder = new ProcessBuilder(all).redirectErrorStream(true);
        // Python's libnbd belongs to the system's own interpreter.
        builder.environment().put("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        Process process = builder.start();
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        return out;
    }

    @Test
    void aSocketMadeBeforeIsServed() throws Exception {
        assertThat(
                        nbdsh(
                                "h.set_export_name('disk')",
                                "h.connect_systemd_socket_activation(" + gateway() + ")",
                                SCRIPT))
                .contains("  NBD  nbd+unix:///?socket=/")
                .contains("  disk nbd+unix:///disk?socket=/")
                .contains("done");
    }

    @Test
    void aPortMadeBeforeIsServed() throws Exception {
        Process process =
                new ProcessBuilder("/usr/bin/python3", "-c", port() + SCRIPT)
                        .redirectErrorStream(true)
                        .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        assertThat(out).contains("  NBD  nbd://127.0.0.1:").contains("done");
    }

    /** Does what systemd does: listens, forks, hands the socket over as descriptor 3. */
    private String port() {
        return """
        import nbd, os, signal, socket, atexit
        s = socket.create_server(('127.0.0.1', 0))
        pid = os.fork()
        if pid == 0:
            os.dup2(s.fileno(), 3)
            os.set_inheritable(3, True) # it may have been 3 already
            os.environ['LISTEN_FDS'] = '1'
            os.environ['LISTEN_PID'] = str(os.getpid())
            command = %s
            os.execv(command[0], command)
        atexit.register(lambda: (os.kill(pid, signal.SIGTERM), os.waitpid(pid, 0)))
        h = nbd.NBD()
        h.connect_uri('nbd://127.0.0.1:%%d/disk' %% s.getsockname()[1])
        """
                .formatted(gateway());
    }

    @Test
    void standardStreamsAreServed() throws Exception {
        assertThat(
                        nbdsh(
                                "h.set_export_name('disk')",
                                "h.connect_command(" + gateway("--stdio") + ")",
                                SCRIPT))
                .contains("done");
    }

    @Test
    void variablesForAnotherProcessAreNotOurs() {
        long pid = ProcessHandle.current().pid();
        assertThat(InheritedSockets.of(Map.of(), pid)).isEmpty();
        assertThat(InheritedSockets.of(Map.of("LISTEN_FDS", "1", "LISTEN_PID", "1"), pid))
                .isEmpty();
        assertThatThrownBy(() ->
                        InheritedSockets.of(Map.of("LISTEN_FDS", "x", "LISTEN_PID", "" + pid), pid))
                .hasMessageContaining("LISTEN_FDS makes no sense");
    }
}
