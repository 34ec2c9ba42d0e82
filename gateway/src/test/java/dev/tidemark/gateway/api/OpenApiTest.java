package dev.tidemark.gateway.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.TestGateways;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.StartTests;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The description against what the server does. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class OpenApiTest {
    private Gateway gateway;
    private ApiClient api;
    private JsonNode description;

    @BeforeAll
    void start(@TempDir Path scratch) throws Exception {
        gateway = TestGateways.start(scratch);
        api = TestGateways.client(gateway);
        api.post("/volumes", new CreateVolume("disk", 1L << 20, null));
        api.post("/groups/default/checkpoints", new AddCheckpoint("mark", "why"));
        api.post("/tests", new StartTests(null, List.of("mark"), "n", "me"));
        description = Json.MAPPER.readTree(api.text("/openapi.json"));
    }

    @AfterAll
    void stop() {
        gateway.close();
    }

    private record Operation(String method, String path, JsonNode node) {}

    private List<Operation> operations() {
        List<Operation> all = new ArrayList<>();
        description
                .path("paths")
                .properties()
                .forEach(path ->
                        path.getValue()
                                .properties()
                                .forEach(method ->
                                        all.add(
                                                new Operation(
                                                        method.getKey().toUpperCase(Locale.ROOT),
                                                        path.getKey(),
                                                        method.getValue()))));
        return all;
    }

    @Test
    void everyDescribedOperationIsRouted() throws Exception {
        HttpClient http = HttpClient.newHttpClient();
        assertThat(operations()).hasSizeGreaterThan(30);
        for (Operation operation : operations()) {
            String path =
                    operation
                            .path()
                            .replaceAll("\\{(task|test|drill)}", "999999")
                            .replaceAll("\\{\\w+}", "nope");
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(gateway.apiUri() + path))
                            .header("Authorization", "Bearer " + gateway.token())
                            .method(operation.method(), HttpRequest.BodyPublishers.noBody())
                            .build();
            HttpResponse<String> response =
                    http.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(response.body())
                    .as(operation.method() + " " + path)
                    .doesNotContain("no such route")
                    .doesNotContain("has no method");
            assertThat(response.statusCode()).as(operation.method() + " " + path).isLessThan(500);
        }
    }

    @Test
    void everyOperationHasASummaryAndAnIdOfItsOwn() {
        Set<String> ids = new HashSet<>();
        for (Operation operation : operations()) {
            assertThat(operation.node().path("summary").asText()).isNotBlank();
            assertThat(ids.add(operation.node().path("operationId").asText()))
                    .as(operation.path())
                    .isTrue();
        }
    }

    @Test
    void everyReferenceResolves() {
        for (JsonNode reference : description.findValues("$ref")) {
            String pointer = reference.asText().substring(1);
            assertThat(description.at(pointer).isMissingNode()).as(pointer).isFalse();
        }
    }

    @Test
    void answersHaveTheShapeThatIsDescribed() throws Exception {
        Map<String, String> parameters =
                Map.of("{group}", "default", "{volume}", "disk", "{test}", "1", "{drill}", "1");
        int checked = 0;
        for (Operation operation : operations()) {
            JsonNode schema =
                    operation.node().at("/responses/200/content/application~1json/schema");
            String path = operation.path();
            for (Map.Entry<String, String> parameter : parameters.entrySet()) {
                path = path.replace(parameter.getKey(), parameter.getValue());
            }
            boolean refused = path.endsWith("/reverse"); // Nobody took this group over.
            if (!operation.method().equals("GET")
                    || schema.isMissingNode()
                    || path.contains("{")
                    || refused) {
                continue;
            }
            checked++;
            check(path, schema, Json.MAPPER.readTree(api.text(path)));
        }
        assertThat(checked).isGreaterThan(15);
    }

    private void check(String where, JsonNode schema, JsonNode value) {
        if (schema.has("$ref")) {
            check(where, description.at(schema.path("$ref").asText().substring(1)), value);
        } else if (schema.has("anyOf")) {
            if (!value.isNull()) {
                check(where, schema.path("anyOf").get(0), value);
            }
        } else if (schema.path("type").asText().equals("array")) {
            assertThat(value.isArray()).as(where).isTrue();
            value.forEach(item -> check(where + "[]", schema.path("items"), item));
        } else if (schema.has("properties")) {
            JsonNode properties = schema.path("properties");
            schema.path("required")
                    .forEach(name ->
                            assertThat(value.hasNonNull(name.asText()))
                                    .as(where + "." + name.asText())
                                    .isTrue());
            value.properties()
                    .forEach(field -> {
                        assertThat(properties.has(field.getKey()))
                                .as(where + "." + field.getKey())
                                .isTrue();
                        check(
                                where + "." + field.getKey(),
                                properties.path(field.getKey()),
                                field.getValue());
                    });
        } else if (schema.has("type")) {
            checkType(where, schema.path("type"), value);
        }
    }

    private static void checkType(String where, JsonNode type, JsonNode value) {
        if (value.isNull()) {
            assertThat(type.toString()).as(where).contains("null");
            return;
        }
        String name = type.isArray() ? type.get(0).asText() : type.asText();
        boolean fits =
                switch (name) {
                    case "string" -> value.isTextual();
                    case "boolean" -> value.isBoolean();
                    case "integer" -> value.isIntegralNumber();
                    case "number" -> value.isNumber();
                    default -> true;
                };
        assertThat(fits).as(where + " is no " + name + ": " + value).isTrue();
    }
}
