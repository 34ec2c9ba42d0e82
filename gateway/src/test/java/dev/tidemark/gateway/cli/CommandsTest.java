package dev.tidemark.gateway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.TestGateways;
import dev.tidemark.gateway.wire.Json;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CommandsTest {
    private Gateway gateway;
    private Path folder;

    @BeforeAll
    void start(@TempDir Path scratch) throws Exception {
        folder = scratch;
        gateway = TestGateways.start(scratch.resolve("data"));
        assertThat(run("volume", "create", "web", "--size", "1M").code()).isZero();
    }

    @AfterAll
    void stop() {
        gateway.close();
    }

    private record Outcome(int code, String out, String err) {}

    private static Outcome bare(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                Tidemark.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true));
        int code = line.execute(arguments);
        return new Outcome(code, out.toString(), err.toString());
    }

    /** Runs a command against the gateway. */
    private Outcome run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        int end = all.indexOf("--");
        all.addAll(
                end < 0 ? all.size() : end, List.of("--data", gateway.dataDirectory().toString()));
        return bare(all.toArray(String[]::new));
    }

    @Test
    void everyListWorksAsTextAndAsJson() throws Exception {
        for (List<String> command :
                List.of(
                        List.of("status"),
                        List.of("volume", "list"),
                        List.of("group", "list"),
                        List.of("group", "show", "default"),
                        List.of("checkpoint", "list"),
                        List.of("test", "list"),
                        List.of("test", "list", "--drills"),
                        List.of("history"),
                        List.of("task", "list"),
                        List.of("point"))) {
            Outcome text = run(command.toArray(String[]::new));
            assertThat(text.code()).as(command + text.err()).isZero();
            assertThat(text.out()).as(command.toString()).isNotBlank();
            List<String> json = new ArrayList<>(command);
            json.add("--json");
            Outcome document = run(json.toArray(String[]::new));
            assertThat(document.code()).isZero();
            Json.MAPPER.readTree(document.out());
        }
    }

    @Test
    void aDrillIsRunFromTheCommandLine() throws Exception {
        assertThat(run("checkpoint", "add", "nightly", "--description", "x y").out())
                .matches("checkpoint nightly at \\S+Z \\(seq:\\d+\\)\\R");
        assertThat(run("point", "nightly").out()).contains("checkpoint nightly");
        assertThat(run("point", "--", "-0s").code()).isZero();
        Outcome started =
                run("test", "start", "--at", "nightly", "--at", "latest", "--note", "n", "--json");
        assertThat(started.code()).as(started.err()).isZero();
        JsonNode tests = Json.MAPPER.readTree(started.out()).path("tests");
        assertThat(tests).hasSize(2);
        String first = tests.get(0).path("id").asText();
        String second = tests.get(1).path("id").asText();
        assertThat(run("test", "show", first).out())
                .contains("test." + first + ".web")
                .contains("nightly");
        Outcome undecided = run("test", "stop", first);
        assertThat(undecided.code()).isEqualTo(Tidemark.USAGE);
        assertThat(undecided.err()).contains("--passed");
        assertThat(run("test", "stop", first, "--passed", "--failed").code())
                .isEqualTo(Tidemark.USAGE);
        assertThat(run("test", "stop", first, "--inconclusive", "--note", "hm").out())
                .contains("inconclusive");
        Outcome promoted = run("promote", second, "--passed");
        assertThat(promoted.code()).as(promoted.err()).isZero();
        assertThat(run("test", "list").out()).contains("passed").contains("inconclusive");
        assertThat(run("test", "purge", "--keep", "100").out()).contains("0 records purged");
    }

    @Test
    void aRollbackSaysTheExactPointAndWantsAYes() {
        run("checkpoint", "add", "here");
        Outcome asked = run("rollback", "--to", "here");
        assertThat(asked.code()).isEqualTo(Tidemark.REFUSED);
        assertThat(asked.err()).contains("checkpoint here").contains("--yes");
        Outcome done = run("rollback", "--to", "here", "--yes");
        assertThat(done.code()).as(done.err()).isZero();
        assertThat(done.out()).contains("rolled back to");
    }

    @Test
    void keepingAGroupOverAnotherSiteWantsAYesAndThatSite() {
        Outcome asked = run("group", "keep", "default", "--over", "oslo");
        assertThat(asked.code()).isEqualTo(Tidemark.REFUSED);
        assertThat(asked.err()).contains("hosts would be refused at oslo").contains("--yes");
        Outcome alone = run("group", "keep", "default", "--over", "oslo", "--yes");
        assertThat(alone.code()).isEqualTo(Tidemark.REFUSED);
        assertThat(alone.err()).contains("this gateway is no site yet");
    }

    @Test
    void aDiskIsImportedGrownRenamedAndDeleted() throws Exception {
        Path image = Files.write(folder.resolve("image.raw"), new byte[64 << 10]);
        assertThat(run("volume", "import", "old", "--from", image.toString()).out())
                .contains("volume old, 64.0 KiB");
        assertThat(run("volume", "resize", "old", "--size", "128K").out()).contains("128 KiB");
        assertThat(run("volume", "rename", "old", "older").code()).isZero();
        assertThat(run("volume", "delete", "older").out()).contains("deleted");
        assertThat(run("volume", "delete", "older").code()).isEqualTo(Tidemark.REFUSED);
    }

    @Test
    void aProblemIsOneLineOrOneDocument() throws Exception {
        Outcome text = run("volume", "resize", "wep", "--size", "1G");
        assertThat(text.code()).isEqualTo(Tidemark.REFUSED);
        assertThat(text.err().lines()).singleElement().asString().contains("did you mean \"web\"?");
        Outcome json = run("volume", "resize", "wep", "--size", "1G", "--json");
        assertThat(Json.MAPPER.readTree(json.err()).path("status").asInt()).isEqualTo(404);
        assertThat(run("volume", "create", "x", "--size", "much").err())
                .contains("not a size: \"much\"");
        assertThat(run("test", "start", "--at", "2026-11-21").err()).contains("the zone is needed");
    }

    @Test
    void wrongUsageIsExitCodeTwo() {
        assertThat(bare().code()).isEqualTo(Tidemark.USAGE);
        assertThat(bare("frobnicate").code()).isEqualTo(Tidemark.USAGE);
        assertThat(bare("volume", "create").err()).contains("--size");
        assertThat(bare("statsu").err()).contains("status");
    }

    @Test
    void aGatewayThatDoesNotRunIsExitCodeThree() {
        Outcome outcome = bare("status", "--data", folder.resolve("nothing").toString());
        assertThat(outcome.code()).isEqualTo(Tidemark.UNREACHABLE);
        assertThat(outcome.err()).contains("tidemark serve");
    }

    @Test
    void aWrongConfigurationIsExitCodeTwoWithEveryProblem() throws Exception {
        Path file =
                Files.writeString(
                        folder.resolve("bad.toml"), "[nbd]\nlistn = []\n[io]\nthreads = 0\n");
        for (String command : List.of("serve", "config")) {
            Outcome outcome = bare(command, "--config", file.toString());
            assertThat(outcome.code()).as(command).isEqualTo(Tidemark.USAGE);
            assertThat(outcome.err())
                    .contains("2 problems")
                    .contains("nbd.listn")
                    .contains("io.threads");
        }
    }

    @Test
    void theDefaultConfigurationIsPrinted() {
        assertThat(bare("config", "--print-default").out())
                .contains("[history]")
                .contains("window = \"1d\"");
        assertThat(bare("--version").out()).startsWith("tidemark ");
    }

    @Test
    void aDirectoryInUseEndsServeWithExitCodeTwo() {
        Outcome outcome =
                bare(
                        "serve",
                        "--data",
                        gateway.dataDirectory().toString(),
                        "--set",
                        "log.level=error");
        assertThat(outcome.code()).isEqualTo(Tidemark.USAGE);
        assertThat(outcome.err().lines())
                .singleElement()
                .asString()
                .contains("another gateway uses");
    }
}
