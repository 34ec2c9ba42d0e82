package dev.tidemark.gateway.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.TestGateways;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Requests.ChangeGroup;
import dev.tidemark.gateway.wire.Requests.ChangeVolume;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.ImportVolume;
import dev.tidemark.gateway.wire.Requests.PurgeTests;
import dev.tidemark.gateway.wire.Requests.Rollback;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.HistoryDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.PurgeDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The API of a real gateway on a scratch folder. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ApiTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private final AtomicInteger next = new AtomicInteger();

    private Path folder;
    private Gateway gateway;
    private ApiClient api;

    @BeforeAll
    void start(@TempDir Path scratch) throws Exception {
        folder = scratch;
        gateway = TestGateways.start(folder.resolve("data"));
        api = TestGateways.client(gateway);
    }

    @AfterAll
    void stop() {
        gateway.close();
    }

    /** A group with one disk of a MiB, both under a fresh name. */
    private String fresh() {
        String name = "fresh" + next.incrementAndGet();
        api.post("/groups", new CreateGroup(name, null, null, null, null));
        api.post("/volumes", new CreateVolume(name, 1L << 20, name));
        return name;
    }

    private HttpResponse<String> send(String method, String path, String body, String token)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(gateway.apiUri() + path))
                        .method(method, HttpRequest.BodyPublishers.ofString(body));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private JsonNode problem(HttpResponse<String> response, int status) throws IOException {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type").orElse(""))
                .startsWith("application/problem+json");
        JsonNode problem = Json.MAPPER.readTree(response.body());
        assertThat(problem.path("status").asInt()).isEqualTo(status);
        assertThat(problem.path("type").asText()).startsWith("urn:tidemark:problem:");
        assertThat(problem.path("title").asText()).isNotBlank();
        assertThat(problem.path("detail").asText()).isNotBlank();
        return problem;
    }

    // Bad requests

    @Test
    void withoutTheTokenNothingIsSaid() throws Exception {
        HttpResponse<String> none = send("GET", "/api/v1/status", "", "");
        problem(none, 401);
        assertThat(none.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        problem(send("GET", "/api/v1/status", "", "wrong"), 401);
        problem(send("GET", "/metrics", "", ""), 401);
        problem(send("POST", "/api/v1/volumes", "{}", gateway.token().substring(1)), 401);
    }

    @Test
    void healthAndDescriptionNeedNoToken() throws Exception {
        assertThat(send("GET", "/health/live", "", "").body()).contains("\"up\"");
        assertThat(send("GET", "/health/ready", "", "").statusCode()).isEqualTo(200);
        assertThat(send("GET", "/openapi.json", "", "").statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST|/api/v1/volumes|not json|400|no JSON document",
                "POST|/api/v1/volumes|[1]|400|shape",
                "POST|/api/v1/volumes|null|400|no JSON document",
                "POST|/api/v1/volumes|{\"name\":\"x\",\"sizeByte\":5}|400|unknown field sizeByte",
                "POST|/api/v1/volumes|{\"name\":\"x\",\"sizeBytes\":\"many\"}|400|field sizeBytes",
                "POST|/api/v1/volumes|{\"name\":\"x\"}|400|sizeBytes is missing",
                "POST|/api/v1/volumes|{}|400|name is missing",
                "POST|/api/v1/volumes|{\"name\":\"a b\",\"sizeBytes\":512}|400|not a volume name",
                "POST|/api/v1/volumes|{\"name\":\"x\",\"sizeBytes\":5}|400|not a volume size",
                "POST|/api/v1/volumes|{\"name\":\"x\",\"sizeBytes\":-512}|400|not a volume size",
                "POST|/api/v1/volumes|{\"name\":\"x\",\"sizeBytes\":512,\"group\":\"nope\"}|404|no such group",
                "POST|/api/v1/volumes/import|{\"name\":\"x\",\"path\":\"relative.raw\"}|400|not absolute",
                "POST|/api/v1/volumes/import|{\"name\":\"x\",\"path\":\"/nowhere/x.raw\"}|404|cannot be read",
                "GET|/api/v1/volumes/nope||404|no such volume",
                "DELETE|/api/v1/volumes/nope||404|no such volume",
                "POST|/api/v1/groups|{\"name\":\"g\",\"window\":\"soon\"}|400|not a duration",
                "POST|/api/v1/groups|{\"name\":\"g\",\"checkpointInterval\":\"1ms\"}|400|out of range",
                "GET|/api/v1/groups/nope/history||404|no such group",
                "GET|/api/v1/tests/abc||400|not a number",
                "GET|/api/v1/tests/999999||404|no such test",
                "GET|/api/v1/tests?limit=0||400|out of range",
                "GET|/api/v1/tests?running=maybe||400|no truth value",
                "POST|/api/v1/tests/purge|{}|400|nothing says",
                "GET|/api/v1/tasks/1?wait=forever||400|not a duration",
                "GET|/api/v1/tasks/1?wait=1d||400|nobody waits that long",
                "GET|/api/v1/tasks/999999||404|no such task",
                "GET|/api/v1/nope||404|no such route",
                "PUT|/api/v1/volumes|{}|405|no method",
            })
    void aBadRequestIsAnsweredWithAProblem(
            String method, String path, String body, int status, String detail) throws Exception {
        HttpResponse<String> response =
                send(method, path, body == null ? "" : body, gateway.token());
        assertThat(problem(response, status).path("detail").asText()).contains(detail);
    }

    @Test
    void aMisspeltNameIsAnsweredWithTheNearestOne() throws Exception {
        String name = fresh();
        JsonNode problem =
                problem(send("GET", "/api/v1/volumes/" + name + "x", "", gateway.token()), 404);
        assertThat(problem.path("remedy").asText()).contains("did you mean \"" + name + "\"");
        assertThat(problem.path("value").asText()).isEqualTo(name + "x");
    }

    @Test
    void aBodyBeyondTheLimitIsRefused() throws Exception {
        String body = "{\"name\":\"" + "x".repeat(20_000) + "\"}";
        problem(send("POST", "/api/v1/volumes", body, gateway.token()), 413);
        HttpRequest chunked =
                HttpRequest.newBuilder(URI.create(gateway.apiUri() + "/api/v1/volumes"))
                        .header("Authorization", "Bearer " + gateway.token())
                        .POST(
                                HttpRequest.BodyPublishers.ofInputStream(() ->
                                        new java.io.ByteArrayInputStream(
                                                body.getBytes(
                                                        java.nio.charset.StandardCharsets.UTF_8))))
                        .build();
        problem(HTTP.send(chunked, HttpResponse.BodyHandlers.ofString()), 413);
    }

    // Volumes and groups

    @Test
    void aVolumeWithoutAGroupGoesIntoTheDefaultOne() {
        VolumeDocument volume =
                api.post("/volumes", new CreateVolume("lonely", 4096L, null))
                        .as(VolumeDocument.class);
        assertThat(volume.group()).isEqualTo("default");
        assertThat(volume.uris())
                .anySatisfy(uri -> assertThat(uri).matches("nbd://127.0.0.1:\\d+/lonely"));
    }

    @Test
    void aVolumeLivesThroughGrowthRenamingAndDeletion() {
        String name = fresh();
        VolumeDocument grown =
                api.patch("/volumes/" + name, new ChangeVolume(null, 2L << 20))
                        .as(VolumeDocument.class);
        assertThat(grown.sizeBytes()).isEqualTo(2 << 20);
        assertThatThrownBy(() -> api.patch("/volumes/" + name, new ChangeVolume(null, 1L << 20)))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("cannot shrink");
        String renamed = name + "-renamed";
        assertThat(
                        api.patch("/volumes/" + name, new ChangeVolume(renamed, null))
                                .as(VolumeDocument.class)
                                .name())
                .isEqualTo(renamed);
        assertThatThrownBy(() -> api.get("/volumes/" + name))
                .hasMessageContaining("no such volume");
        assertThatThrownBy(() -> api.delete("/groups/" + name))
                .hasMessageContaining("is not empty");
        api.delete("/volumes/" + renamed);
        api.delete("/groups/" + name);
        assertThatThrownBy(() -> api.get("/groups/" + name)).hasMessageContaining("no such group");
    }

    @Test
    void aNameIsGivenOnceInAllGroups() {
        String name = fresh();
        assertThatThrownBy(() -> api.post("/volumes", new CreateVolume(name, 512L, "default")))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("exists");
        assertThatThrownBy(() -> api.post("/groups", new CreateGroup(name, null, null, null, null)))
                .hasMessageContaining("exists");
    }

    @Test
    void aGroupsHistorySettingsAreKept() {
        String name = fresh();
        GroupDocument changed =
                api.patch("/groups/" + name, new ChangeGroup(null, "7d", "1GiB", "1h", "5s"))
                        .as(GroupDocument.class);
        assertThat(changed.history().window()).isEqualTo("7d");
        assertThat(changed.history().bytes()).isEqualTo("1GiB");
        assertThat(changed.history().fineWindow()).isEqualTo("1h");
        assertThat(changed.history().checkpointInterval()).isEqualTo("5s");
        assertThatThrownBy(() ->
                        api.patch("/groups/" + name, new ChangeGroup(null, "1m", null, "2m", null)))
                .hasMessageContaining("fine window is longer");
    }

    @Test
    void anImportIsATaskThatCanBeWaitedFor() throws Exception {
        byte[] content = new byte[256 << 10];
        java.util.Arrays.fill(content, (byte) 7);
        Path image = Files.write(folder.resolve("import.raw"), content);
        TaskDocument task =
                api.post("/volumes/import", new ImportVolume("imported", image.toString(), null))
                        .as(TaskDocument.class);
        TaskDocument ended = api.get("/tasks/" + task.id() + "?wait=30s").as(TaskDocument.class);
        assertThat(ended.state()).isEqualTo("succeeded");
        assertThat(ended.progress()).isEqualTo(1);
        assertThat(api.get("/volumes/imported").as(VolumeDocument.class).sizeBytes())
                .isEqualTo(content.length);
        assertThat(Files.readAllBytes(image)).isEqualTo(content);
        Path odd = Files.write(folder.resolve("odd.raw"), new byte[1000]);
        assertThatThrownBy(() ->
                        api.post("/volumes/import", new ImportVolume("odd", odd.toString(), null)))
                .hasMessageContaining("whole number of sectors");
    }

    // Points and tests

    @Test
    void aCheckpointIsFoundByItsName() {
        String group = fresh();
        CheckpointDocument checkpoint =
                api.post("/groups/" + group + "/checkpoints", new AddCheckpoint("before", "why"))
                        .as(CheckpointDocument.class);
        PointDocument point =
                api.get("/groups/" + group + "/point?at=before").as(PointDocument.class);
        assertThat(point.sequence()).isEqualTo(checkpoint.sequence());
        assertThat(point.checkpoint()).isEqualTo("before");
        assertThat(point.name()).isEqualTo("seq:" + checkpoint.sequence());
        assertThat(
                        api.get("/groups/" + group + "/checkpoints?tagged=true")
                                .asList(CheckpointDocument.class))
                .containsExactly(checkpoint);
        assertThat(
                        api.get("/groups/" + group + "/history")
                                .as(HistoryDocument.class)
                                .taggedCheckpoints())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "seq:999999999, 410",
        "2020-01-01T00:00:00Z, 410",
        "2999-01-01T00:00:00Z, 410",
        "never-marked, 404",
        "-5x, 400",
        "2026-11-21, 400"
    })
    void aWrongPointIsRefused(String at, int status) throws Exception {
        String group = fresh();
        api.post("/groups/" + group + "/checkpoints", new AddCheckpoint("mark", ""));
        String path = "/api/v1/groups/" + group + "/point?at=" + ApiClient.encode(at);
        problem(send("GET", path, "", gateway.token()), status);
    }

    @Test
    void aDrillStartsAllItsTestsOrNone() {
        String group = fresh();
        api.post("/groups/" + group + "/checkpoints", new AddCheckpoint("mark", ""));
        assertThatThrownBy(() ->
                        api.post(
                                "/tests",
                                new StartTests(group, List.of("mark", "unknown"), null, null)))
                .isInstanceOf(ProblemException.class);
        assertThat(api.get("/groups/" + group).as(GroupDocument.class).runningTests()).isZero();
        DrillDocument drill =
                api.post("/tests", new StartTests(group, List.of("mark", "latest"), "two", "me"))
                        .as(DrillDocument.class);
        assertThat(drill.running()).isEqualTo(2);
        assertThat(api.get("/groups/" + group).as(GroupDocument.class).runningTests()).isEqualTo(2);
    }

    @Test
    void aTestEndsOnlyWithAVerdictAndTheRecordStays() {
        String group = fresh();
        DrillDocument drill =
                api.post("/tests", new StartTests(group, List.of("latest"), "n", "me"))
                        .as(DrillDocument.class);
        long id = drill.tests().getFirst().id();
        assertThatThrownBy(() ->
                        api.post("/tests/" + id + "/stop", new StopTest(null, null, null, null)))
                .hasMessageContaining("verdict is missing");
        assertThatThrownBy(() ->
                        api.post("/tests/" + id + "/stop", new StopTest("ok", null, null, null)))
                .hasMessageContaining("passed, failed or inconclusive");
        assertThat(api.get("/tests/" + id).as(TestDocument.class).verdict()).isNull();
        TestDocument ended =
                api.post("/tests/" + id + "/stop", new StopTest("failed", "lost rows", "you", null))
                        .as(TestDocument.class);
        assertThat(ended.verdict()).isEqualTo("failed");
        assertThat(ended.note()).isEqualTo("lost rows");
        assertThat(ended.stoppedBy()).isEqualTo("you");
        assertThat(ended.stopped()).isNotNull();
        assertThatThrownBy(() ->
                        api.post(
                                "/tests/" + id + "/stop", new StopTest("passed", null, null, null)))
                .hasMessageContaining("has ended");
        assertThat(api.get("/drills/" + drill.id()).as(DrillDocument.class).failed()).isEqualTo(1);
        assertThat(
                        api.post("/tests/purge", new PurgeTests(1000, null, null, null))
                                .as(PurgeDocument.class)
                                .purged())
                .isZero();
    }

    @Test
    void aRollbackIsATask() {
        String group = fresh();
        api.post("/groups/" + group + "/checkpoints", new AddCheckpoint("mark", ""));
        TaskDocument task =
                api.post("/groups/" + group + "/rollback", new Rollback("mark"))
                        .as(TaskDocument.class);
        assertThat(task.kind()).isEqualTo("rollback");
        api.await(task.id(), progress -> {});
        assertThat(api.get("/groups/" + group).as(GroupDocument.class).epoch()).isEqualTo(2);
        assertThatThrownBy(() -> api.post("/groups/" + group + "/rollback", new Rollback("nope")))
                .isInstanceOf(ProblemException.class);
    }

    @Test
    void statusShowsGroupsPoolAndAddresses() {
        String group = fresh();
        StatusDocument status = api.get("/status").as(StatusDocument.class);
        assertThat(status.ready()).isTrue();
        assertThat(status.groups()).extracting(GroupDocument::name).contains(group);
        assertThat(status.poolBudgetBytes()).isEqualTo(256 << 20);
        assertThat(status.nbd()).hasSize(2);
        assertThat(status.api()).isEqualTo(gateway.apiUri());
    }

    @Test
    void metricsAreInPrometheusFormat() {
        String group = fresh();
        assertThat(api.text("/metrics"))
                .contains("tidemark_group_head_sequence{group=\"" + group + "\"}")
                .contains("tidemark_pool_budget_bytes 2.68435456E8")
                .contains("# TYPE tidemark_journal_bytes_total counter");
    }
}
