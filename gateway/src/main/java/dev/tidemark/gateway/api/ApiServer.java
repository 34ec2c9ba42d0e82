package dev.tidemark.gateway.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemark.gateway.config.Endpoint;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Overview;
import dev.tidemark.gateway.service.Problems;
import dev.tidemark.gateway.service.Taps;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.HealthDocument;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpResponseException;
import io.javalin.util.JavalinBindException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves the API over HTTP. Thread-safe; started once, stopped once. */
public final class ApiServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ApiServer.class);
    static final String JSON_TYPE = "application/json";
    static final String LINES_TYPE = "application/x-ndjson";
    private static final String PROBLEM_TYPE = "application/problem+json";
    private static final String PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    /** A client that took nothing for this long has left, or is broken. */
    private static final Duration LONGEST_STALL = Duration.ofMinutes(10);

    private final byte[] token;
    private final Taps taps;
    private final int bodyLimitBytes;
    private final List<Route> routes;
    private final Javalin javalin;

    public ApiServer(Services services, String token, String version) {
        this.token = token.getBytes(StandardCharsets.UTF_8);
        this.bodyLimitBytes = Math.toIntExact(services.settings().get(Keys.API_REQUEST_BYTES));
        this.taps = services.taps();
        this.routes = routes(services, version);
        this.javalin = Javalin.create(this::configure);
    }

    private static List<Route> routes(Services services, String version) {
        List<Route> routes = new ArrayList<>(new Routes(services).all());
        Route metrics =
                Route.get(
                        "/metrics",
                        "Everything measured, in Prometheus' text format",
                        String.class,
                        call -> {
                            services.groups()
                                    .all()
                                    .forEach(group ->
                                            services.metrics()
                                                    .addGroup(group.name(), group.engine()));
                            services.groups()
                                    .unopened()
                                    .forEach(group -> services.metrics().addUnopened(group.name()));
                            services.metrics()
                                    .retainGroups(
                                            Overview.groups(services.groups()).stream()
                                                    .map(GroupDocument::name)
                                                    .toList());
                            return services.metrics().scrape();
                        });
        routes.add(
                services.settings().get(Keys.API_OPEN_METRICS) ? metrics.withoutToken() : metrics);
        routes.add(
                Route.get(
                                "/health/live",
                                "Whether the process answers",
                                HealthDocument.class,
                                call -> new HealthDocument(HealthDocument.UP, List.of()))
                        .withoutToken());
        routes.add(
                Route.get(
                                "/health/ready",
                                "Whether disks are served: up, degraded with reasons when some groups have failed, or down with status 503",
                                HealthDocument.class,
                                call -> services.readiness().get())
                        .withoutToken());
        // Describes itself too: the document is made when it is first asked for.
        List<Route> described = new ArrayList<>(routes);
        Route description =
                Route.get(
                                "/openapi.json",
                                "This description",
                                ObjectNode.class,
                                call -> OpenApi.describe(described, version))
                        .withoutToken();
        described.add(description);
        routes.add(description);
        return List.copyOf(routes);
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.concurrency.useVirtualThreads = true;
        config.http.maxRequestSize = bodyLimitBytes;
        config.http.prefer405over404 = true;
        config.http.generateEtags = false;
        config.jetty.modifyHttpConfiguration(http -> {
            http.setSendServerVersion(false);
            http.setRequestHeaderSize(16 << 10);
        });
        for (Route route : routes) {
            config.routes.addHttpHandler(
                    HandlerType.findOrCreate(route.method().name()),
                    route.path(),
                    context -> handle(route, context));
        }
        config.routes.exception(HttpResponseException.class, ApiServer::answerHttp);
        config.routes.exception(Exception.class, ApiServer::answerFailure);
    }

    private void handle(Route route, Context context) {
        if (!route.open()) {
            authorize(context.header("Authorization"));
        }
        Object answer = route.handler().handle(new Call(context, bodyLimitBytes));
        context.status(route.status());
        if (answer instanceof String text) {
            context.contentType(PROMETHEUS_TYPE).result(text);
        } else if (answer instanceof Lines lines) {
            stream(lines, context);
        } else if (answer != null) {
            if (answer instanceof HealthDocument health
                    && health.status().equals(HealthDocument.DOWN)) {
                context.status(503);
            }
            context.contentType(JSON_TYPE).result(Json.write(answer));
        }
    }

    /** The client may take its time, and gets what there is at once. */
    private static void stream(Lines lines, Context context) {
        context.contentType(LINES_TYPE);
        ServletContextRequest.getServletContextRequest(context.req())
                .getConnectionMetaData()
                .getConnection()
                .getEndPoint()
                .setIdleTimeout(LONGEST_STALL.toMillis());
        try {
            // Not Javalin's stream, which may compress and keep what it was given.
            lines.writeTo(context.res().getOutputStream());
        } catch (IOException gone) {
            log.info("{} ended by its client: {}", context.path(), gone.toString());
        }
    }

    private void authorize(@Nullable String header) {
        String scheme = "Bearer ";
        byte[] sent =
                header != null && header.regionMatches(true, 0, scheme, 0, scheme.length())
                        ? header.substring(scheme.length()).strip().getBytes(StandardCharsets.UTF_8)
                        : new byte[0];
        if (!MessageDigest.isEqual(sent, token)) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.UNAUTHORIZED,
                            header == null ? "the token is missing" : "the token is wrong",
                            null,
                            null,
                            "send \"Authorization: Bearer TOKEN\" with the content of the file \"token\" in the data directory"));
        }
    }

    private static void answerFailure(Exception failure, Context context) {
        ProblemException known = Engine.problem(failure);
        Problem problem = known.problem();
        if (problem.kind() == ProblemKind.INTERNAL) {
            log.error("{} {} failed", context.method(), context.path(), failure);
        }
        answer(context, problem);
    }

    private static void answerHttp(HttpResponseException failure, Context context) {
        Problem problem =
                switch (failure.getStatus()) {
                    case 404 ->
                            new Problem(
                                    ProblemKind.NOT_FOUND,
                                    "no such route",
                                    context.path(),
                                    null,
                                    "/openapi.json lists them");
                    case 405 ->
                            new Problem(
                                    ProblemKind.METHOD_NOT_ALLOWED,
                                    "the route has no method " + context.method(),
                                    context.path(),
                                    null,
                                    "/openapi.json lists them");
                    case 413 ->
                            new Problem(
                                    ProblemKind.TOO_LARGE,
                                    "the request's body is too large",
                                    null,
                                    null,
                                    "shorten it, or raise api.request_bytes");
                    default ->
                            Problem.of(
                                    failure.getStatus() < 500
                                            ? ProblemKind.INVALID
                                            : ProblemKind.INTERNAL,
                                    String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT));
                };
        answer(context, problem);
    }

    private static void answer(Context context, Problem problem) {
        if (problem.kind() == ProblemKind.UNAUTHORIZED) {
            context.header("WWW-Authenticate", "Bearer"); // RFC 6750 §3
        }
        context.status(problem.kind().status())
                .contentType(PROBLEM_TYPE)
                .result(Json.write(Problems.document(problem)));
    }

    /** Starts to listen; returns the port. */
    public int start(Endpoint endpoint) {
        try {
            javalin.start(endpoint.host(), endpoint.port());
            return javalin.port();
        } catch (JavalinBindException e) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "the API cannot listen: the address is in use or not this machine's",
                            endpoint.toString(),
                            null,
                            "stop the other program, or set api.listen to another address (port 0 takes a free one)"),
                    e);
        }
    }

    /** The table, for tests and the reference page. */
    List<Route> routes() {
        return routes;
    }

    @Override
    public void close() {
        taps.close();
        javalin.stop();
    }
}
