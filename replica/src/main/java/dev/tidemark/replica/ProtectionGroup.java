package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.execution.Causes;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.JournalStart;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Volumes that share one write order, with their history. Futures fail with a {@link
 * ReplicaException}; they complete on the group's threads, so their dependents must not block.
 * Thread-safe.
 */
public final class ProtectionGroup implements AutoCloseable {
    private final Engine engine;
    private final VolumeChanges volumeChanges;
    private final Histories histories;
    private final AutoCloseable lock;
    private final Set<PointView> views = ConcurrentHashMap.newKeySet();

    private ProtectionGroup(Engine engine, AutoCloseable lock) {
        this.engine = engine;
        this.lock = lock;
        this.volumeChanges = new VolumeChanges(engine, this::isViewed);
        this.histories = new Histories(engine);
    }

    /** Makes a new, empty group in an empty directory. Blocking. */
    public static ProtectionGroup create(
            GroupOptions options, UUID id, StorageDirectory directory, Environment environment)
            throws ReplicaException {
        return create(options, id, directory, environment, Rules.SAFE);
    }

    static ProtectionGroup create(
            GroupOptions options,
            UUID id,
            StorageDirectory directory,
            Environment environment,
            Rules rules)
            throws ReplicaException {
        Alerts alerts = new Alerts(environment.listener(), id);
        return start(
                options,
                directory,
                environment,
                rules,
                alerts,
                null,
                () ->
                        Journal.create(
                                Engine.journalOptions(options),
                                id,
                                directory,
                                environment.scheduler(),
                                environment.pool(),
                                environment.cache(),
                                alerts));
    }

    /**
     * Makes a copy of images that show the source at one record. The images are closed; their
     * directory becomes the group's. Blocking.
     */
    public static ProtectionGroup createStandby(
            GroupOptions options,
            UUID id,
            SyncImages images,
            Environment environment,
            StandbyStart start)
            throws ReplicaException {
        return createStandby(options, id, images, environment, Rules.SAFE, start);
    }

    static ProtectionGroup createStandby(
            GroupOptions options,
            UUID id,
            SyncImages images,
            Environment environment,
            Rules rules,
            StandbyStart start)
            throws ReplicaException {
        Roles.requireTenure(start.position().epoch(), start.tenure());
        images.close();
        Alerts alerts = new Alerts(environment.listener(), id);
        return start(
                options,
                images.directory(),
                environment,
                rules,
                alerts,
                null,
                () -> standbyJournal(options, id, images, environment, alerts, start));
    }

    private static Journal standbyJournal(
            GroupOptions options,
            UUID id,
            SyncImages images,
            Environment environment,
            Alerts alerts,
            StandbyStart start)
            throws JournalException {
        StreamPosition position = start.position();
        Journal journal =
                Journal.create(
                        Engine.journalOptions(options),
                        id,
                        new JournalStart(
                                position.sequence(), position.timeMicros(), position.epoch()),
                        images.directory(),
                        environment.scheduler(),
                        environment.pool(),
                        environment.cache(),
                        alerts);
        VolumeChanges.recordCopies(journal, images.volumes(), position);
        Role role =
                Role.standby(
                        start.tenure(),
                        start.source(),
                        new Role.Stretch(
                                start.source(),
                                position.sequence(),
                                position.sequence(),
                                position.sequence(),
                                0));
        journal.putAttribute(Role.KEY, role.encode(), true);
        return journal;
    }

    /**
     * Opens an existing group, recovering what a crash left; what it knows of copies stays as it
     * is. Blocking.
     */
    public static ProtectionGroup open(
            GroupOptions options, StorageDirectory directory, Environment environment)
            throws ReplicaException {
        return open(options, directory, environment, Rules.SAFE, null);
    }

    /**
     * Opens an existing group that has copies. Blocking.
     *
     * @param copies the newest record that the copy of each peer is known to have: what came after
     *     it is kept for it before retention begins, if it is there. What is known of other peers'
     *     copies is forgotten
     */
    public static ProtectionGroup open(
            GroupOptions options,
            StorageDirectory directory,
            Environment environment,
            Map<UUID, Long> copies)
            throws ReplicaException {
        return open(options, directory, environment, Rules.SAFE, copies);
    }

