package dev.tidemark.gateway.api;

import static dev.tidemark.gateway.api.Route.delete;
import static dev.tidemark.gateway.api.Route.get;
import static dev.tidemark.gateway.api.Route.lines;
import static dev.tidemark.gateway.api.Route.list;
import static dev.tidemark.gateway.api.Route.patch;
import static dev.tidemark.gateway.api.Route.post;

import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Overview;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.service.Volumes.Found;
import dev.tidemark.gateway.text.Names;
import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Requests.ChangeGroup;
import dev.tidemark.gateway.wire.Requests.ChangeVolume;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.ImportVolume;
import dev.tidemark.gateway.wire.Requests.PromoteTest;
import dev.tidemark.gateway.wire.Requests.PurgeTests;
import dev.tidemark.gateway.wire.Requests.Rollback;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.AlertDocument;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.ExportDocument;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.HistoryDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.PurgeDocument;
import dev.tidemark.gateway.wire.Wire.SettingDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import dev.tidemark.gateway.wire.Wire.WriteLine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The table of routes: server, description and reference page are made from it. */
final class Routes {
    private static final String BASE = "/api/v1";
    private static final int MOST_LISTED = 10_000;
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(5);
    private static final String LIMIT = "limit: at most this many, the newest; 100 when not sent";

    private final Services services;

    Routes(Services services) {
        this.services = services;
    }

    List<Route> all() {
        List<Route> routes = new ArrayList<>();
        routes.addAll(gateway());
        routes.addAll(groups());
        routes.addAll(points());
        routes.addAll(volumes());
        routes.addAll(tests());
        routes.addAll(new SiteRoutes(services.sites()).all());
        routes.addAll(
                new SiteGroupRoutes(services.groups(), services.siteGroups(), services.sites())
                        .all());
        return routes;
    }

    // The gateway itself

    private List<Route> gateway() {
        return List.of(
                get(
                        BASE + "/status",
                        "The gateway at this moment",
                        StatusDocument.class,
                        call -> services.status().get()),
                list(
                        BASE + "/config",
                        "The effective configuration",
                        SettingDocument.class,
                        call -> settings(services.settings())),
                list(
                                BASE + "/alerts",
                                "What an administrator should know, newest first",
                                AlertDocument.class,
                                call -> services.alerts().newest(limit(call)))
                        .with(LIMIT),
                list(
                        BASE + "/exports",
                        "Names that hosts can open now; points in time are opened as volume@point",
                        ExportDocument.class,
                        call -> exports()),
                list(
                                BASE + "/tasks",
                                "Long work, newest first",
                                TaskDocument.class,
                                call -> services.tasks().list(limit(call)))
                        .with(LIMIT),
                get(
                                BASE + "/tasks/{task}",
                                "One piece of long work, waiting for its end if asked to",
                                TaskDocument.class,
                                call -> services.tasks().await(call.number("task"), wait(call)))
                        .with(
                                "wait: answer when it has ended or after this duration, such as 30s; at most 5m"));
    }

    static List<SettingDocument> settings(Settings settings) {
        return Keys.all().stream()
                .map(key ->
                        new SettingDocument(
                                key.name(),
                                settings.text(key),
                                key.defaultText(),
                                key.range(),
                                key.effect()))
                .toList();
    }

    private static int limit(Call call) {
        return call.query("limit", 100, 1, MOST_LISTED);
    }

    private static Duration wait(Call call) {
        String text = call.query("wait");
        if (text == null) {
            return Duration.ZERO;
        }
        Duration wait = TimeSpan.parse(text);
        if (wait.compareTo(LONGEST_WAIT) > 0) {
            throw ProblemException.invalid(
                    "nobody waits that long",
                    text,
                    "at most " + TimeSpan.exact(LONGEST_WAIT),
                    "ask again");
        }
        return wait;
    }

    private List<ExportDocument> exports() {
        List<ExportDocument> exports = new ArrayList<>();
        services.volumes()
                .all()
                .forEach(found ->
                        exports.add(
                                new ExportDocument(
                                        found.volume().name(),
                                        "live",
                                        found.volume().sizeBytes(),
                                        false,
                                        services.uris().of(found.volume().name()))));
        services.tests().list(MOST_LISTED, true).forEach(test -> exports.addAll(test.exports()));
        return exports;
    }

    // Groups

    private List<Route> groups() {
        return List.of(
                list(
                        BASE + "/groups",
                        "All protection groups",
                        GroupDocument.class,
                        call -> Overview.groups(services.groups())),
                post(
                        BASE + "/groups",
                        "Make a protection group",
                        CreateGroup.class,
                        GroupDocument.class,
                        201,
                        call ->
                                Overview.group(
                                        services.groups().create(call.body(CreateGroup.class)))),
                get(
                        BASE + "/groups/{group}",
                        "One protection group, by name or id",
                        GroupDocument.class,
                        call -> Overview.group(group(call))),
                patch(
                        BASE + "/groups/{group}",
                        "Rename a group or change how it keeps history",
                        ChangeGroup.class,
                        GroupDocument.class,
                        call ->
                                Overview.group(
                                        services.groups()
                                                .change(
                                                        group(call),
                                                        call.body(ChangeGroup.class)))),
                lines(
                                BASE + "/groups/{group}/writes",
                                "What is written to a group from now on, one JSON document a line for as long as somebody reads",
                                WriteLine.class,
                                call ->
                                        new TapLines(
                                                group(call), services.taps(), call.flag("payload")))
                        .with("payload: true also the bytes that are written, as base64"),
                delete(
                                BASE + "/groups/{group}",
                                "Delete an empty group and its history",
                                call -> {
                                    services.groups()
                                            .delete(call.path("group"), call.flag("force"));
                                    return null;
                                })
                        .with("force: true also a copy of another site's group with its volumes"));
    }

