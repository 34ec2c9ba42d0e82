package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The demo that leaves its gateway running, and what it says can be done with it. */
@Timeout(300)
final class KeptDemoIT {
    @TempDir Path folder;

    private Process demo;
    private Path output;

    @BeforeEach
    void start() throws Exception {
        output = folder.resolve("demo.log");
        demo =
                new ProcessBuilder(
                                GatewayProcess.command(
                                        "demo", "--keep", "--folder", folder + "/demo"))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        Await.until(
                "the demo to say what can be done",
                Duration.ofMinutes(3),
                () -> !demo.isAlive() || printed().contains("qemu-system"));
        assertThat(demo.isAlive()).as(printed()).isTrue();
    }

    @AfterEach
    void kill() {
        demo.destroyForcibly().onExit().join();
    }

    private String printed() throws IOException {
        return Files.readString(output);
    }

    /** The groups of what the pattern finds in the demo's last words. */
    private List<MatchResult> said(String pattern, int count) throws IOException {
        List<MatchResult> found = Pattern.compile(pattern).matcher(printed()).results().toList();
        assertThat(found).as("\"%s\" in%n%s", pattern, printed()).hasSize(count);
        return found;
    }

    @Test
    void its_gateway_does_what_the_demo_says_until_a_signal_ends_it() throws Exception {
        assertThat(printed()).contains("Everything was proven");
        for (MatchResult line : said("(?m)^  tidemark (.+)$", 3)) {
            run(line.group(1));
        }
        for (MatchResult line : said("nbd-client -N (\\S+) 127\\.0\\.0\\.1 (\\d+) ", 2)) {
            String export = line.group(1);
            String info =
                    ForeignProgram.run(
                            "nbdinfo", "nbd://127.0.0.1:" + line.group(2) + "/" + export);
            assertThat(info).contains("is_read_only: " + export.contains("@"));
        }
        String drive = said("-drive file=(\\S+?),format=raw", 1).getFirst().group(1);
        assertThat(ForeignProgram.run("qemu-img", "info", drive)).contains("virtual size");
        expectCleanPast(said("(?m)^  (nbdfuse /some/folder/disk .+)$", 1).getFirst().group(1));
        demo.destroy();
        assertThat(demo.waitFor(60, TimeUnit.SECONDS)).as(printed()).isTrue();
        assertThat(demo.exitValue()).as(printed()).isZero();
        assertThat(folder.resolve("demo/data/catalogue.sqlite")).exists();
        assertThat(folder.resolve("demo/data/nbd.sock")).doesNotExist();
    }

    private void run(String arguments) throws Exception {
        Path log = folder.resolve("command.log");
        Process command =
                new ProcessBuilder(GatewayProcess.command(arguments.split(" ", -1)))
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertThat(command.waitFor(60, TimeUnit.SECONDS)).as(arguments).isTrue();
        assertThat(command.exitValue())
                .as("%s, which printed:%n%s", arguments, Files.readString(log))
                .isZero();
    }

    /** Mounts the past moment as the demo says, and checks the file system in it. */
    private void expectCleanPast(String command) throws Exception {
        Path mountPoint = Files.createDirectory(folder.resolve("mount"));
        String here = command.replace("/some/folder", mountPoint.toString());
        try (ForeignProgram fuse = ForeignProgram.start("bash", "-c", "exec " + here)) {
            Path disk = mountPoint.resolve("disk");
            try {
                Await.until(
                        "the disk to appear: " + here + "\n" + fuse.printed(),
                        Duration.ofSeconds(30),
                        () -> Files.exists(disk));
                ForeignProgram.run("e2fsck", "-f", "-n", disk.toString());
            } finally {
                ForeignProgram.run("umount", mountPoint.toString());
            }
            fuse.expectSuccess(Duration.ofSeconds(30));
        }
    }
}
