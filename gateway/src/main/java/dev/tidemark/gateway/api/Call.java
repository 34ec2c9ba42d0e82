package dev.tidemark.gateway.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.problem.Similar;
import dev.tidemark.gateway.wire.Json;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One request as the routes see it: parameters checked, body bounded. */
final class Call {
    private final Context context;
    private final int bodyLimitBytes;

    Call(Context context, int bodyLimitBytes) {
        this.context = context;
        this.bodyLimitBytes = bodyLimitBytes;
    }

    String path(String name) {
        return context.pathParam(name);
    }

    long number(String name) {
        String text = path(name);
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw ProblemException.invalid(
                    "not a number of a " + name, text, "a whole number from 1 on", "");
        }
    }

    @Nullable String query(String name) {
        return context.queryParam(name);
    }

    int query(String name, int missing, int least, int most) {
        String text = query(name);
        if (text == null) {
            return missing;
        }
        try {
            int value = Integer.parseInt(text);
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Falls through to the refusal.
        }
        throw ProblemException.invalid(name + " is out of range", text, least + " to " + most, "");
    }

    boolean flag(String name) {
        String text = query(name);
        if (text == null || text.equals("false")) {
            return false;
        }
        if (text.equals("true")) {
            return true;
        }
        throw ProblemException.invalid(name + " is no truth value", text, "true or false", "");
    }

    /** Reads the body; an empty one counts as an empty document. */
    <T> T body(Class<T> type) {
        try {
            byte[] bytes = context.bodyInputStream().readNBytes(bodyLimitBytes + 1);
            if (bytes.length > bodyLimitBytes) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.TOO_LARGE,
                                "the request's body is too large",
                                null,
                                "at most " + bodyLimitBytes + " bytes",
                                "shorten it, or raise api.request_bytes"));
            }
            String text = new String(bytes, StandardCharsets.UTF_8);
            T document = Json.MAPPER.readValue(text.isBlank() ? "{}" : text, type);
            if (document == null) {
                throw new ProblemException(notJson("null"));
            }
            return document;
        } catch (UnrecognizedPropertyException e) {
            throw new ProblemException(unknownField(e), e);
        } catch (JsonMappingException e) {
            throw new ProblemException(wrongType(e), e);
        } catch (JsonProcessingException e) {
            throw new ProblemException(notJson(e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new ProblemException(
                    Problem.of(ProblemKind.INVALID, "the request's body ended early"), e);
        }
    }

    private static Problem notJson(@Nullable String detail) {
        return new Problem(
                ProblemKind.INVALID,
                "the request's body is no JSON document",
                detail,
                "a JSON object",
                "/openapi.json describes the request");
    }

    private static Problem wrongType(JsonMappingException e) {
        String field =
                e.getPath().stream()
                        .map(part -> String.valueOf(part.getFieldName()))
                        .collect(Collectors.joining("."));
        return new Problem(
                ProblemKind.INVALID,
                field.isEmpty()
                        ? "the request's body has another shape than expected"
                        : "the field " + field + " has another type than expected",
                e.getOriginalMessage().lines().findFirst().orElse(""),
                null,
                "/openapi.json describes the request");
    }

    private static Problem unknownField(UnrecognizedPropertyException e) {
        List<String> known =
                e.getKnownPropertyIds() == null
                        ? List.of()
                        : e.getKnownPropertyIds().stream().map(String::valueOf).toList();
        String hint = Similar.hint(e.getPropertyName(), known);
        return new Problem(
                ProblemKind.INVALID,
                "unknown field " + e.getPropertyName(),
                null,
                "known: " + String.join(", ", known),
                hint);
    }
}
