package dev.tidemark.harness;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The gateway's REST API, over plain HTTP. Thread-safe. */
final class GatewayApi {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final HttpClient http = HttpClient.newHttpClient();
    private final InetSocketAddress address;
    private final Path tokenFile;

    GatewayApi(InetSocketAddress address, Path tokenFile) {
        this.address = address;
        this.tokenFile = tokenFile;
    }

    InetSocketAddress address() {
        return address;
    }

    /** The API answered with a problem. */
    static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1;

        private final int status;

        RefusedException(String request, int status, String body) {
            super("%s: %d %s".formatted(request, status, body));
            this.status = status;
        }

        int status() {
            return status;
        }
    }

    // Health

    /** Whether the gateway says that it is ready; no answer means no. */
    boolean ready() throws InterruptedException {
        try {
            return exchange("GET", "/health/ready", null).statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    // Groups and volumes

    GroupDocument group(String name) throws Exception {
        return read(get("/api/v1/groups/" + name), GroupDocument.class);
    }

    void createGroup(Requests.CreateGroup request) throws Exception {
        post("/api/v1/groups", request);
    }

    VolumeDocument createVolume(String name, long sizeBytes, @Nullable String group)
            throws Exception {
        String made = post("/api/v1/volumes", new Requests.CreateVolume(name, sizeBytes, group));
        return read(made, VolumeDocument.class);
    }

    void growVolume(String name, long sizeBytes) throws Exception {
        String path = "/api/v1/volumes/" + name;
        String body = Json.write(new Requests.ChangeVolume(null, sizeBytes));
        expectSuccess("PATCH " + path, exchange("PATCH", path, body));
    }

    void renameVolume(String name, String next) throws Exception {
        String path = "/api/v1/volumes/" + name;
        String body = Json.write(new Requests.ChangeVolume(next, null));
        expectSuccess("PATCH " + path, exchange("PATCH", path, body));
    }

    /** Deletes a volume, once the gateway has noticed that all its clients have left. */
    void deleteVolume(String name) throws Exception {
        String path = "/api/v1/volumes/" + name;
        Await.until(
                "the clients of " + name + " to be gone",
                LIMIT,
                () -> read(get(path), VolumeDocument.class).openHandles() == 0);
        delete(path);
    }

    List<VolumeDocument> volumes() throws Exception {
        return Json.MAPPER.readValue(get("/api/v1/volumes"), new TypeReference<>() {});
    }

    /** Waits until all that was written lies in the gold images. */
    void awaitFolded(String group) throws Exception {
        Await.until(
                "group " + group + " to be folded", LIMIT, () -> group(group).unfoldedBytes() == 0);
    }

    // Time

    CheckpointDocument addCheckpoint(String group, String name) throws Exception {
        String made =
                post(
                        "/api/v1/groups/" + group + "/checkpoints",
                        new Requests.AddCheckpoint(name, "made by a test"));
        return read(made, CheckpointDocument.class);
    }

    /** The newest ten thousand of them. */
    List<CheckpointDocument> taggedCheckpoints(String group) throws Exception {
        String path = "/api/v1/groups/" + group + "/checkpoints?tagged=true&limit=10000";
        return Json.MAPPER.readValue(get(path), new TypeReference<>() {});
    }

    PointDocument resolve(String group, String at) throws Exception {
        String asked = URLEncoder.encode(at, StandardCharsets.UTF_8);
        return read(get("/api/v1/groups/" + group + "/point?at=" + asked), PointDocument.class);
    }

    // Tests

    DrillDocument startTests(String group, String... at) throws Exception {
        String made =
                post("/api/v1/tests", new Requests.StartTests(group, List.of(at), "", "harness"));
        return read(made, DrillDocument.class);
    }

    List<TestDocument> runningTests() throws Exception {
        return Json.MAPPER.readValue(get("/api/v1/tests?running=true"), new TypeReference<>() {});
    }

    /** Ends a test, once the gateway has noticed that all clients of its disks have left. */
    TestDocument stopTest(long id, String verdict) throws Exception {
        String path = "/api/v1/tests/" + id;
        Await.until(
                "the clients of test " + id + " to be gone",
                LIMIT,
                () -> read(get(path), TestDocument.class).openHandles() == 0);
        return read(
                post(path + "/stop", new Requests.StopTest(verdict, "", "harness", false)),
                TestDocument.class);
    }

    // Rollback

    /** Starts a rollback and returns when the disks show the point; the copying goes on. */
    void rollback(String group, String at) throws Exception {
        String made = post("/api/v1/groups/" + group + "/rollback", new Requests.Rollback(at));
        long id = read(made, TaskDocument.class).id();
        Await.until("rollback of " + group + " to be usable", LIMIT, () -> usable(id));
    }

    private boolean usable(long task) throws Exception {
        TaskDocument now = read(get("/api/v1/tasks/" + task), TaskDocument.class);
        if (now.problem() != null) {
            throw new AssertionError("task " + task + " failed: " + now.problem());
        }
        return now.ended() != null || now.detail().startsWith("usable");
    }

    void awaitNoPromotion(String group) throws Exception {
        Await.until(
                "the promotion of " + group + " to end",
                LIMIT,
                () -> group(group).promotion() == null);
    }

    // Metrics

    /** The sum of a metric's samples that have all these labels, each as {@code name="value"}. */
    double metric(String name, String... labels) throws Exception {
        return get("/metrics")
                .lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .filter(line -> List.of(labels).stream().allMatch(line::contains))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    // HTTP

    private static <T> T read(String body, Class<T> type) throws IOException {
        return Json.MAPPER.readValue(body, type);
    }

    String get(String path) throws Exception {
        return expectSuccess("GET " + path, exchange("GET", path, null));
    }

    String post(String path, Object document) throws Exception {
        return expectSuccess("POST " + path, exchange("POST", path, Json.write(document)));
    }

    void delete(String path) throws Exception {
        expectSuccess("DELETE " + path, exchange("DELETE", path, null));
    }

    JsonNode tree(String path) throws Exception {
        return Json.MAPPER.readTree(get(path));
    }

    private static String expectSuccess(String request, HttpResponse<String> response)
            throws RefusedException {
        if (response.statusCode() / 100 != 2) {
            throw new RefusedException(request, response.statusCode(), response.body());
        }
        return response.body();
    }

    private HttpResponse<String> exchange(String method, String path, @Nullable String body)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://" + GatewayProcess.text(address) + path))
                        .timeout(LIMIT)
                        .header("Content-Type", "application/json");
        if (Files.exists(tokenFile)) {
            request.header("Authorization", "Bearer " + Files.readString(tokenFile).strip());
        }
        request.method(
                method,
                body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(body));
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