    static ProtectionGroup open(
            GroupOptions options,
            StorageDirectory directory,
            Environment environment,
            Rules rules,
            @Nullable Map<UUID, Long> copies)
            throws ReplicaException {
        Alerts alerts = new Alerts(environment.listener(), new UUID(0, 0));
        return start(
                options,
                directory,
                environment,
                rules,
                alerts,
                copies,
                () ->
                        Journal.open(
                                Engine.journalOptions(options),
                                directory,
                                environment.scheduler(),
                                environment.pool(),
                                environment.cache(),
                                alerts));
    }

    /** Makes or opens the journal. */
    private interface JournalMaking {
        Journal start() throws JournalException;
    }

    private static ProtectionGroup start(
            GroupOptions options,
            StorageDirectory directory,
            Environment environment,
            Rules rules,
            Alerts alerts,
            @Nullable Map<UUID, Long> copies,
            JournalMaking journalStart)
            throws ReplicaException {
        AutoCloseable lock = null;
        Journal journal = null;
        ProtectionGroup group = null;
        try {
            lock = directory.lock();
            journal = journalStart.start();
            Health health = new Health(journal.group(), environment.listener());
            alerts.attach(journal.group(), health);
            Engine engine =
                    new Engine(options, environment, rules, directory, journal, health, alerts);
            directory.force();
            group = new ProtectionGroup(engine, lock);
            new Recovery(engine, group.volumeChanges).run(copies);
            return group;
        } catch (JournalException | StorageException | ReplicaException failure) {
            if (group != null) {
                group.close();
            } else {
                closeQuietly(journal);
                closeQuietly(lock);
            }
            throw Failures.replica(failure);
        }
    }

    private static void closeQuietly(@Nullable AutoCloseable resource) {
        try {
            if (resource != null) {
                resource.close();
            }
        } catch (Exception ignored) {
            // The failure that led here is the one to report.
        }
    }

    public UUID id() {
        return engine.id;
    }

    /** What the group is at this site. */
    public Role role() {
        return engine.roles.role();
    }

    /**
     * Completes when the role's state is another than {@code state}, on the thread that changes it
     * or at once. From any thread; who gives up cancels it.
     */
    public CompletableFuture<Void> left(GroupRole state) {
        return engine.roles.left(state);
    }

    /** Begins to read records for a copy that has everything up to a record. Blocking. */
    public Shipment ship(long afterSequence) throws ReplicaException {
        return Shipment.open(engine, afterSequence);
    }

    /** Begins to count what a copy gets, from the newest record on. */
    public CopyTally tally() {
        return new CopyTally(engine);
    }

    /**
     * Begins to read records for a program outside, from the newest on. Blocking.
     *
     * @param limitBytes how far behind it may be, in bytes of redo
     * @param withPayload whether it wants the content of writes
     */
    public Tap tap(long limitBytes, boolean withPayload) throws ReplicaException {
        return Tap.open(engine, limitBytes, withPayload);
    }

    /**
     * Takes records of the source; of a copy. A feed that was made before takes nothing more, nor
     * does this one once the group is the copy of another site's.
     */
    public Feed feed(UUID source) throws ReplicaException {
        Feed feed = new Feed(engine, volumeChanges);
        requireCopyOf(source);
        return feed;
    }

