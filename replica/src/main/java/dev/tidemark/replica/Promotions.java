package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordKind;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Rollback and promotion, one mechanism. The intent is forced into the manifest; a PROMOTE record
 * makes the head the image at once; when gold has reached that record, what may differ is copied as
 * ordinary writes wherever nothing was written since; a PROMOTED record ends it. Everything needed
 * to resume is in the manifest and the log. Of the maintenance executor, but for what says
 * otherwise.
 */
final class Promotions implements Fold.FoldGuard {
    private final Engine engine;
    private final Journal journal;
    private final EndedPromotions ended;
    private volatile @Nullable RunningPromotion running;
    private volatile Scheduler.@Nullable Cancellable retry;

    Promotions(Engine engine) {
        this.engine = engine;
        this.journal = engine.journal;
        this.ended = new EndedPromotions(journal);
    }

    @Nullable PromotionTask task() {
        RunningPromotion now = running;
        return now == null ? null : now.task;
    }

    /** From any thread. */
    PromotionTask rollback(PointSpec spec) {
        Promotion task = new Promotion(null);
        run(
                task,
                () -> {
                    checkIdle();
                    engine.roles.requireActive();
                    Point point = resolve(spec);
                    checkOutside(point);
                    begin(task, point, journal.epoch() + 1);
                    return true;
                });
        return task;
    }

    /** Makes this copy the active site. From any thread. */
    PromotionTask takeOver(PointSpec spec, int tenure) {
        Promotion task = new Promotion(null);
        run(
                task,
                () -> {
                    checkIdle();
                    Role role = engine.roles.role();
                    if (role.state() != GroupRole.STANDBY
                            || tenure <= role.tenure()
                            || tenure > Role.MAXIMUM_TENURE) {
                        throw new ReplicaException(
                                ReplicaException.Kind.INVALID,
                                "tenure "
                                        + tenure
                                        + " cannot be taken: the group is "
                                        + role.state()
                                        + " here, in tenure "
                                        + role.tenure());
                    }
                    Point point = resolve(spec);
                    // The source's last record stays a point as long as history reaches back.
                    journal.redo().submit();
                    engine.log.write(Mark.nothing(engine.log::cut));
                    beginWhole(task, point, tenure << Role.TENURE_SHIFT);
                    return true;
                });
        return task;
    }

    /** Sets the disks of a group that is no longer active back. On the maintenance executor. */
    PromotionTask setBack(Point point, int epoch)
            throws ReplicaException, JournalException, PointException {
        checkIdle();
        Promotion task = new Promotion(null);
        beginWhole(task, point, epoch);
        return task;
    }

    /**
     * Of every volume: one that did not exist at the point is empty then. From which number on it
     * exists differs between sites, and what it became must not.
     */
    private void beginWhole(Promotion task, Point point, int epoch)
            throws JournalException, PointException {
        PointSource source = PointSource.open(journal, engine.volumes, engine.rules, point);
        List<Integer> all = engine.volumes.all().stream().map(Volume::id).toList();
        begin(task, point, source, null, epoch, all);
    }

    private void begin(Promotion task, Point point, int epoch)
            throws JournalException, PointException {
        begin(
                task,
                point,
                PointSource.open(journal, engine.volumes, engine.rules, point),
                null,
                epoch,
                existingAt(point));
    }

    private List<Integer> existingAt(Point point) {
        return engine.volumes.all().stream()
                .filter(volume -> volume.existedAt(point.sequence()))
                .map(Volume::id)
                .toList();
    }

    /** From any thread. */
    PromotionTask promote(UUID imageId) {
        Promotion task = new Promotion(imageId);
        run(
                task,
                () -> {
                    checkIdle();
                    engine.roles.requireActive();
                    ImageDisk image = engine.images.named(imageId);
                    image.freeze();
                    if (image.openHandles() > 0) {
                        int handles = image.openHandles();
                        image.thaw();
                        throw new ReplicaException(
                                ReplicaException.Kind.IN_USE,
                                "image "
                                        + imageId
                                        + " has "
                                        + handles
                                        + " open handles; disconnect them before promoting it");
                    }
                    forceWrites(image);
                    begin(
                            task,
                            image.point(),
                            image,
                            image,
                            journal.epoch() + 1,
                            existingAt(image.point()));
                    return true;
                });
        return task;
    }

