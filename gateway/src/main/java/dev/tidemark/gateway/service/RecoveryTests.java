package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.catalogue.Catalogue.Purge;
import dev.tidemark.gateway.catalogue.DrillRow;
import dev.tidemark.gateway.catalogue.TestRow;
import dev.tidemark.gateway.catalogue.Verdict;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.text.Names;
import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Requests.PurgeTests;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.ExportDocument;
import dev.tidemark.gateway.wire.Wire.PurgeDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.Image;
import dev.tidemark.replica.PointVolume;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recovery tests: images in the engine, records in the catalogue. The engine owns what runs, the
 * catalogue owns verdicts; {@link #reconcile} brings the two together after a crash. Thread-safe.
 */
public final class RecoveryTests {
    private static final Logger log = LoggerFactory.getLogger(RecoveryTests.class);
    private static final int MOST_POINTS = 64;

    private final Groups groups;
    private final Points points;
    private final Catalogue catalogue;
    private final Settings settings;
    private final Uris uris;
    private final Clock clock;
    private volatile DiskListener listener = DiskListener.NONE;

    public RecoveryTests(
            Groups groups,
            Points points,
            Catalogue catalogue,
            Settings settings,
            Uris uris,
            Clock clock) {
        this.groups = groups;
        this.points = points;
        this.catalogue = catalogue;
        this.settings = settings;
        this.uris = uris;
        this.clock = clock;
    }

    /** Who is told from now on. */
    public void listen(DiskListener to) {
        listener = to;
    }

    /** A running test with its image. */
    public record Running(TestRow row, Group group, Image image) {}

    // Start-up

    /**
     * Adopts images without a record, ends records without an image, finishes stops that a crash
     * interrupted.
     */
    public void reconcile() {
        List<TestRow> records = catalogue.runningTests();
        Set<UUID> recorded = records.stream().map(TestRow::image).collect(Collectors.toSet());
        Set<UUID> ended =
                catalogue.tests(Integer.MAX_VALUE).stream()
                        .filter(test -> !test.running())
                        .map(TestRow::image)
                        .collect(Collectors.toSet());
        for (Group group : groups.all()) {
            for (Image image : group.engine().images()) {
                if (PrivateImages.isPrivate(image.id())) {
                    log.info(
                            "image={} group={} is discarded: a client's private copy",
                            image.id(),
                            group.name());
                    Engine.await(group.engine().stopImage(image.id(), true));
                } else if (ended.contains(image.id())) {
                    log.info(
                            "image={} group={} is discarded: its test has ended",
                            image.id(),
                            group.name());
                    Engine.await(group.engine().stopImage(image.id(), true));
                } else if (!recorded.contains(image.id())) {
                    adopt(group, image);
                }
            }
        }
        for (TestRow record : records) {
            if (image(record).isEmpty() && groups.unopened(record.group()).isEmpty()) {
                log.warn("test={} has no image any more: inconclusive", record.id());
                catalogue.stopTest(
                        record.id(),
                        Verdict.INCONCLUSIVE,
                        appended(record.note(), "its image was gone when the gateway started"),
                        "gateway",
                        now(),
                        record.bytesWritten());
            }
        }
    }

    private void adopt(Group group, Image image) {
        long drill =
                catalogue.addDrill(
                        group.row().id(),
                        group.name(),
                        "adopted",
                        image.startedMicros(),
                        "gateway");
        TestRow test =
                record(
                        group,
                        image,
                        drill,
                        Points.canonical(image.point().sequence()),
                        0,
                        "adopted: it ran when the gateway started and had no record",
                        "gateway");
        log.warn("test={} group={} adopted, image {}", test.id(), group.name(), image.id());
    }

    private static String appended(String note, String more) {
        return note.isEmpty() ? more : note + "; " + more;
    }

    // Start

    /** Starts one test for each point, all or none. */
    public DrillDocument start(StartTests request) {
        List<String> asked = Required.field("at", request.at());
        if (asked.isEmpty() || asked.size() > MOST_POINTS) {
            throw ProblemException.invalid(
                    "no drill has that many points",
                    Integer.toString(asked.size()),
                    "1 to " + MOST_POINTS,
                    "name the points with --at");
        }
        String note = Names.note(Required.orEmpty(request.note()));
        String by = Names.note(request.by() == null ? "api" : request.by());
        Group group = groups.choose(request.group());
        List<Point> exact = asked.stream().map(text -> points.resolve(group, text)).toList();
        List<Opening> openings = open(group, exact);
        long drill = catalogue.addDrill(group.row().id(), group.name(), note, now(), by);
        for (int i = 0; i < openings.size(); i++) {
            Opening opening = openings.get(i);
            TestRow row =
                    record(
                            group,
                            opening.image.join(),
                            drill,
                            asked.get(i),
                            opening.openMicros,
                            note,
                            by);
            log.info(
                    "test={} drill={} group={} started at {} by {}",
                    row.id(),
                    drill,
                    group.name(),
                    Points.canonical(row.sequence()),
                    by);
        }
        return drill(drill);
    }

    /** An image on its way. */
    private static final class Opening {
        final UUID id = UUID.randomUUID();
        final CompletableFuture<Image> image;
        volatile long openMicros;

        Opening(Group group, Point point) {
            long startedNanos = System.nanoTime();
            image =
                    group.engine()
                            .startImage(id, new PointSpec.AtSequence(point.sequence()))
                            .whenComplete((done, failure) ->
                                    openMicros = (System.nanoTime() - startedNanos) / 1000);
        }
    }

    private static List<Opening> open(Group group, List<Point> exact) {
        List<Opening> openings = exact.stream().map(point -> new Opening(group, point)).toList();
        ProblemException failure = null;
        for (Opening opening : openings) {
            try {
                Engine.await(opening.image);
            } catch (ProblemException e) {
                failure = e;
            }
        }
        if (failure == null) {
            return openings;
        }
        for (Opening opening : openings) {
            if (!opening.image.isCompletedExceptionally()) {
                Engine.await(group.engine().stopImage(opening.id, true));
            }
        }
        throw failure;
    }

    private TestRow record(
            Group group,
            Image image,
            long drill,
            String asked,
            long openMicros,
            String note,
            String by) {
        Checkpoint checkpoint = image.point().checkpoint();
        return catalogue.addTest(
                new TestRow(
                        0,
                        image.id(),
                        group.row().id(),
                        group.name(),
                        drill,
                        asked,
                        image.point().sequence(),
                        image.point().timeMicros(),
                        checkpoint == null ? "" : checkpoint.name(),
                        openMicros,
                        image.startedMicros(),
                        by,
                        null,
                        null,
                        note,
                        "",
                        0));
    }

    // Stop

    /**
     * Ends a test: the verdict is recorded first, so that a crash in between cannot lose it; then
     * its writes go.
     */
    public TestDocument stop(long id, StopTest request) {
        Verdict verdict = verdict(Required.text("verdict", request.verdict()));
        Running test = running(id);
        boolean force = Boolean.TRUE.equals(request.force());
        if (test.image().openHandles() > 0 && !force) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "the disks of test " + id + " are open",
                            Integer.toString(test.image().openHandles()),
                            "connections",
                            "close them, or use --force: hosts then see errors"));
        }
        List<PointVolume> disks = test.image().volumes();
        end(test, verdict, request.note(), request.by(), test.image().bytesWritten());
        try {
            Engine.await(test.group().engine().stopImage(test.image().id(), force));
        } catch (ProblemException e) {
            catalogue.reopenTest(id);
            throw e;
        }
        gone(test, disks);
        return get(id);
    }

    /** Records how a test ended. */
    void end(
            Running test,
            Verdict verdict,
            @Nullable String note,
            @Nullable String by,
            long writtenBytes) {
        String text = note == null ? test.row().note() : Names.note(note);
        String who = Names.note(by == null ? "api" : by);
        long id = test.row().id();
        catalogue.stopTest(id, verdict, text, who, now(), writtenBytes);
        log.info("test={} {} by {}", id, verdict.text(), who);
        catalogue.purgeTests(Purge.beyond(settings.get(Keys.TEST_RECORDS)));
    }

    /** Tells that the disks of a test are no longer there. */
    void gone(Running test, List<PointVolume> disks) {
        listener.testEnded(test, disks);
    }

    static Verdict verdict(String text) {
        try {
            return Verdict.of(text);
        } catch (IllegalArgumentException e) {
            throw ProblemException.invalid(
                    "not a verdict",
                    text,
                    "passed, failed or inconclusive",
                    "say how the test ended");
        }
    }

    /** Deletes records of ended tests, oldest first. */
    public PurgeDocument purge(PurgeTests request) {
        if (request.keep() == null && request.olderThan() == null && request.oldest() == null) {
            throw ProblemException.invalid(
                    "nothing says which records go",
                    "",
                    "keep, olderThan, oldest or several of them",
                    "use --keep N, --older-than 90d or --oldest N");
        }
        int keep = records(request.keep(), 0);
        int most = records(request.oldest(), Integer.MAX_VALUE);
        UUID group = request.group() == null ? null : groups.get(request.group()).row().id();
        long before =
                request.olderThan() == null
                        ? Long.MAX_VALUE
                        : now() - TimeSpan.parse(request.olderThan()).toNanos() / 1000;
        int purged = catalogue.purgeTests(new Purge(group, keep, before, most));
        log.info("{} records of ended tests purged", purged);
        return new PurgeDocument(purged);
    }

    private static int records(@Nullable Integer asked, int otherwise) {
        if (asked == null) {
            return otherwise;
        }
        if (asked < 0) {
            throw ProblemException.invalid(
                    "not a number of records", Integer.toString(asked), "0 or more", "");
        }
        return asked;
    }

    // Look-ups

    /** A test that still runs; anything else is a problem. */
    public Running running(long id) {
        TestRow row = row(id);
        Optional<UnopenedGroup> failed = groups.unopened(row.group());
        if (row.running() && failed.isPresent()) {
            throw failed.get().refusal();
        }
        Optional<Group> group = groups.get(row.group());
        Optional<Image> image = image(row);
        if (!row.running() || group.isEmpty() || image.isEmpty()) {
            Verdict verdict = row.verdict();
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "test " + id + " has ended",
                            verdict == null ? "no image" : verdict.text(),
                            "only a running test can be stopped, opened or promoted",
                            "start a new one at " + Points.canonical(row.sequence())));
        }
        return new Running(row, group.get(), image.get());
    }

    private TestRow row(long id) {
        return catalogue
                .test(id)
                .orElseThrow(() ->
                        ProblemException.notFound(
                                "no such test",
                                Long.toString(id),
                                "list them with: tidemark test list"));
    }

    private Optional<Image> image(TestRow row) {
        return groups.get(row.group()).stream()
                .flatMap(group -> group.engine().images().stream())
                .filter(image -> image.id().equals(row.image()))
                .findFirst();
    }

    /** The disks of a running test that hosts can open now. */
    public List<PointVolume> servedVolumes(TestRow test) {
        return image(test)
                .filter(image -> image.failure().isEmpty())
                .map(Image::volumes)
                .orElse(List.of());
    }

    /** Why the disks of a running test cannot be opened; empty when they can. */
    private String failure(TestRow test, Optional<Image> image) {
        return image.map(Image::failure)
                .or(() -> groups.unopened(test.group()).map(UnopenedGroup::reason))
                .orElse("");
    }

    public TestDocument get(long id) {
        return document(row(id));
    }

    public List<TestDocument> list(int limit, boolean runningOnly) {
        List<TestRow> rows = runningOnly ? catalogue.runningTests() : catalogue.tests(limit);
        return rows.stream().limit(limit).map(this::document).toList();
    }

    public List<TestRow> runningRows() {
        return catalogue.runningTests();
    }

    public DrillDocument drill(long id) {
        return catalogue
                .drill(id)
                .map(this::document)
                .orElseThrow(() ->
                        ProblemException.notFound(
                                "no such drill",
                                Long.toString(id),
                                "list them with: tidemark test list --drills"));
    }

    public List<DrillDocument> drills(int limit) {
        return catalogue.drills(limit).stream().map(this::document).toList();
    }

    private DrillDocument document(DrillRow drill) {
        List<TestRow> tests = catalogue.testsOfDrill(drill.id());
        return new DrillDocument(
                drill.id(),
                drill.groupName(),
                drill.note(),
                Timestamps.iso(drill.startedMicros()),
                drill.startedBy(),
                (int) tests.stream().filter(TestRow::running).count(),
                count(tests, Verdict.PASSED),
                count(tests, Verdict.FAILED),
                count(tests, Verdict.INCONCLUSIVE),
                tests.stream().map(this::document).toList());
    }

    private static int count(List<TestRow> tests, Verdict verdict) {
        return (int) tests.stream().filter(test -> test.verdict() == verdict).count();
    }

    private TestDocument document(TestRow test) {
        Optional<Image> image = test.running() ? image(test) : Optional.empty();
        String failure = test.running() ? failure(test, image) : "";
        Long stopped = test.stoppedMicros();
        Verdict verdict = test.verdict();
        long end = stopped == null ? now() : stopped;
        return new TestDocument(
                test.id(),
                state(test, failure),
                failure,
                verdict == null ? null : verdict.text(),
                groups.get(test.group()).map(Group::name).orElse(test.groupName()),
                test.drill(),
                Points.document(
                        test.asked(), test.sequence(), test.pointMicros(), test.checkpoint()),
                test.openMicros() / 1e6,
                Timestamps.iso(test.startedMicros()),
                test.startedBy(),
                stopped == null ? null : Timestamps.iso(stopped),
                test.stoppedBy(),
                (end - test.startedMicros()) / 1e6,
                test.note(),
                image.map(Image::bytesWritten).orElse(test.bytesWritten()),
                image.map(Image::diskBytes).orElse(0L),
                image.map(Image::openHandles).orElse(0),
                exports(test));
    }

    private static String state(TestRow test, String failure) {
        if (!test.running()) {
            return "ended";
        }
        if (!failure.isEmpty()) {
            return "failed";
        }
        return test.isBranch() ? "branch" : "running";
    }

    /** The export names of a running test: {@code test.<id>.<volume>}. */
    private List<ExportDocument> exports(TestRow test) {
        List<ExportDocument> exports = new ArrayList<>();
        servedVolumes(test)
                .forEach(volume -> {
                    String name = exportName(test.id(), volume.name());
                    exports.add(
                            new ExportDocument(
                                    name, "test", volume.sizeBytes(), false, uris.of(name)));
                });
        return exports;
    }

    public static String exportName(long test, String volume) {
        return "test." + test + "." + volume;
    }

    private long now() {
        return Timestamps.micros(clock.instant());
    }
}
