package dev.tidemark.gateway.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DemoIT {
    @TempDir private Path folder;

    @Test
    void theDemoProvesEverythingItClaims() throws Exception {
        StringWriter out = new StringWriter();
        int code = new Demo(new PrintWriter(out, true), folder, false).run();
        assertThat(out.toString()).contains("Everything was proven").doesNotContain("NOT PROVEN");
        assertThat(code).isZero();
    }
}