    private Group group(Call call) {
        return services.groups().get(call.path("group"));
    }

    // Points in time

    private List<Route> points() {
        return List.of(
                get(
                        BASE + "/groups/{group}/history",
                        "How far back the group reaches, what that costs, and the forecast",
                        HistoryDocument.class,
                        call -> Overview.history(group(call))),
                list(
                                BASE + "/groups/{group}/checkpoints",
                                "Checkpoints, oldest first",
                                CheckpointDocument.class,
                                call ->
                                        Overview.checkpoints(
                                                group(call), limit(call), call.flag("tagged")))
                        .with(LIMIT, "tagged: true leaves automatic checkpoints out"),
                post(
                        BASE + "/groups/{group}/checkpoints",
                        "Mark this moment with a name; durable when answered",
                        AddCheckpoint.class,
                        CheckpointDocument.class,
                        201,
                        call -> checkpoint(group(call), call.body(AddCheckpoint.class))),
                get(
                                BASE + "/groups/{group}/point",
                                "Which exact point a view would take",
                                PointDocument.class,
                                call -> point(call))
                        .with(
                                "at: a time, a checkpoint's name, seq:N, -90s or latest; latest when not sent"),
                post(
                        BASE + "/groups/{group}/rollback",
                        "Set the live disks back to a point: usable at once, copied by the task",
                        Rollback.class,
                        TaskDocument.class,
                        202,
                        call ->
                                services.promotions()
                                        .rollback(group(call), call.body(Rollback.class))
                                        .document()));
    }

    private static CheckpointDocument checkpoint(Group group, AddCheckpoint request) {
        String name = request.name();
        if (name == null) {
            throw ProblemException.invalid("the field name is missing", "", "it is required", "");
        }
        String description = request.description() == null ? "" : request.description();
        return Overview.checkpoint(
                Engine.await(
                        group.engine()
                                .addCheckpoint(
                                        Names.newCheckpoint(name), Names.note(description))));
    }

    private PointDocument point(Call call) {
        @Nullable String at = call.query("at");
        String asked = at == null ? "latest" : at;
        return Points.document(asked, services.points().resolve(group(call), asked));
    }

    // Volumes

    private List<Route> volumes() {
        return List.of(
                list(
                        BASE + "/volumes",
                        "All volumes",
                        VolumeDocument.class,
                        call ->
                                services.volumes().all().stream()
                                        .map(services.volumes()::document)
                                        .toList()),
                post(
                        BASE + "/volumes",
                        "Make a thin volume that reads as zeros",
                        CreateVolume.class,
                        VolumeDocument.class,
                        201,
                        call ->
                                services.volumes()
                                        .document(
                                                services.volumes()
                                                        .create(call.body(CreateVolume.class)))),
                post(
                        BASE + "/volumes/import",
                        "Make a volume from a raw image on the gateway's machine",
                        ImportVolume.class,
                        TaskDocument.class,
                        202,
                        call ->
                                services.volumes()
                                        .importImage(call.body(ImportVolume.class))
                                        .document()),
                get(
                        BASE + "/volumes/{volume}",
                        "One volume",
                        VolumeDocument.class,
                        call -> services.volumes().document(volume(call))),
                patch(
                        BASE + "/volumes/{volume}",
                        "Grow or rename a volume, in use or not",
                        ChangeVolume.class,
                        VolumeDocument.class,
                        call ->
                                services.volumes()
                                        .document(
                                                services.volumes()
                                                        .change(
                                                                volume(call),
                                                                call.body(ChangeVolume.class)))),
                delete(
                        BASE + "/volumes/{volume}",
                        "Delete a volume that is not in use, and its past",
                        call -> {
                            services.volumes().delete(volume(call));
                            return null;
                        }));
    }

    private Found volume(Call call) {
        return services.volumes().get(call.path("volume"));
    }

    // Recovery tests

    private List<Route> tests() {
        RecoveryTests tests = services.tests();
        return List.of(
                list(
                                BASE + "/tests",
                                "Recovery tests, newest first",
                                TestDocument.class,
                                call -> tests.list(limit(call), call.flag("running")))
                        .with(LIMIT, "running: true leaves ended tests out"),
                post(
                        BASE + "/tests",
                        "Start a drill: one test for each point",
                        StartTests.class,
                        DrillDocument.class,
                        201,
                        call -> tests.start(call.body(StartTests.class))),
                post(
                        BASE + "/tests/purge",
                        "Delete records of ended tests, oldest first",
                        PurgeTests.class,
                        PurgeDocument.class,
                        200,
                        call -> tests.purge(call.body(PurgeTests.class))),
                get(
                        BASE + "/tests/{test}",
                        "One recovery test",
                        TestDocument.class,
                        call -> tests.get(call.number("test"))),
                post(
                        BASE + "/tests/{test}/stop",
                        "End a test with a verdict and discard its writes",
                        StopTest.class,
                        TestDocument.class,
                        200,
                        call -> tests.stop(call.number("test"), call.body(StopTest.class))),
                post(
                        BASE + "/tests/{test}/promote",
                        "Make a test's disks, with its writes, the live ones",
                        PromoteTest.class,
                        TaskDocument.class,
                        202,
                        call ->
                                services.promotions()
                                        .promote(call.number("test"), call.body(PromoteTest.class))
                                        .document()),
                list(
                                BASE + "/drills",
                                "Drills, newest first",
                                DrillDocument.class,
                                call -> tests.drills(limit(call)))
                        .with(LIMIT),
                get(
                        BASE + "/drills/{drill}",
                        "One drill with its tests",
                        DrillDocument.class,
                        call -> tests.drill(call.number("drill"))));
    }
}