    /** What the live disks are going to read as must survive what the PROMOTE record survives. */
    private static void forceWrites(ImageDisk image) throws JournalException {
        try {
            image.log().forceNow(image.log().lastSequence());
        } catch (JournalException failure) {
            image.thaw();
            throw failure;
        }
    }

    private void run(Promotion task, Callable<Boolean> step) {
        var _ =
                engine.maintenance
                        .submit(step)
                        .whenComplete((nothing, failure) -> {
                            if (failure != null) {
                                task.fail(failure);
                            }
                        });
    }

    private void checkIdle() throws ReplicaException {
        BlockDeviceException refusal = engine.health.refusal();
        if (refusal != null) {
            throw Failures.replica(refusal);
        }
        if (running != null) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "a rollback or promotion is in progress; wait for its end");
        }
    }

    private void begin(
            Promotion task,
            Point point,
            Source source,
            @Nullable ImageDisk image,
            int epoch,
            List<Integer> covered)
            throws JournalException {
        PromotionRecord record = new PromotionRecord(epoch, 0, point, task.image(), covered);
        RunningPromotion started = running(task, record, source, image);
        try {
            journal.putAttribute(PromotionRecord.KEY, record.encode(), true);
        } catch (JournalException failure) {
            letGo(started);
            throw failure;
        }
        running = started;
        task.point().complete(point);
        Mark mark =
                Mark.promote(
                        epoch,
                        () -> engine.head.startClaims(started.promoted),
                        promote -> appended(started, promote));
        engine.log.write(mark);
        var _ =
                mark.done()
                        .whenComplete((nothing, failure) ->
                                engine.maintenance.execute(() -> begun(started, failure)));
    }

    private RunningPromotion running(
            Promotion task, PromotionRecord record, Source source, @Nullable ImageDisk image) {
        RunningPromotion[] self = new RunningPromotion[1];
        self[0] =
                new RunningPromotion(
                        task,
                        record,
                        source,
                        image,
                        () -> engine.maintenance.execute(() -> letGo(self[0])));
        return self[0];
    }

    /** Under the redo log's lock. */
    private void appended(RunningPromotion started, Mark promote) {
        started.promoted.startAt(promote.sequence());
        engine.head.promote(started.promoted);
        engine.log.boundary(promote, null);
    }

    private void begun(RunningPromotion started, @Nullable Throwable failure) {
        try {
            if (failure == null) {
                record(started, true);
                takeRole(started);
                started.task.usable().complete(null);
                engine.listener.promotionStarted(
                        engine.id, started.record.point().sequence(), started.record.epoch());
                advance();
            } else if (started.promoted.sequence() == 0) {
                engine.head.startClaims(null);
                running = null;
                journal.deleteAttribute(PromotionRecord.KEY, true);
                letGo(started);
                started.task.fail(failure);
            } else {
                started.task.fail(failure);
            }
        } catch (JournalException failed) {
            started.task.fail(failed);
        }
    }

    /**
     * A PROMOTE record whose epoch is of a tenure that the role does not know yet: this site has
     * taken the group over with it.
     */
    private void takeRole(RunningPromotion now) throws JournalException {
        Role role = engine.roles.role();
        int tenure = now.record.epoch() >>> Role.TENURE_SHIFT;
        if (role.state() == GroupRole.STANDBY && tenure > role.tenure()) {
            long promote = now.promoted.sequence();
            // What the source did not end will not end any more.
            ended.end(promote);
            HalfSync half = engine.roles.halfSync();
            long lastSource = half == null ? role.toSource(promote - 1) : half.base().sequence();
            engine.roles.set(
                    role.takenOver(tenure, now.record.point().sequence(), promote - 1, lastSource));
        }
    }

    /** The manifest learns the PROMOTE record's place before gold can pass it. */
    private void record(RunningPromotion started, boolean force) throws JournalException {
        if (!started.recorded && started.promoted.sequence() > 0) {
            started.record = started.record.startedAt(started.promoted.sequence());
            journal.putAttribute(PromotionRecord.KEY, started.record.encode(), force);
            started.recorded = true;
        }
    }

    @Override
    public void before(Layer layer) throws JournalException {
        RunningPromotion now = running;
        if (now != null) {
            record(now, false);
        }
    }

    @Override
    public void folded() {
        if (running != null) {
            advance();
        }
    }

    /** Goes on when the fold does. */
    @Override
    public void stalled(String reason) {}

    /** Takes the next step there is to take. */
    private void advance() {
        RunningPromotion now = running;
        if (now == null
                || now.copying
                || now.ending
                || engine.health.refusal() != null
                || engine.throttle.isClosed()
                || !now.recorded) {
            return;
        }
        if (!engine.rules.mayCopy()) {
            advanceLater();
            return;
        }
        try {
            CopyPass pass = now.pass;
            if (pass == null) {
                if (journal.goldBoundary().sequence() < now.promoted.sequence()) {
                    return;
                }
                pass = now.newPass(engine);
                now.pass = pass;
            }
            CompletableFuture<Void> step = pass.next();
            now.task.progressed(pass.passedBytes(), pass.totalBytes());
            if (step == null) {
                finish(now);
            } else {
                now.copying = true;
                resumeAfter(step, () -> now.copying = false);
            }
        } catch (JournalException failure) {
            stalled(Failures.device(failure));
        } catch (BlockDeviceException failure) {
            stalled(failure);
        }
    }

    private void resumeAfter(CompletableFuture<Void> step, Runnable first) {
        var _ =
                step.whenComplete((nothing, failure) ->
                        engine.maintenance.execute(() -> {
                            first.run();
                            if (failure == null) {
                                advance();
                            } else {
                                stalled(failure);
                            }
                        }));
    }

    /** Tried again later; a failed group is not. */
    private void stalled(Throwable failure) {
        if (engine.health.refusal() != null) {
            RunningPromotion now = running;
            if (now != null) {
                now.task.fail(failure);
            }
            return;
        }
        engine.listener.event(
                engine.id, "the promotion waits and goes on later: " + Failures.message(failure));
        advanceLater();
    }

    private void advanceLater() {
        retry =
                engine.scheduler.schedule(
                        engine.options.retryInterval().toNanos(),
                        () -> engine.maintenance.execute(this::advance));
    }

    private void finish(RunningPromotion now) {
        now.ending = true;
        Mark mark =
                Mark.promotion(
                        RecordKind.PROMOTED,
                        () -> {},
                        promoted -> {
                            engine.head.endPromotion();
                            engine.log.boundary(promoted, null);
                        });
        engine.log.write(mark);
        var _ =
                mark.done()
                        .whenComplete((nothing, failure) ->
                                engine.maintenance.execute(
                                        () -> finished(now, mark.sequence(), failure)));
    }

    private void finished(RunningPromotion now, long lastSequence, @Nullable Throwable failure) {
        if (failure != null) {
            now.ending = false;
            stalled(failure);
            return;
        }
        try {
            end(now, lastSequence);
        } catch (JournalException failed) {
            // The promotion is over; at worst the next opening finds nothing left to copy and ends
            // it again.
            now.task.fail(failed);
        }
    }

    private void end(RunningPromotion now, long lastSequence) throws JournalException {
        ended.add(new PromotionRecord.Ended(now.promoted.sequence(), lastSequence));
        ImageDisk image = now.image;
        if (image != null) {
            engine.images.forget(image);
        }
        journal.deleteAttribute(PromotionRecord.KEY, true);
        running = null;
        now.users.close();
        now.task.end();
        engine.listener.promotionEnded(
                engine.id, now.record.point().sequence(), now.record.epoch());
    }

    /** Nobody reads the image any more. */
    private void letGo(RunningPromotion now) {
        ImageDisk image = now.image;
        if (image == null) {
            if (now.source instanceof PointSource source) {
                source.close();
            }
            return;
        }
        if (now.task.done().isCompletedExceptionally() || !now.users.isClosed()) {
            image.thaw();
            return;
        }
        var _ =
                image.close()
                        .thenCompose(quiet ->
                                engine.maintenance.submit(() -> {
                                    engine.images.dispose(image);
                                    return null;
                                }));
    }

    /** Whether a completed promotion took this point away. From any thread. */
    boolean isGone(long sequence) {
        return ended.contain(sequence);
    }

    /** Whether the source began a promotion, or a synchronisation began, that has not ended. */
    boolean hasGap() {
        return ended.hasOpen();
    }

    /** Stretches of the history without points, oldest first. */
    List<HistoryGap> gaps() {
        return ended.after(journal.history().tail().sequence()).stream()
                .map(past ->
                        new HistoryGap(
                                past.first() - 1,
                                micros(past.first()),
                                past.last() == Long.MAX_VALUE ? 0 : past.last(),
                                past.last() == Long.MAX_VALUE ? 0 : micros(past.last()),
                                past.synchronised(),
                                past.why()))
                .toList();
    }

    /** Both ends of a stretch are boundaries; until they are folded, they are among the newest. */
    private long micros(long sequence) {
        Boundary at = journal.boundaryUpTo(sequence);
        return at == null || at.sequence() != sequence
                ? journal.redo().lastTimeMicros()
                : at.timeMicros();
    }

    /** The newest point up to a record that no promotion took away. */
    long lastBefore(long sequence) {
        return ended.lastBefore(sequence);
    }

    /** Resolves a point; blocking. */
    Point resolve(PointSpec spec) throws ReplicaException {
        try {
            Point point = journal.resolve(spec);
            ended.check(point.sequence());
            return point;
        } catch (PointException | JournalException failure) {
            throw Failures.replica(failure);
        }
    }

    /**
     * Images and rollbacks to points inside the promotion in progress would have to outlive its
     * image.
     */
    void checkOutside(Point point) throws ReplicaException {
        RunningPromotion now = running;
        if (now != null && now.isInside(point)) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "sequence number "
                            + point.sequence()
                            + " lies inside the rollback or promotion in progress; wait for its end, or open a read-only view");
        }
    }

    /** Not yet known whether points are inside: completes when it is; null when it is known. */
    @Nullable CompletableFuture<Void> starting() {
        RunningPromotion now = running;
        return now == null || now.task.usable().isDone() ? null : now.task.usable();
    }

    /** A source for a point inside the promotion in progress; null when the point is outside. */
    @Nullable HeldSource viewInside(Point point) throws JournalException, PointException {
        RunningPromotion now = running;
        return now == null || !now.isInside(point) ? null : now.view(engine, point);
    }

    /** The source of this copy begins a promotion: points from here on wait for its end. */
    CompletableFuture<Mark> sourceBegins(long local) {
        return engine.maintenance.submit(() -> {
            if (running != null) {
                throw new ReplicaException(
                        ReplicaException.Kind.IN_USE, "this site takes the group over");
            }
            ended.requireFewOpen();
            ended.requireRoom();
            ended.begin(local);
            return sourceMark(RecordKind.PROMOTE);
        });
    }

    /** The source's promotion ends with the record that gets this number. */
    CompletableFuture<Mark> sourceEnds(long local) {
        return engine.maintenance.submit(() -> {
            ended.end(local);
            return sourceMark(RecordKind.PROMOTED);
        });
    }

    /**
     * A synchronisation of this copy begins, or begins anew: from here on it is no source's record
     * that the log ends with.
     *
     * @return whether it is to put a PROMOTE record into the log, under this number
     */
    boolean syncBegins(long local) throws ReplicaException, JournalException {
        Role role = engine.roles.role();
        requireCopy(role);
        HalfSync half = engine.roles.halfSync();
        // A volume that is added must come after a record of its own, so that the point before the
        // gap has not got it.
        if (half != null && ended.hasOpen() && local - 1 > half.lastLocal()) {
            return false;
        }
        engine.roles.requireKnownTenure(journal.epoch() + 1);
        ended.requireRoom();
        ended.beginSync(local);
        if (half == null) {
            // What it begins after must not be lost with the power.
            journal.redo().forceNow(local - 1);
            half =
                    new HalfSync(
                            role.newest().localSequence(),
                            local - 1,
                            new StreamPosition(
                                    role.toSource(local - 1),
                                    journal.redo().lastTimeMicros(),
                                    journal.epoch()));
        }
        engine.roles.beginSync(half);
        return true;
    }

    /**
     * A synchronisation has come to its end with a PROMOTED record, which is durable.
     *
     * @param why it was needed
     */
    void syncEnds(Mark promoted, StreamPosition position, String why)
            throws ReplicaException, JournalException {
        Role role = engine.roles.role();
        requireCopy(role);
        HalfSync half = engine.roles.halfSync();
        long last = promoted.sequence();
        boolean late = promoted.timeMicros() > position.timeMicros();
        long floor = late ? promoted.timeMicros() : 0;
        ended.end(last, why);
        long there = position.sequence();
        UUID source = role.newest().source();
        engine.roles.endSync(role.rejoined(new Role.Stretch(source, last, there, there, floor)));
        engine.listener.event(
                engine.id,
                "points between record "
                        + (half == null ? role.newest().localSequence() : half.lastLocal())
                        + " and "
                        + last
                        + " are not there: the copy was synchronised");
    }

    private void requireCopy(Role role) throws ReplicaException {
        if (role.state() != GroupRole.STANDBY || running != null) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "the group is no copy any more, or is about to be none");
        }
    }

    private Mark sourceMark(RecordKind kind) {
        return Mark.promotion(kind, () -> {}, mark -> engine.log.boundary(mark, null));
    }

    boolean isRunning() {
        return running != null;
    }

    boolean covers(int volume) {
        RunningPromotion now = running;
        return now != null && now.promoted.covers(volume);
    }

    /** Finds what was going on; before redo is replayed. Blocking. */
    void recover() throws ReplicaException, JournalException {
        ended.recover();
        byte[] bytes = journal.attributes().get(PromotionRecord.KEY);
        if (bytes != null) {
            resume(PromotionRecord.decode(bytes));
        }
    }

    private void resume(PromotionRecord record) throws ReplicaException, JournalException {
        UUID imageId = record.image();
        ImageDisk image = null;
        Source source;
        if (imageId == null) {
            try {
                source = PointSource.open(journal, engine.volumes, engine.rules, record.point());
            } catch (PointException gone) {
                throw Failures.replica(gone);
            }
        } else {
            if (!engine.images.exists(imageId)) {
                // The end had begun: the image was forgotten, so nothing differs any more.
                journal.deleteAttribute(PromotionRecord.KEY, true);
                return;
            }
            // The live disk needs every write of it: without them the group does not open.
            image = engine.images.named(imageId);
            image.freeze();
            source = image;
        }
        RunningPromotion resumed = running(new Promotion(imageId), record, source, image);
        resumed.recorded = record.sequence() > 0;
        resumed.task.point().complete(record.point());
        running = resumed;
        Boundary gold = journal.goldBoundary();
        if (resumed.recorded && record.sequence() <= gold.sequence()) {
            resumed.promoted.startAt(record.sequence());
            PromotionHistory.fill(
                    resumed.promoted,
                    journal,
                    record.volumes(),
                    record.sequence(),
                    gold,
                    gold.sequence());
            engine.head.promote(resumed.promoted);
        }
    }

    /** Replay has come to a PROMOTE record. */
    void replayedPromote(long sequence, int epoch) throws JournalException {
        RunningPromotion now = running;
        if (now != null && now.record.epoch() == epoch) {
            now.promoted.startAt(sequence);
            engine.head.promote(now.promoted);
        } else if (engine.roles.role().state() == GroupRole.STANDBY) {
            ended.begin(sequence);
        }
    }

    /**
     * Replay has come to a PROMOTED record: the head is whole again, the rest of the end is done by
     * {@link #resumeAfterReplay}.
     */
    void replayedPromoted(long sequence) throws JournalException {
        if (engine.roles.role().state() == GroupRole.STANDBY) {
            ended.end(sequence);
        }
        RunningPromotion now = running;
        if (now != null && engine.head.promoted() == now.promoted) {
            engine.head.endPromotion();
            now.ending = true;
            now.task.progressed(sequence, sequence);
            endedAt = sequence;
        }
    }

    private long endedAt;

    /** Goes on with what was going on. Blocking; at the end of opening. */
    void resumeAfterReplay() throws JournalException {
        RunningPromotion now = running;
        if (now == null) {
            return;
        }
        if (now.promoted.sequence() == 0) {
            // Only the intent was durable: it has not happened, and nobody was told that it had.
            running = null;
            journal.deleteAttribute(PromotionRecord.KEY, true);
            letGo(now);
            return;
        }
        takeRole(now);
        now.task.usable().complete(null);
        if (now.ending) {
            end(now, endedAt);
            return;
        }
        record(now, true);
        engine.listener.promotionStarted(
                engine.id, now.record.point().sequence(), now.record.epoch());
        engine.maintenance.execute(this::advance);
    }

    void stop() {
        Scheduler.Cancellable pending = retry;
        if (pending != null) {
            pending.cancel();
        }
    }
}
