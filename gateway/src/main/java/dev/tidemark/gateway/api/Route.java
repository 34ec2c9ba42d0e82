package dev.tidemark.gateway.api;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One route of the API.
 *
 * @param path with parameters in braces
 * @param query names of query parameters, each with a sentence: {@code name: what it does}
 * @param request the body's document, null when there is none
 * @param response the answer's document, null for no content
 * @param shape how many of them
 * @param status of success
 * @param open served without a token
 */
record Route(
        Method method,
        String path,
        String summary,
        List<String> query,
        @Nullable Class<?> request,
        @Nullable Class<?> response,
        Shape shape,
        int status,
        boolean open,
        Handler handler) {

    /** The methods in use. */
    enum Method {
        GET,
        POST,
        PATCH,
        DELETE
    }

    /** How many documents are answered. */
    enum Shape {
        ONE,
        LIST,
        /** One a line, until somebody ends it: {@link Lines}. */
        LINES
    }

    /** Answers a call with a document, or null for no content. */
    @FunctionalInterface
    interface Handler {
        @Nullable Object handle(Call call);
    }

    static Route get(String path, String summary, Class<?> response, Handler handler) {
        return new Route(
                Method.GET,
                path,
                summary,
                List.of(),
                null,
                response,
                Shape.ONE,
                200,
                false,
                handler);
    }

    static Route list(String path, String summary, Class<?> response, Handler handler) {
        return new Route(
                Method.GET,
                path,
                summary,
                List.of(),
                null,
                response,
                Shape.LIST,
                200,
                false,
                handler);
    }

    static Route lines(String path, String summary, Class<?> response, Handler handler) {
        return new Route(
                Method.GET,
                path,
                summary,
                List.of(),
                null,
                response,
                Shape.LINES,
                200,
                false,
                handler);
    }

    static Route post(
            String path,
            String summary,
            Class<?> request,
            Class<?> response,
            int status,
            Handler handler) {
        return new Route(
                Method.POST,
                path,
                summary,
                List.of(),
                request,
                response,
                Shape.ONE,
                status,
                false,
                handler);
    }

    static Route patch(
            String path, String summary, Class<?> request, Class<?> response, Handler handler) {
        return new Route(
                Method.PATCH,
                path,
                summary,
                List.of(),
                request,
                response,
                Shape.ONE,
                200,
                false,
                handler);
    }

    static Route delete(String path, String summary, Handler handler) {
        return new Route(
                Method.DELETE,
                path,
                summary,
                List.of(),
                null,
                null,
                Shape.ONE,
                204,
                false,
                handler);
    }

    Route with(String... parameters) {
        return new Route(
                method,
                path,
                summary,
                List.of(parameters),
                request,
                response,
                shape,
                status,
                open,
                handler);
    }

    Route withoutToken() {
        return new Route(
                method, path, summary, query, request, response, shape, status, true, handler);
    }
}
