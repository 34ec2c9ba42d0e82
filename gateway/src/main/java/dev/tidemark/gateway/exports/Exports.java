package dev.tidemark.gateway.exports;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.execution.Scheduler;
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
import dev.tidemark.journal.PointSpec;
import dev.tidemark.nbd.ContextDescription;
import dev.tidemark.nbd.ExportCatalog;
import dev.tidemark.nbd.ExportDescription;
import dev.tidemark.nbd.ExportOpenException;
import dev.tidemark.nbd.ExportOpenException.Kind;
import dev.tidemark.nbd.NbdClient;
import dev.tidemark.nbd.OpenedExport;
import dev.tidemark.nbd.StatusContext;
import dev.tidemark.replica.HistoryMap;
import dev.tidemark.replica.Image;
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
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The exports: {@code disk} is a live volume, {@code disk@point} a read-only instant of it, {@code
 * disk@point~rw} a writable copy of one for the client that asks, {@code test.7.disk} a disk of a
 * running test. Thread-safe; everything that may block runs on the executor given.
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
    private final PrivateCopies copies;

    /**
     * @param leaseSpan how long a client that left is expected back
     */
    public Exports(
            Volumes volumes,
            RecoveryTests tests,
            Points points,
            Metrics metrics,
            Executor executor,
            Duration leaseSpan,
            Scheduler scheduler) {
        this.volumes = volumes;
        this.tests = tests;
        this.points = points;
        this.metrics = metrics;
        this.executor = executor;
        this.views = new SharedViews(executor);
        this.leases = new Leases(leaseSpan, scheduler::nanoTime);
        this.copies = new PrivateCopies(scheduler, leaseSpan);
    }

    /** Number of instants that are open now. */
    public int openViews() {
        return views.count();
    }

    /** Number of private copies there are now. */
    public int privateCopies() {
        return copies.count();
    }

    @Override
    public CompletionStage<List<ExportDescription>> list(NbdClient client) {
        return run(() -> {
            List<ExportDescription> list = new ArrayList<>();
            for (Found found : volumes.all()) {
                list.add(new ExportDescription(found.volume().name(), describeLive(found)));
            }
            for (Found found : volumes.all()) {
                for (Checkpoint checkpoint : Contexts.named(found.group(), Long.MAX_VALUE)) {
                    if (checkpoint.sequence() >= found.volume().createdSequence()) {
                        list.add(describeCheckpoint(found, checkpoint));
                    }
                }
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
        return run(() ->
                name.startsWith(TEST_PREFIX)
                        ? openTest(client, name)
                        : open(client, ExportName.parse(name)));
    }

    @Override
    public CompletionStage<List<ContextDescription>> contexts(
            NbdClient client, String exportName, String query) {
        return run(() -> {
            if (exportName.startsWith(TEST_PREFIX)) {
                Group group = test(exportName).group();
                long last = test(exportName).row().sequence();
                return Contexts.matching(group, last, false, query, resolver(client, group));
            }
            ExportName name = ExportName.parse(exportName);
            Group group = found(name).group();
            ToLongFunction<String> resolver = resolver(client, group);
            String point = name.point();
            long last = point == null ? Long.MAX_VALUE : resolver.applyAsLong(point);
            return Contexts.matching(group, last, name.copy() == null, query, resolver);
        });
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

    private OpenedExport open(NbdClient client, ExportName name) throws ReplicaException {
        Found found = found(name);
        String point = name.point();
        String copy = name.copy();
        if (point == null) {
            return openLive(client, found);
        }
        return copy == null
                ? openPoint(client, found, point)
                : openCopy(client, found, point, copy);
    }

    /** The default export is the only volume. */
    private Found found(ExportName name) {
        if (!name.volume().isEmpty()) {
            return volumes.get(name.volume());
        }
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

    // Which instant a name means

    /** The same text means the same instant whenever it is asked. */
    private static boolean isFixed(String asked) {
        AskedPoint point = AskedPoint.parse(asked);
        // A checkpoint's name can be given again later, so it counts as moving too.
        return point instanceof AskedPoint.Sequence || point instanceof AskedPoint.Time;
    }

    private ToLongFunction<String> resolver(NbdClient client, Group group) {
        return asked -> sequence(client, group, asked);
    }

    private long sequence(NbdClient client, Group group, String asked) {
        if (isFixed(asked)) {
            return points.resolve(group, asked).sequence();
        }
        Leases.Key key = key(client, group, asked);
        OptionalLong leased = leases.get(key);
        return leased.isPresent()
                ? leased.getAsLong()
                : leases.give(key, points.resolve(group, asked).sequence());
    }

    private static Leases.Key key(NbdClient client, Group group, String asked) {
        return new Leases.Key(ClientIdentity.of(client), group.row().id(), asked);
    }

    /** Tells when a connection that uses the name has ended. */
    private Runnable use(NbdClient client, Group group, String asked) {
        return leases.use(key(client, group, asked));
    }

    // Live disks

    private OpenedExport openLive(NbdClient client, Found found) throws ReplicaException {
        int id = found.volume().id();
        BlockDevice device = found.group().engine().openVolume(id);
        return new Opened(
                found.volume().name(),
                describeLive(found),
                metered(found.group(), found.volume().name(), "live", device, device.features()),
                new LivePast(found.group(), id),
                resolver(client, found.group()),
                () -> {});
    }

    private record LivePast(Group group, int volume) implements Contexts.Past {
        @Override
        public CompletableFuture<HistoryMap> changedSince(PointSpec since) {
            return group.engine().changedSince(volume, since);
        }

        @Override
        public CompletableFuture<HistoryMap> lastWrites(HistoryMap.Mark mark) {
            return group.engine().lastWrites(volume, mark);
        }
    }

    private static String describeLive(Found found) {
        return "live disk of group "
                + found.group().name()
                + ", "
                + ByteSize.format(found.volume().sizeBytes());
    }

    // Points in time

    private OpenedExport openPoint(NbdClient client, Found found, String asked)
            throws ReplicaException {
        SharedViews.Hold hold = hold(client, found.group(), asked);
        Runnable used = use(client, found.group(), asked);
        try {
            return pointExport(client, found, hold, isFixed(asked), used);
        } catch (ReplicaException | RuntimeException e) {
            hold.close();
            used.run();
            throw e;
        }
    }

    private SharedViews.Hold hold(NbdClient client, Group group, String asked) {
        try {
            return views.open(group, sequence(client, group, asked));
        } catch (ProblemException e) {
            if (isFixed(asked) || leases.get(key(client, group, asked)).isEmpty()) {
                throw e;
            }
            // The history of the instant has gone since: take a new one.
            leases.drop(key(client, group, asked));
            return views.open(group, sequence(client, group, asked));
        }
    }

    private OpenedExport pointExport(
            NbdClient client, Found found, SharedViews.Hold hold, boolean fixed, Runnable used)
            throws ReplicaException {
        int id = found.volume().id();
        Point exact = hold.view().point();
        PointVolume then = then(found, exact, hold.view().volumes());
        BlockDevice device = hold.view().device(id);
        Features offered = new Features(true, fixed, device.features().rotational());
        return new Opened(
                found.volume().name() + "@" + Points.canonical(exact.sequence()),
                describePoint(then, exact) + ", read-only",
                metered(found.group(), found.volume().name(), "view", device, offered),
                new PointPast(found.group(), hold, id),
                resolver(client, found.group()),
                () -> {
                    hold.close();
                    used.run();
                });
    }

    private static PointVolume then(Found found, Point exact, List<PointVolume> volumes) {
        return volumes.stream()
                .filter(volume -> volume.id() == found.volume().id())
                .findFirst()
                .orElseThrow(() ->
                        ProblemException.notFound(
                                "the volume did not exist at that point",
                                found.volume().name() + "@" + Points.canonical(exact.sequence()),
                                "ask for a later point"));
    }

    private record PointPast(Group group, SharedViews.Hold hold, int volume)
            implements Contexts.Past {
        @Override
        public CompletableFuture<HistoryMap> changedSince(PointSpec since) {
            return group.engine().changedSince(hold.view(), volume, since);
        }

        @Override
        public CompletableFuture<HistoryMap> lastWrites(HistoryMap.Mark mark) {
            return group.engine().lastWrites(hold.view(), volume, mark);
        }
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
                + ")";
    }

    private static ExportDescription describeCheckpoint(Found found, Checkpoint checkpoint) {
        return new ExportDescription(
                found.volume().name() + "@" + checkpoint.name(),
                found.volume().name()
                        + " at "
                        + Timestamps.iso(checkpoint.timeMicros())
                        + " ("
                        + Points.canonical(checkpoint.sequence())
                        + "), read-only");
    }

    // Private copies

    private OpenedExport openCopy(NbdClient client, Found found, String asked, String label)
            throws ReplicaException {
        Group group = found.group();
        long sequence = sequence(client, group, asked);
        Runnable used = use(client, group, asked);
        PrivateCopies.Hold hold;
        try {
            hold =
                    copies.open(
                            new PrivateCopies.Key(
                                    ClientIdentity.of(client), group.row().id(), sequence, label),
                            group);
        } catch (RuntimeException e) {
            used.run();
            throw e;
        }
        try {
            Image image = hold.image();
            PointVolume then = then(found, image.point(), image.volumes());
            BlockDevice device = image.device(then.id());
            Features offered = new Features(false, isFixed(asked), device.features().rotational());
            return new Opened(
                    found.volume().name()
                            + "@"
                            + Points.canonical(image.point().sequence())
                            + ExportName.suffix(label),
                    describePoint(then, image.point())
                            + ", private copy, writes are discarded after the last connection",
                    metered(group, found.volume().name(), "copy", device, offered),
                    new ImagePast(group, image, then.id()),
                    resolver(client, group),
                    () -> {
                        hold.release().run();
                        used.run();
                    });
        } catch (ReplicaException | RuntimeException e) {
            hold.release().run();
            used.run();
            throw e;
        }
    }

    // Recovery tests

    private RecoveryTests.Running test(String name) {
        int dot = name.indexOf('.', TEST_PREFIX.length());
        long id = dot < 0 ? -1 : testId(name.substring(TEST_PREFIX.length(), dot));
        if (id < 0) {
            throw ProblemException.notFound(
                    "no such test disk", name, "the names are test.<number>.<volume>");
        }
        return tests.running(id);
    }

    private OpenedExport openTest(NbdClient client, String name) throws ReplicaException {
        RecoveryTests.Running test = test(name);
        String volumeName = name.substring(name.indexOf('.', TEST_PREFIX.length()) + 1);
        PointVolume volume =
                test.image().volumes().stream()
                        .filter(candidate -> candidate.name().equals(volumeName))
                        .findFirst()
                        .orElseThrow(() ->
                                ProblemException.notFound(
                                        "test " + test.row().id() + " has no such volume",
                                        volumeName,
                                        "list its disks with: tidemark test show "
                                                + test.row().id()));
        BlockDevice device = test.image().device(volume.id());
        return new Opened(
                name,
                describeTest(test.row(), volume),
                metered(test.group(), volumeName, "test", device, device.features()),
                new ImagePast(test.group(), test.image(), volume.id()),
                resolver(client, test.group()),
                () -> {});
    }

    private record ImagePast(Group group, Image image, int volume) implements Contexts.Past {
        @Override
        public CompletableFuture<HistoryMap> changedSince(PointSpec since) {
            return group.engine().changedSince(image, volume, since);
        }

        /** The writes of a test have no place in the group's order. */
        @Override
        public @Nullable CompletableFuture<HistoryMap> lastWrites(HistoryMap.Mark mark) {
            return null;
        }
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
    private final class Opened implements OpenedExport {
        private final String canonicalName;
        private final String description;
        private final BlockDevice device;
        private final Contexts.Past past;
        private final ToLongFunction<String> resolver;
        private final Runnable release;

        Opened(
                String canonicalName,
                String description,
                BlockDevice device,
                Contexts.Past past,
                ToLongFunction<String> resolver,
                Runnable release) {
            this.canonicalName = canonicalName;
            this.description = description;
            this.device = device;
            this.past = past;
            this.resolver = resolver;
            this.release = release;
        }

        @Override
        public String canonicalName() {
            return canonicalName;
        }

        @Override
        public String description() {
            return description;
        }

        @Override
        public BlockDevice device() {
            return device;
        }

        @Override
        public CompletionStage<StatusContext> openContext(String name) {
            return run(() -> Contexts.open(past, name, resolver));
        }

        @Override
        public void close() {
            device.close();
            release.run();
        }
    }
}
