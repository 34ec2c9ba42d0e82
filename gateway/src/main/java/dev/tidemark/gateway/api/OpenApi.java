package dev.tidemark.gateway.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemark.gateway.wire.Mandatory;
import dev.tidemark.gateway.wire.Wire.ProblemDocument;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Describes the routes as an OpenAPI 3.1 document; the schemas are read off the records. */
final class OpenApi {
    private static final Pattern PARAMETER = Pattern.compile("\\{(\\w+)}");

    private final ObjectNode root = JsonNodeFactory.instance.objectNode();
    private final ObjectNode schemas = JsonNodeFactory.instance.objectNode();

    private OpenApi() {}

    static ObjectNode describe(List<Route> routes, String version) {
        OpenApi description = new OpenApi();
        description.build(routes, version);
        return description.root;
    }

    private void build(List<Route> routes, String version) {
        root.put("openapi", "3.1.0");
        ObjectNode info = root.putObject("info");
        info.put("title", "Tidemark");
        info.put("version", version);
        info.put(
                "description",
                "Control of a Tidemark gateway. Times are ISO 8601 in UTC; points in time are a time with a zone, a checkpoint's name, seq:N, -90s or latest.");
        ObjectNode paths = root.putObject("paths");
        for (Route route : routes) {
            ObjectNode path =
                    paths.withObject("/" + route.path().replace("~", "~0").replace("/", "~1"));
            path.set(route.method().name().toLowerCase(Locale.ROOT), operation(route));
        }
        ObjectNode components = root.putObject("components");
        schema(ProblemDocument.class);
        components.set("schemas", schemas);
        ObjectNode token = components.putObject("securitySchemes").putObject("token");
        token.put("type", "http");
        token.put("scheme", "bearer");
        token.put("description", "The content of the file \"token\" in the data directory");
        root.putArray("security").addObject().putArray("token");
    }

    private ObjectNode operation(Route route) {
        ObjectNode operation = JsonNodeFactory.instance.objectNode();
        operation.put("summary", route.summary());
        operation.put("operationId", operationId(route));
        if (route.open()) {
            operation.putArray("security");
        }
        ArrayNode parameters = operation.putArray("parameters");
        Matcher inPath = PARAMETER.matcher(route.path());
        while (inPath.find()) {
            parameter(parameters, inPath.group(1), "path", true, "");
        }
        for (String query : route.query()) {
            int colon = query.indexOf(':');
            parameter(
                    parameters,
                    query.substring(0, colon),
                    "query",
                    false,
                    query.substring(colon + 1).strip());
        }
        Class<?> request = route.request();
        if (request != null) {
            ObjectNode body = operation.putObject("requestBody");
            body.put("required", true);
            body.putObject("content")
                    .putObject("application/json")
                    .set("schema", reference(request));
        }
        responses(operation.putObject("responses"), route);
        return operation;
    }

    static String operationId(Route route) {
        StringBuilder id = new StringBuilder(route.method().name().toLowerCase(Locale.ROOT));
        for (String part : route.path().replace("/api/v1", "").split("[/{}.]+", -1)) {
            if (!part.isEmpty()) {
                id.append(part.substring(0, 1).toUpperCase(Locale.ROOT)).append(part.substring(1));
            }
        }
        return id.toString();
    }

    private static void parameter(
            ArrayNode parameters, String name, String in, boolean required, String description) {
        ObjectNode parameter = parameters.addObject();
        parameter.put("name", name);
        parameter.put("in", in);
        parameter.put("required", required);
        if (!description.isEmpty()) {
            parameter.put("description", description);
        }
        parameter.putObject("schema").put("type", "string");
    }

    private void responses(ObjectNode responses, Route route) {
        ObjectNode success = responses.putObject(Integer.toString(route.status()));
        success.put("description", "Success");
        Class<?> response = route.response();
        if (response == String.class) {
            success.putObject("content")
                    .putObject("text/plain")
                    .putObject("schema")
                    .put("type", "string");
        } else if (response != null) {
            String type =
                    route.shape() == Route.Shape.LINES ? ApiServer.LINES_TYPE : ApiServer.JSON_TYPE;
            ObjectNode content = success.putObject("content").putObject(type);
            if (route.shape() == Route.Shape.LIST) {
                ObjectNode list = content.putObject("schema");
                list.put("type", "array");
                list.set("items", reference(response));
            } else {
                content.set("schema", reference(response));
            }
        }
        ObjectNode problem = responses.putObject("default");
        problem.put("description", "A problem (RFC 9457)");
        problem.putObject("content")
                .putObject("application/problem+json")
                .set("schema", reference(ProblemDocument.class));
    }

    private ObjectNode reference(Class<?> type) {
        if (!type.isRecord()) {
            return JsonNodeFactory.instance.objectNode().put("type", "object");
        }
        schema(type);
        return JsonNodeFactory.instance
                .objectNode()
                .put("$ref", "#/components/schemas/" + type.getSimpleName());
    }

    private void schema(Class<?> type) {
        if (schemas.has(type.getSimpleName())) {
            return;
        }
        ObjectNode schema = schemas.putObject(type.getSimpleName());
        schema.put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = JsonNodeFactory.instance.arrayNode();
        for (RecordComponent component : type.getRecordComponents()) {
            boolean nullable = component.getAnnotatedType().isAnnotationPresent(Nullable.class);
            properties.set(component.getName(), property(component.getGenericType(), nullable));
            if (!nullable || component.isAnnotationPresent(Mandatory.class)) {
                required.add(component.getName());
            }
        }
        if (!required.isEmpty()) {
            schema.set("required", required);
        }
    }

    private ObjectNode property(Type type, boolean nullable) {
        ObjectNode property = JsonNodeFactory.instance.objectNode();
        if (type instanceof ParameterizedType parameterized) {
            Type[] arguments = parameterized.getActualTypeArguments();
            if (parameterized.getRawType() == Map.class) {
                property.put("type", "object");
                property.set("additionalProperties", property(arguments[1], false));
            } else {
                property.put("type", "array");
                property.set("items", property(arguments[0], false));
            }
            return property;
        }
        Class<?> raw = (Class<?>) type;
        if (raw.isRecord()) {
            ObjectNode reference = reference(raw);
            if (!nullable) {
                return reference;
            }
            property.putArray("anyOf").add(reference).addObject().put("type", "null");
            return property;
        }
        if (raw == Object.class) {
            return property;
        }
        String name =
                raw == String.class
                        ? "string"
                        : raw == boolean.class || raw == Boolean.class
                                ? "boolean"
                                : raw == double.class || raw == Double.class ? "number" : "integer";
        if (nullable) {
            property.putArray("type").add(name).add("null");
        } else {
            property.put("type", name);
        }
        return property;
    }
}
