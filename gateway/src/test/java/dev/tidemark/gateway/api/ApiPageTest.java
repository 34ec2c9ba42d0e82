package dev.tidemark.gateway.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.docs.Page;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.TestGateways;
import dev.tidemark.gateway.wire.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ApiPageTest {
    @TempDir private Path folder;

    @Test
    void theReferenceShowsEveryRoute() throws Exception {
        JsonNode description;
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient api = TestGateways.client(gateway);
            description = Json.MAPPER.readTree(api.text("/openapi.json"));
        }
        StringBuilder page =
                new StringBuilder(
                        """
                        # REST API

                        Plain HTTP with JSON, on loopback unless configured otherwise. Every route but those marked *open* wants `Authorization: Bearer TOKEN`; the token is the content of
                        the file `token` in the data directory (mode 0600). The running gateway describes itself at `/openapi.json` (OpenAPI 3.1), schemas included.

                        Times are ISO 8601 in UTC with microseconds; sizes, durations and rates carry their unit in the field's name. Long work answers 202 with a task: ask
                        `GET /api/v1/tasks/{task}?wait=30s` until its `state` is `succeeded` or `failed`.

                        ```sh
                        curl -H "Authorization: Bearer $(cat /var/lib/tidemark/token)" http://127.0.0.1:7117/api/v1/status
                        ```

                        ## Routes

                        | Method | Path | What it does | Query |
                        |---|---|---|---|
                        """);
        description
                .path("paths")
                .properties()
                .forEach(path ->
                        path.getValue()
                                .properties()
                                .forEach(method ->
                                        row(
                                                page,
                                                method.getKey(),
                                                path.getKey(),
                                                method.getValue())));
        page.append(
                """

                ## Problems

                A refused request is answered with `application/problem+json` (RFC 9457): `type` names the kind, `detail` says what is wrong, `value` the offending value, `limit` what is
                accepted, `remedy` what to do.

                | Type | Status |
                |---|---|
                """);
        for (ProblemKind kind : ProblemKind.values()) {
            page.append("| `urn:tidemark:problem:")
                    .append(kind.slug())
                    .append("` | ")
                    .append(kind.status())
                    .append(" |\n");
        }
        Page.check("api.md", page.toString());
    }

    private static void row(StringBuilder page, String method, String path, JsonNode operation) {
        List<String> queries = new ArrayList<>();
        operation
                .path("parameters")
                .forEach(parameter -> {
                    if (parameter.path("in").asText().equals("query")) {
                        queries.add(
                                "`"
                                        + parameter.path("name").asText()
                                        + "`: "
                                        + parameter.path("description").asText());
                    }
                });
        page.append("| ")
                .append(method.toUpperCase(Locale.ROOT))
                .append(" | `")
                .append(path)
                .append("` | ");
        page.append(Page.cell(operation.path("summary").asText()));
        page.append(operation.has("security") ? " (*open*)" : "").append(" | ");
        page.append(Page.cell(String.join("; ", queries))).append(" |\n");
    }
}
