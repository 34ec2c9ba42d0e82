package dev.tidemark.gateway.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
final class DemoTwoSitesIT {
    @TempDir private Path folder;

    @Test
    void theDemoOfTwoSitesProvesEverythingItClaimsAndLeavesNothingRunning() throws Exception {
        StringWriter out = new StringWriter();
        int code = new Demo(new PrintWriter(out, true), folder, false).runTwoSites();
        assertThat(out.toString())
                .contains("Everything was proven", "branch:")
                .doesNotContain("NOT PROVEN");
        assertThat(code).isZero();
        String below = folder.toRealPath() + "/";
        assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(below);
        assertThat(
                        ProcessHandle.allProcesses()
                                .filter(process ->
                                        process.info().commandLine().orElse("").contains(below)))
                .isEmpty();
    }
}
