package dev.tidemark.gateway.exports;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.gateway.catalogue.TestRow;
import dev.tidemark.gateway.metrics.MeteringDevice;
import dev.tidemark.gateway.metrics.Metrics;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.service.Volumes.Found;
import dev.tidemark.gateway.text.AskedPoint;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.Point;
import dev.tidemark.nbd.ExportCatalog;
import dev.tidemark.nbd.ExportDescription;
import dev.tidemark.nbd.ExportOpenException;
import dev.tidemark.nbd.ExportOpenException.Kind;
import dev.tidemark.nbd.NbdClient;
import dev.tidemark.nbd.OpenedExport;
import dev.tidemark.replica.PointVolume;
import dev.tidemark.replica.ReplicaException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The exports: {@code disk} is a live volume, {@code disk@point} a read-only instant of it, {@code
 * test.7.disk} a disk of a running test. Thread-safe; everything that may block runs on the
 * executor given.
 */
public final class Exports implements ExportCatalog {
    private static final Logger log = LoggerFactory.getLogger(Exports.class);
    private static final String TEST_PREFIX = "test.";

    private final Volumes volumes;
    private final RecoveryTests tests;
    private final Points points;
    private final Metrics metrics;
    private final Executor executor;
    private final SharedViews views;
    private final Leases leases;

    public Exports(
            Volumes volumes,
            RecoveryTests tests,
            Points points,
            Metrics metrics,
            Executor executor,
            Duration leaseSpan,
            LongSupplier nanoTime) {
        this.volumes = volumes;
        this.tests = tests;
        this.points = points;
        this.metrics = metrics;
        this.executor = executor;
        this.views = new SharedViews(executor);
        this.leases = new Leases(leaseSpan, nanoTime);
    }

    /** Number of instants that are open now. */
    public int openViews() {
        return views.count();
    }

    @Override
    public CompletionStage<List<ExportDescription>> list(NbdClient client) {
        return run(() -> {
            List<ExportDescription> list = new ArrayList<>();
            for (Found found : volumes.all()) {
                list.add(new ExportDescription(found.volume().name(), describeLive(found)));
            }
            for (TestRow row : tests.runningRows()) {
                for (PointVolume volume : tests.servedVolumes(row)) {
                    list.add(
                            new ExportDescription(
                                    RecoveryTests.exportName(row.id(), volume.name()),
                                    describeTest(row, volume)));
                }
            }
            return list;
        });
    }

    @Override
    public CompletionStage<OpenedExport> open(NbdClient client, String name, boolean infoOnly) {
        return run(() -> open(name));
    }

    private <T> CompletionStage<T> run(Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        executor.execute(() -> {
            try {
                result.complete(work.call());
            } catch (Exception e) {
                result.completeExceptionally(translate(e));
            }
        });
        return result;
    }

    /** What a client is told. */
    private static Exception translate(Exception failure) {
        ProblemException known = Engine.problem(failure);
        if (known.problem().kind() == ProblemKind.INTERNAL) {
            log.error("an export cannot be opened", failure);
        }
        Kind kind =
                switch (known.problem().kind()) {
                    case NOT_FOUND, INVALID, OUTSIDE_WINDOW -> Kind.UNKNOWN;
                    case FAILED -> Kind.SHUTDOWN;
                    default -> Kind.OTHER;
                };
        return new ExportOpenException(kind, known.problem().sentence(), failure);
    }

    private OpenedExport open(String name) throws ReplicaException {
        int at = name.indexOf('@');
        if (name.startsWith(TEST_PREFIX)) {
            return openTest(name);
        }
        return at < 0 ? openLive(name) : openPoint(name.substring(0, at), name.substring(at + 1));
    }

    // Live disks

    private OpenedExport openLive(String name) throws ReplicaException {
        Found found = name.isEmpty() ? only() : volumes.get(name);
        BlockDevice device = found.group().engine().openVolume(found.volume().id());
        return new Opened(
                found.volume().name(),
                describeLive(found),
                metered(found.group(), found.volume().name(), "live", device, device.features()),
                () -> {});
    }

