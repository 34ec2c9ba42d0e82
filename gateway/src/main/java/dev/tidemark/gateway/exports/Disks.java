package dev.tidemark.gateway.exports;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.catalogue.TestRow;
import dev.tidemark.gateway.exports.Disk.Kind;
import dev.tidemark.gateway.metrics.MeteringDevice;
import dev.tidemark.gateway.metrics.Metrics;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
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
import dev.tidemark.replica.HistoryMap;
import dev.tidemark.replica.Image;
import dev.tidemark.replica.PointVolume;
import dev.tidemark.replica.ReplicaException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The disks that can be opened by an export's name, whatever the protocol: {@code disk} is a live
 * volume, {@code disk@point} a read-only instant of it, {@code disk@point~rw} a writable copy of
 * one for the client that asks, {@code test.7.disk} a disk of a running test. Thread-safe; what
 * opens may block.
 */
public final class Disks {
    static final String TEST_PREFIX = "test.";

    private final Volumes volumes;
    private final RecoveryTests tests;
    private final Points points;
    private final Metrics metrics;
    private final SharedViews views;
    private final Leases leases;
    private final PrivateCopies copies;

    /**
     * @param executor gives back what may wait for reads in flight
     * @param leaseSpan how long a client that left is expected back
     */
    public Disks(
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

    /** An export that can be asked for by name. */
    public record Listed(Kind kind, String name, String description) {}

    /** Live disks, then tagged checkpoints of them, then disks of running tests; may block. */
    public List<Listed> list() {
        List<Listed> list = new ArrayList<>();
        for (Found found : volumes.all()) {
            list.add(new Listed(Kind.LIVE, found.volume().name(), describeLive(found)));
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
                        new Listed(
                                Kind.TEST,
                                RecoveryTests.exportName(row.id(), volume.name()),
                                describeTest(row, volume)));
            }
        }
        return list;
    }

    /** Metadata contexts of an export that match a query; may block. */
    List<ContextDescription> contexts(ClientIdentity client, String exportName, String query) {
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
    }

    /**
     * Opens an export for a client; blocks until it is there.
     *
     * @throws ReplicaException when the disk has just gone
     */
    public Disk open(ClientIdentity client, String name) throws ReplicaException {
        return name.startsWith(TEST_PREFIX)
                ? openTest(client, name)
                : open(client, ExportName.parse(name));
    }

    private Disk open(ClientIdentity client, ExportName name) throws ReplicaException {
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

    private ToLongFunction<String> resolver(ClientIdentity client, Group group) {
        return asked -> sequence(client, group, asked);
    }

    private long sequence(ClientIdentity client, Group group, String asked) {
        if (isFixed(asked)) {
            return points.resolve(group, asked).sequence();
        }
        Leases.Key key = key(client, group, asked);
        OptionalLong leased = leases.get(key);
        return leased.isPresent()
                ? leased.getAsLong()
                : leases.give(key, points.resolve(group, asked).sequence());
    }

    private static Leases.Key key(ClientIdentity client, Group group, String asked) {
        return new Leases.Key(client, group.row().id(), asked);
    }

    /** Tells when a connection that uses the name has ended. */
    private Runnable use(ClientIdentity client, Group group, String asked) {
        return leases.use(key(client, group, asked));
    }

    // Live disks

    private Disk openLive(ClientIdentity client, Found found) throws ReplicaException {
        int id = found.volume().id();
        BlockDevice device = found.group().engine().openVolume(id);
        return new Disk(
                Kind.LIVE,
                Kind.LIVE.identity(found.group().row().id(), id),
                found.volume().name(),
                describeLive(found),
                metered(found.group(), found.volume().name(), Kind.LIVE, device, device.features()),
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

    private Disk openPoint(ClientIdentity client, Found found, String asked)
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

    private SharedViews.Hold hold(ClientIdentity client, Group group, String asked) {
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

    private Disk pointExport(
            ClientIdentity client, Found found, SharedViews.Hold hold, boolean fixed, Runnable used)
            throws ReplicaException {
        int id = found.volume().id();
        Point exact = hold.view().point();
        PointVolume then = then(found, exact, hold.view().volumes());
        BlockDevice device = hold.view().device(id);
        Features offered = new Features(true, fixed, device.features().rotational());
        return new Disk(
                Kind.VIEW,
                Kind.VIEW.identity(found.group().row().id(), id) + "@" + exact.sequence(),
                found.volume().name() + "@" + Points.canonical(exact.sequence()),
                describePoint(found.group(), then, exact) + ", read-only",
                metered(found.group(), found.volume().name(), Kind.VIEW, device, offered),
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

    /** With the tags that are exactly there, however the point was asked for. */
    private static String describePoint(Group group, PointVolume volume, Point point) {
        String tags =
                Contexts.named(group, Long.MAX_VALUE).stream()
                        .filter(checkpoint -> checkpoint.sequence() == point.sequence())
                        .map(Disks::describeTag)
                        .collect(Collectors.joining());
        return volume.name()
                + " at "
                + Timestamps.iso(point.timeMicros())
                + " ("
                + Points.canonical(point.sequence())
                + tags
                + ")";
    }

    private static String describeTag(Checkpoint checkpoint) {
        return ", checkpoint "
                + checkpoint.name()
                + (checkpoint.description().isEmpty() ? "" : ": " + checkpoint.description());
    }

    private static Listed describeCheckpoint(Found found, Checkpoint checkpoint) {
        return new Listed(
                Kind.VIEW,
                found.volume().name() + "@" + checkpoint.name(),
                found.volume().name()
                        + " at "
                        + Timestamps.iso(checkpoint.timeMicros())
                        + " ("
                        + Points.canonical(checkpoint.sequence())
                        + describeTag(checkpoint)
                        + "), read-only");
    }

    // Private copies

    private Disk openCopy(ClientIdentity client, Found found, String asked, String label)
            throws ReplicaException {
        Group group = found.group();
        long sequence = sequence(client, group, asked);
        Runnable used = use(client, group, asked);
        PrivateCopies.Hold hold;
        try {
            hold =
                    copies.open(
                            new PrivateCopies.Key(client, group.row().id(), sequence, label),
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
            return new Disk(
                    Kind.COPY,
                    Kind.COPY.identity(image.id(), then.id()),
                    found.volume().name()
                            + "@"
                            + Points.canonical(image.point().sequence())
                            + ExportName.suffix(label),
                    describePoint(group, then, image.point())
                            + ", private copy, writes are discarded after the last connection",
                    metered(group, found.volume().name(), Kind.COPY, device, offered),
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

    private Disk openTest(ClientIdentity client, String name) throws ReplicaException {
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
        return new Disk(
                Kind.TEST,
                Kind.TEST.identity(test.image().id(), volume.id()),
                name,
                describeTest(test.row(), volume),
                metered(test.group(), volumeName, Kind.TEST, device, device.features()),
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
            Group group, String volume, Kind kind, BlockDevice device, Features offered) {
        return new MeteringDevice(
                device, metrics.requests(group.name(), volume, kind.label()), offered);
    }
}