    /** After what shall bring its records was made: that is refused if the source changes. */
    private void requireCopyOf(UUID source) throws ReplicaException {
        Role now = role();
        if (now.state() != GroupRole.STANDBY || !source.equals(now.source())) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "group " + engine.id + " is " + now.state() + ", not a copy of " + source);
        }
    }

    /**
     * Begins to bring this copy to what its source is now, across a break of the order; see {@link
     * FeedSync#begin}. Feeds that were made before take nothing more.
     */
    public FeedSync resync(UUID source) throws ReplicaException {
        FeedSync sync = new FeedSync(engine, volumeChanges);
        requireCopyOf(source);
        return sync;
    }

    /**
     * Of a copy that is half synchronised, or has to be synchronised from the beginning, the
     * source's record that everything it lacks came after, which may be unknown; else null. Such a
     * copy takes no feed.
     */
    public @Nullable StreamPosition halfSynchronised() {
        HalfSync half = engine.roles.halfSync();
        return half == null ? null : half.base();
    }

    /**
     * What changed on the live disks since the last record of a copy.
     *
     * @param peer whose copy it is
     * @param floorMicros no record of the copy's is older
     * @return maps by volume, the caller's to close; none when neither history nor a dirty map
     *     reaches back, or nothing says that the copy's record is this site's
     */
    public CompletableFuture<Optional<Map<Integer, HistoryMap>>> changedSince(
            UUID peer, StreamPosition copy, long floorMicros) {
        return engine.maintenance.submit(() -> histories.sinceRecord(peer, copy, floorMicros));
    }

    /**
     * A peer's copy has everything up to a record, on its disk and in order. What changes after it
     * is known from now on until the copy has it too, however short history is.
     */
    public void copyHas(UUID peer, long sequence) {
        engine.dirtyMaps.has(peer, sequence);
    }

    /**
     * What the peer's copy lacks is kept by a {@link Shipment} now, or not wanted: not any more
     * because it was known when the group was opened.
     */
    public void copyIsShipped(UUID peer) {
        engine.openingHolds.letGo(peer);
    }

    /**
     * Counts what a peer's copy may lack; empty when nothing is known of a copy there. What was not
     * folded yet is left out.
     */
    public CompletableFuture<Optional<CopyLack>> copyLacks(UUID peer) {
        return engine.maintenance.submit(() -> Optional.ofNullable(engine.dirtyMaps.lack(peer)));
    }

    /** Stretches of the history in which no point can be had, oldest first. */
    public List<HistoryGap> gaps() {
        return engine.promotions.gaps();
    }

    /** The peer has no copy any more that is kept up from here. */
    public void forgetCopy(UUID peer) {
        engine.openingHolds.letGo(peer);
        engine.dirtyMaps.forget(peer);
    }

    /**
     * Another site has taken the group over: no host's write gets a place in the log from here on.
     *
     * @return the last sequence number, on stable storage
     */
    public CompletableFuture<Long> fence(int tenure) {
        return engine.roleChanges.fence(tenure, false);
    }

    /**
     * This site gives the group up, to hand it over: as {@link #fence}, in the tenure in force.
     * {@link #reinstate} takes it back.
     */
    public CompletableFuture<Long> relinquish() {
        return engine.roleChanges.fence(role().tenure(), true);
    }

    /**
     * This site is active again in a tenure that nobody has used: of a fenced group, when the site
     * that had taken it over gave it back. Nothing happens when the tenure is not newer.
     */
    public CompletableFuture<Void> reinstate(int tenure) {
        return engine.roleChanges.reinstate(tenure);
    }

    /**
     * This site is active, and stays so in a tenure that nobody has used: another site, active in
     * the same one as this, has to give way. Completes when the tenure is on stable storage; fails,
     * and changes nothing, when the group is not active here or the tenure is not newer.
     */
    public CompletableFuture<Void> claim(int tenure) {
        return engine.roleChanges.claim(tenure);
    }

    /**
     * Makes this copy the active site, set to a point: usable as soon as {@link
     * PromotionTask#usable()} says so. A feed takes nothing more.
     *
     * @param tenure greater than any that this site knows
     */
    public PromotionTask takeOver(PointSpec spec, int tenure) {
        return engine.promotions.takeOver(spec, tenure);
    }

    /**
     * Makes this group, fenced or a copy of another site, a copy of the site that is active now.
     * Where both histories are known to have a record, its disks are set back to that one, or
     * nothing is done when it is the last here; else it is compared as a whole by the next
     * synchronisation. What it has since stays in its history. Completes when that has begun,
     * durably; it is over when the role is STANDBY, also after a crash.
     *
     * @param source the active site
     * @param tenure in force there
     * @param how the source took the group over, from this site, or of a copy from its source; null
     *     when it did not
     * @param volumes the source's as they were at {@code how.last()}, or as they began: a group
     *     that is set back gets those that it lacks, and grows those that are larger there
     */
    public CompletableFuture<Void> follow(
            UUID source, int tenure, @Nullable Succession how, List<PointVolume> volumes) {
        if (role().state() == GroupRole.STANDBY) {
            boolean fits = volumes.stream().allMatch(this::hasRoomFor);
            return engine.roleChanges.goOver(source, tenure, fits ? how : null);
        }
        if (how == null || !how.isPointKnown()) {
            return engine.roleChanges.startOver(source, tenure);
        }
        return volumeChanges
                .takeUp(tenure, volumes)
                .thenCompose(taken ->
                        engine.roleChanges.rejoin(
                                source, tenure, how.point(), how.last(), how.ownPoint()))
                .exceptionallyCompose(failure ->
                        Failures.replica(Causes.of(failure)).kind()
                                        == ReplicaException.Kind.OUTSIDE_WINDOW
                                ? engine.roleChanges.startOver(source, tenure)
                                : CompletableFuture.failedFuture(failure));
    }

    /** A volume does not shrink: the source's may be larger than its records here ever said. */
    private boolean hasRoomFor(PointVolume wanted) {
        Volume known = engine.volumes.find(wanted.id());
        return known == null || known.sizeAt(Long.MAX_VALUE) >= wanted.sizeBytes();
    }

    /** The newest record that can be had as a point, durable or not. */
    public long newestPoint() {
        return engine.promotions.lastBefore(engine.journal.redo().lastSequence());
    }

    /**
     * Makes this group, which has taken over from another site, that site's copy again as if it had
     * not: for as long as that site has not been asked to be the copy. Completes as {@link
     * #follow}.
     *
     * @param tenure a new one, in which the other site is active
     */
    public CompletableFuture<Void> giveBack(int tenure) {
        return engine.roleChanges.giveBack(tenure);
    }

    /** The source of this copy has gone on to another tenure. */
    public CompletableFuture<Void> learn(int tenure) {
        return engine.roleChanges.learn(tenure);
    }

    /** Grows at every rollback and promotion. */
    public int epoch() {
        return engine.journal.epoch();
    }

    /** All volumes by id. */
    public List<VolumeInfo> volumes() {
        return engine.volumes.all().stream().map(VolumeChanges::info).toList();
    }

    /** The size that a volume had at first, as far as history knows. */
    public long firstSizeBytes(int id) throws ReplicaException {
        return engine.volumes.named(id).firstSizeBytes();
    }

    /** The size that a volume had after a record; what it began with, if that was later. */
    public long sizeBytesAt(int id, long sequence) throws ReplicaException {
        Volume volume = engine.volumes.named(id);
        return volume.existedAt(sequence)
                ? Math.max(volume.sizeAt(sequence), volume.firstSizeBytes())
                : volume.firstSizeBytes();
    }

    /**
     * The volume, if there is one, with content that was imported, and so is in no record, between
     * two records: who goes on from the first to the second lacks it.
     */
    public Optional<String> importedBetween(long from, long to) {
        return engine.volumes.all().stream()
                .filter(volume -> from <= volume.importedAt() && volume.importedAt() < to)
                .map(Volume::name)
                .findFirst();
    }

    /** The size that a volume has in the log, which hosts may not have been told yet. */
    public long newestSizeBytes(int id) throws ReplicaException {
        return engine.volumes.named(id).sizeAt(Long.MAX_VALUE);
    }

    /** Makes a thin volume that reads as zeros. */
    public CompletableFuture<VolumeInfo> addVolume(String name, long sizeBytes) {
        return volumeChanges.add(name, sizeBytes);
    }

    /**
     * Makes a volume with the content of a raw image, copied without its zeros; {@code source}
     * stays the caller's and untouched.
     */
    public CompletableFuture<VolumeInfo> importVolume(
            String name, StorageFile source, Progress progress) {
        return volumeChanges.importFrom(name, source, progress);
    }

    /** Grows a volume, in use or not. */
    public CompletableFuture<VolumeInfo> resizeVolume(int id, long newSizeBytes) {
        return volumeChanges.resize(id, newSizeBytes);
    }

    public CompletableFuture<Void> renameVolume(int id, String name) {
        return volumeChanges.rename(id, name);
    }

    /**
     * Deletes a volume and its past; IN_USE while handles, images, views or a promotion need it.
     */
    public CompletableFuture<Void> removeVolume(int id) {
        return volumeChanges.remove(id);
    }

    private boolean isViewed(int volume) {
        return views.stream()
                .flatMap(view -> view.volumes().stream())
                .anyMatch(viewed -> viewed.id() == volume);
    }

    /** A new handle of the live disk. */
    public BlockDevice openVolume(int id) throws ReplicaException {
        engine.roles.requireActive();
        if (engine.health.isClosing()) {
            throw new ReplicaException(
                    ReplicaException.Kind.FAILED, "group " + engine.id + " is closed");
        }
        return new LiveDevice(
                engine.log,
                engine.volumes.named(id),
                engine.health,
                engine.rules,
                engine.scheduler.io(),
                LiveDevice.maximumBytes(engine.journal.redo().maximumPayloadBytes()));
    }

    /** Makes a tagged checkpoint, durable when the future completes. */
    public CompletableFuture<Checkpoint> addCheckpoint(String name, String description) {
        var refusal = engine.health.refusal();
        if (refusal != null) {
            return CompletableFuture.failedFuture(Failures.replica(refusal));
        }
        try {
            engine.roles.requireActive();
        } catch (ReplicaException notHere) {
            return CompletableFuture.failedFuture(notHere);
        }
        return engine.checkpoints.add(name, description);
    }

    /** The newest checkpoints of the query's range, oldest first. */
    public List<Checkpoint> checkpoints(CheckpointQuery query) {
        List<Checkpoint> newestFirst =
                engine.journal.checkpoints(
                        query.fromMicros(), query.toMicros(), query.limit(), query.taggedOnly());
        List<Checkpoint> kept = new ArrayList<>(newestFirst);
        kept.removeIf(checkpoint -> engine.promotions.isGone(checkpoint.sequence()));
        Collections.reverse(kept);
        return kept;
    }

    /** Which exact point a view at {@code spec} would take. */
    public CompletableFuture<Point> resolve(PointSpec spec) {
        return engine.maintenance.submit(() -> engine.promotions.resolve(spec));
    }

    public CompletableFuture<PointInTimeView> openView(PointSpec spec) {
        return afterStart(() -> engine.maintenance.submit(() -> view(spec)));
    }

    /** A step that has to know whether a promotion has begun. */
    private interface Step<T> {
        CompletableFuture<T> run();
    }

    private <T> CompletableFuture<T> afterStart(Step<T> step) {
        CompletableFuture<Void> starting = engine.promotions.starting();
        return starting == null
                ? step.run()
                : starting.handle((nothing, failure) -> 0).thenCompose(either -> step.run());
    }

    /** On the maintenance executor. */
    private PointInTimeView view(PointSpec spec)
            throws ReplicaException, JournalException, PointException {
        Point point = engine.promotions.resolve(spec);
        HeldSource held = engine.promotions.viewInside(point);
        if (held == null) {
            PointSource source =
                    PointSource.open(engine.journal, engine.volumes, engine.rules, point);
            held = new HeldSource(source, source::close);
        }
        Runnable letGo = held.letGo();
        PointView[] self = new PointView[1];
        PointView view =
                new PointView(
                        point,
                        volumesAt(point),
                        held.source(),
                        engine.meters,
                        engine.scheduler.io(),
                        () -> {
                            views.remove(self[0]);
                            letGo.run();
                        });
        self[0] = view;
        views.add(view);
        return view;
    }

    private List<PointVolume> volumesAt(Point point) {
        List<PointVolume> existing = new ArrayList<>();
        for (Volume volume : engine.volumes.all()) {
            if (volume.existedAt(point.sequence())) {
                long size = volume.sizeAt(point.sequence());
                existing.add(new PointVolume(volume.id(), volume.name(), size));
            }
        }
        return existing;
    }

    /**
     * What changed on a live disk since a point, as of each question. Exact from a checkpoint on;
     * from any other point on, the interval that it lies in may count as a whole.
     */
    public CompletableFuture<HistoryMap> changedSince(int volume, PointSpec since) {
        return engine.maintenance.submit(() -> histories.liveChanges(volume, since));
    }

    /** What changed between a point and that of a view, which stays open meanwhile. */
    public CompletableFuture<HistoryMap> changedSince(
            PointInTimeView view, int volume, PointSpec since) {
        return engine.maintenance.submit(
                () -> histories.changes(open(view).source(), null, volume, since));
    }

    /** What changed between a point and what a running image reads as, its own writes included. */
    public CompletableFuture<HistoryMap> changedSince(Image image, int volume, PointSpec since) {
        return engine.maintenance.submit(() -> {
            ImageDisk disk = engine.images.named(image.id());
            return histories.changes(disk.base(), disk, volume, since);
        });
    }

    /**
     * The last write of every byte of a live disk, as of each question: exact for what is not
     * folded yet, else the end of the interval; 0 for what was written before the window.
     */
    public CompletableFuture<HistoryMap> lastWrites(int volume, HistoryMap.Mark mark) {
        return engine.maintenance.submit(() -> histories.liveLastWrites(volume, mark));
    }

    /** The last write of every byte up to the point of a view, which stays open meanwhile. */
    public CompletableFuture<HistoryMap> lastWrites(
            PointInTimeView view, int volume, HistoryMap.Mark mark) {
        return engine.maintenance.submit(
                () -> histories.lastWrites(open(view).source(), volume, mark));
    }

    private PointView open(PointInTimeView view) throws ReplicaException {
        for (PointView open : views) {
            if (open == view) {
                return open;
            }
        }
        throw new ReplicaException(ReplicaException.Kind.FAILED, "the view is closed");
    }

    /** Starts a recovery test; durable when the future completes. */
    public CompletableFuture<Image> startImage(UUID imageId, PointSpec spec) {
        return afterStart(() ->
                engine.maintenance.submit(() -> {
                    Point point = engine.promotions.resolve(spec);
                    engine.promotions.checkOutside(point);
                    return engine.images.start(imageId, point, volumesAt(point));
                }));
    }

    /** Running images, also those from before a restart, by start time. */
    public List<Image> images() {
        return engine.images.all();
    }

    /**
     * Discards an image and its writes. IN_USE while handles are open, unless {@code force}: they
     * then fail with SHUTDOWN.
     */
    public CompletableFuture<Void> stopImage(UUID imageId, boolean force) {
        return engine.images.stop(imageId, force);
    }

    /**
     * Sets the live disks back to a point, in place; what was before stays in the history. Failures
     * arrive through the task.
     */
    public PromotionTask rollback(PointSpec spec) {
        return engine.promotions.rollback(spec);
    }

    /**
     * Makes an image, with its writes, the live disks; the image ends with it. IN_USE while the
     * image has open handles.
     */
    public PromotionTask promote(UUID imageId) {
        return engine.promotions.promote(imageId);
    }

    /** The rollback or promotion in progress, also one resumed by {@link #open}. */
    public @Nullable PromotionTask promotion() {
        return engine.promotions.task();
    }

    public GroupStatus status() {
        Journal journal = engine.journal;
        return new GroupStatus(
                engine.id,
                journal.epoch(),
                engine.health.state(engine.promotions.isRunning()),
                engine.health.reason(),
                journal.redo().lastSequence(),
                journal.redo().lastTimeMicros(),
                journal.redo().durableSequence(),
                journal.goldBoundary().sequence(),
                engine.throttle.unfoldedBytes(),
                engine.throttle.limitBytes(),
                engine.throttle.waitingCount(),
                journal.history(),
                engine.images.count(),
                views.size());
    }

    public GroupCounters counters() {
        Meters meters = engine.meters;
        return new GroupCounters(
                engine.volumes.all().stream().map(Volume::counters).toList(),
                meters.folds.sum(),
                meters.foldedBytes.sum(),
                meters.beforeImageBytes.sum(),
                meters.goldBytes.sum(),
                engine.throttle.throttledCount(),
                meters.viewReads.sum(),
                meters.viewReadBytes.sum(),
                meters.writeLogBytes.sum(),
                meters.promotedBytes.sum(),
                journaled(),
                engine.tapped.counters(),
                engine.journal.counters());
    }

    /** A write that finds no place in the journal fails: none is ever left out. */
    private CopyCounters journaled() {
        WriteTally.At now = engine.tally.now();
        return new CopyCounters(now.records(), now.bytes(), 0);
    }

    /** Changes the windows; takes effect at the next retention pass. */
    public void setHistory(Duration window, long bytes, Duration fineWindow) {
        engine.journal.setHistory(Engine.micros(window), bytes, Engine.micros(fineWindow));
    }

    /** Time between automatic checkpoints, 0.1 to 60 s. */
    public void setCheckpointInterval(Duration interval) {
        engine.checkpoints.setInterval(interval);
    }

    /**
     * Stops accepting requests, marks a checkpoint, folds everything: gold is then the disk. Call
     * {@link #close} next.
     */
    public CompletableFuture<Void> drain() {
        return engine.drain.start();
    }

    /**
     * Closes all files. After {@link #drain} everything is in gold; without, as safe as a crash of
     * the process. Idempotent.
     */
    @Override
    public void close() {
        engine.health.startClosing();
        engine.maintenance.close(() -> {
            try {
                engine.close();
            } catch (JournalException failure) {
                engine.listener.event(engine.id, "closing: " + Failures.message(failure));
            }
            closeQuietly(lock);
        });
    }
}
