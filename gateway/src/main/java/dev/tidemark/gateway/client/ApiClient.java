package dev.tidemark.gateway.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.ProblemDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Speaks the REST API of one gateway. Calls block; problems come as {@link ProblemException}.
 * Thread-safe.
 */
public final class ApiClient {
    /** Reads what newer gateways send too. */
    private static final ObjectMapper LENIENT =
            Json.MAPPER.copy().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    private static final Duration PATIENCE = Duration.ofMinutes(6);

    private final String base;
    private final String token;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(10))
                    .build();

    public ApiClient(String url, String token) {
        this.base = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
        this.token = token;
    }

    /** The gateway does not answer at all. */
    public static final class UnreachableException extends RuntimeException {
        private static final long serialVersionUID = 1;

        UnreachableException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    public static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** An answer's text and what it says. */
    public record Answer(String json) {
        public <T> T as(Class<T> type) {
            try {
                return LENIENT.readValue(json, type);
            } catch (JsonProcessingException e) {
                throw new ProblemException(
                        Problem.of(
                                ProblemKind.INTERNAL,
                                "the gateway answered with something else than expected: "
                                        + e.getOriginalMessage()),
                        e);
            }
        }

        public <T> List<T> asList(Class<T> type) {
            try {
                return LENIENT.readerForListOf(type).readValue(json);
            } catch (JsonProcessingException e) {
                throw new ProblemException(
                        Problem.of(
                                ProblemKind.INTERNAL,
                                "the gateway answered with something else than expected: "
                                        + e.getOriginalMessage()),
                        e);
            }
        }
    }

    public Answer get(String path) {
        return send("GET", "/api/v1" + path, null);
    }

    public Answer post(String path, Object body) {
        return send("POST", "/api/v1" + path, body);
    }

    public Answer patch(String path, Object body) {
        return send("PATCH", "/api/v1" + path, body);
    }

    public Answer delete(String path) {
        return send("DELETE", "/api/v1" + path, null);
    }

    /** Text of a path outside the versioned part. */
    public String text(String path) {
        return send("GET", path, null).json();
    }

    /** Waits until a task has ended; a failed one is a problem. */
    public Answer await(long task, Consumer<TaskDocument> watcher) {
        while (true) {
            Answer answer = get("/tasks/" + task + "?wait=1s");
            TaskDocument document = answer.as(TaskDocument.class);
            watcher.accept(document);
            if (document.state().equals("running")) {
                continue;
            }
            ProblemDocument problem = document.problem();
            if (problem != null) {
                throw problem(problem);
            }
            return answer;
        }
    }

    /** Hands on the lines of an answer that goes on, empty ones left out, until it ends. */
    public void lines(String path, Consumer<String> reader) {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(base + "/api/v1" + path))
                        .header("Authorization", "Bearer " + token)
                        .GET()
                        .build();
        HttpResponse<InputStream> response =
                exchange(request, HttpResponse.BodyHandlers.ofInputStream());
        try (BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            if (response.statusCode() >= 400) {
                throw refused(
                        response.statusCode(), lines.lines().collect(Collectors.joining("\n")));
            }
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (!line.isEmpty()) {
                    reader.accept(line);
                }
            }
        } catch (IOException e) {
            throw brokeOff(e);
        }
    }

    private Answer send(String method, String path, @Nullable Object body) {
        HttpRequest.BodyPublisher publisher =
                body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(Json.write(body));
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(base + path))
                        .timeout(PATIENCE)
                        .header("Authorization", "Bearer " + token)
                        .header("Content-Type", "application/json")
                        .method(method, publisher)
                        .build();
        HttpResponse<String> response =
                exchange(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        if (response.statusCode() >= 400) {
            throw refused(response.statusCode(), response.body());
        }
        return new Answer(response.body());
    }

    private <T> HttpResponse<T> exchange(HttpRequest request, HttpResponse.BodyHandler<T> handler) {
        try {
            return http.send(request, handler);
        } catch (ConnectException e) {
            throw new UnreachableException(
                    "no gateway answers at " + base + "; start one with: tidemark serve", e);
        } catch (IOException e) {
            throw brokeOff(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnreachableException("interrupted", e);
        }
    }

    private UnreachableException brokeOff(IOException e) {
        return new UnreachableException(
                "the gateway at " + base + " broke off: " + e.getMessage(), e);
    }

    private static ProblemException refused(int status, String body) {
        try {
            return problem(LENIENT.readValue(body, ProblemDocument.class));
        } catch (JsonProcessingException e) {
            return new ProblemException(
                    Problem.of(
                            ProblemKind.INTERNAL,
                            "HTTP status " + status + " without a problem document"),
                    e);
        }
    }

    private static ProblemException problem(ProblemDocument document) {
        String type = document.type();
        String remedy = document.remedy();
        return new ProblemException(
                new Problem(
                        ProblemKind.ofSlug(type.substring(type.lastIndexOf(':') + 1)),
                        document.detail(),
                        document.value(),
                        document.limit(),
                        remedy == null ? "" : remedy));
    }
}