    /** The default export is the only volume. */
    private Found only() {
        volumes.requireAllOpen();
        List<Found> all = volumes.all();
        if (all.size() != 1) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.NOT_FOUND,
                            "no name was given",
                            null,
                            "there are " + all.size() + " volumes",
                            "name one of them"));
        }
        return all.getFirst();
    }

    private static String describeLive(Found found) {
        return "live disk of group "
                + found.group().name()
                + ", "
                + ByteSize.format(found.volume().sizeBytes());
    }

    // Points in time

    private OpenedExport openPoint(String volumeName, String asked) throws ReplicaException {
        Found found = volumes.get(volumeName);
        AskedPoint point = AskedPoint.parse(asked);
        // A checkpoint's name can be given again later, so it counts as relative too.
        boolean fixed = point instanceof AskedPoint.Sequence || point instanceof AskedPoint.Time;
        SharedViews.Hold hold = hold(found.group(), asked, fixed);
        try {
            return pointExport(found, hold, fixed);
        } catch (ReplicaException | RuntimeException e) {
            hold.close();
            throw e;
        }
    }

    private SharedViews.Hold hold(Group group, String asked, boolean fixed) {
        if (fixed) {
            return views.open(group, points.resolve(group, asked).sequence());
        }
        String name = group.row().id() + "@" + asked;
        OptionalLong leased = leases.get(name);
        if (leased.isPresent()) {
            try {
                return views.open(group, leased.getAsLong());
            } catch (ProblemException e) {
                leases.drop(name); // Its history has gone since: take a new instant.
            }
        }
        return views.open(group, leases.give(name, points.resolve(group, asked).sequence()));
    }

    private OpenedExport pointExport(Found found, SharedViews.Hold hold, boolean fixed)
            throws ReplicaException {
        int id = found.volume().id();
        Point exact = hold.view().point();
        PointVolume then =
                hold.view().volumes().stream()
                        .filter(volume -> volume.id() == id)
                        .findFirst()
                        .orElseThrow(() ->
                                ProblemException.notFound(
                                        "the volume did not exist at that point",
                                        found.volume().name()
                                                + "@"
                                                + Points.canonical(exact.sequence()),
                                        "ask for a later point"));
        BlockDevice device = hold.view().device(id);
        Features offered = new Features(true, fixed, device.features().rotational());
        return new Opened(
                found.volume().name() + "@" + Points.canonical(exact.sequence()),
                describePoint(then, exact),
                metered(found.group(), found.volume().name(), "view", device, offered),
                hold::close);
    }

    private static String describePoint(PointVolume volume, Point point) {
        Checkpoint checkpoint = point.checkpoint();
        return volume.name()
                + " at "
                + Timestamps.iso(point.timeMicros())
                + " ("
                + Points.canonical(point.sequence())
                + (checkpoint != null && checkpoint.tagged()
                        ? ", checkpoint " + checkpoint.name()
                        : "")
                + "), read-only";
    }

    // Recovery tests

    private OpenedExport openTest(String name) throws ReplicaException {
        int dot = name.indexOf('.', TEST_PREFIX.length());
        long id = dot < 0 ? -1 : testId(name.substring(TEST_PREFIX.length(), dot));
        if (id < 0) {
            throw ProblemException.notFound(
                    "no such test disk", name, "the names are test.<number>.<volume>");
        }
        String volumeName = name.substring(dot + 1);
        RecoveryTests.Running test = tests.running(id);
        PointVolume volume =
                test.image().volumes().stream()
                        .filter(candidate -> candidate.name().equals(volumeName))
                        .findFirst()
                        .orElseThrow(() ->
                                ProblemException.notFound(
                                        "test " + id + " has no such volume",
                                        volumeName,
                                        "list its disks with: tidemark test show " + id));
        BlockDevice device = test.image().device(volume.id());
        return new Opened(
                name,
                describeTest(test.row(), volume),
                metered(test.group(), volumeName, "test", device, device.features()),
                () -> {});
    }

    private static long testId(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private static String describeTest(TestRow test, PointVolume volume) {
        return volume.name()
                + " at "
                + Timestamps.iso(test.pointMicros())
                + " ("
                + Points.canonical(test.sequence())
                + "), disk of recovery test "
                + test.id()
                + ", writes are discarded at its end";
    }

    private BlockDevice metered(
            Group group, String volume, String kind, BlockDevice device, Features offered) {
        return new MeteringDevice(device, metrics.requests(group.name(), volume, kind), offered);
    }

    /** An export held by one connection. */
    private record Opened(
            String canonicalName, String description, BlockDevice device, Runnable release)
            implements OpenedExport {
        @Override
        public void close() {
            device.close();
            release.run();
        }
    }
}
