package dev.tidemark.gateway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Json;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The commands need no gateway. */
final class PkiCommandTest {
    @TempDir private Path folder;

    private record Outcome(int code, String out, String err) {}

    private Outcome pki(String... arguments) {
        List<String> all = new ArrayList<>(List.of("pki"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--pki", folder.resolve("pki").toString()));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                Tidemark.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true));
        int code = line.execute(all.toArray(String[]::new));
        return new Outcome(code, out.toString(), err.toString());
    }

    private Outcome done(String... arguments) {
        Outcome outcome = pki(arguments);
        assertThat(outcome.code()).as(outcome.err()).isZero();
        return outcome;
    }

    @Test
    void anAuthorityIsMadeUsedAndListed() {
        assertThat(done("init").out()).contains("CN=Tidemark-CA").contains("authority");
        assertThat(done("issue", "gw.example.com", "--server", "--also", "192.0.2.7").out())
                .contains("servers/gw.example.com")
                .contains("ip:192.0.2.7");
        assertThat(done("issue", "backup-1", "--days", "90").out()).contains("clients/backup-1");
        assertThat(Files.exists(folder.resolve("pki/clients/backup-1/client-key.pem"))).isTrue();
        assertThat(done("list").out())
                .containsPattern("gw.example.com +server +valid")
                .containsPattern("backup-1 +client +valid");
        assertThat(done("revoke", "backup-1").out()).contains("revoked backup-1");
        assertThat(done("list").out()).containsPattern("backup-1 +client +revoked");
        assertThat(done("show", "backup-1").out()).contains("revoked at ").contains("CN=backup-1");
        assertThat(done("show").out()).contains("CN=Tidemark-CA");
    }

    @Test
    void everyCommandPrintsJson() throws Exception {
        assertThat(json("init").get("kind").asText()).isEqualTo("AUTHORITY");
        JsonNode issued = json("issue", "web");
        assertThat(issued.get("certificate").get("state").asText()).isEqualTo("VALID");
        assertThat(issued.get("folder").asText()).endsWith("clients/web");
        assertThat(json("list")).hasSize(1);
        assertThat(json("show", "web").get(0).get("subject").asText()).isEqualTo("CN=web");
        assertThat(json("revoke", "web").get(0).get("state").asText()).isEqualTo("REVOKED");
    }

    private JsonNode json(String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--json");
        return Json.MAPPER.readTree(done(all.toArray(String[]::new)).out());
    }

    @Test
    void refusalsSayWhatAndWhatToDo() {
        assertThat(pki("list"))
                .satisfies(none -> assertThat(none.code()).isEqualTo(Tidemark.REFUSED))
                .satisfies(none -> assertThat(none.err()).contains("tidemark pki init"));
        done("init");
        assertThat(pki("init").err()).contains("there already");
        assertThat(pki("issue", "../../x").err()).contains("not a name for a certificate");
        assertThat(pki("issue", "x", "--days", "9999").err()).contains("outlive its authority");
        assertThat(pki("revoke", "nobody").err()).contains("no such certificate");
    }
}
