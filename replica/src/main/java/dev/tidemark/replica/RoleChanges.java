package dev.tidemark.replica;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordLog;
import dev.tidemark.replica.Role.Rejoining;
import dev.tidemark.replica.Role.Stretch;
import dev.tidemark.replica.Role.Takeover;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What makes a group something else at this site, but for a takeover, which is a promotion: fencing
 * it, taking it back, and making it a copy of the site that is active now. Each step is in the
 * manifest before it counts, so that opening the group goes on where it was. Of the maintenance
 * executor.
 */
final class RoleChanges {
    private final Engine engine;

    /** What a group that rejoins is set back to. */
    private @Nullable Pin pin;

    /** The promotion in progress will call back. */
    private boolean following;

    private volatile Scheduler.@Nullable Cancellable retry;

    RoleChanges(Engine engine) {
        this.engine = engine;
    }

    /**
     * No host's write gets a number from here on. From any thread.
     *
     * @param ownWill also in the tenure in force
     * @return the last sequence number, on stable storage
     */
    CompletableFuture<Long> fence(int tenure, boolean ownWill) {
        CompletableFuture<Boolean> fenced =
                engine.maintenance.submit(() -> {
                    Role now = engine.roles.role();
                    boolean served =
                            now.state() == GroupRole.ACTIVE || now.state() == GroupRole.FENCED;
                    boolean given = ownWill && now.state() == GroupRole.ACTIVE;
                    if (served && (tenure > now.tenure() || given)) {
                        engine.roles.set(now.with(GroupRole.FENCED, tenure));
                    }
                    return given;
                });
        return fenced.thenCompose(given ->
                        given
                                ? engine.checkpoints.handover()
                                : CompletableFuture.<Void>completedFuture(null))
                .thenCompose(quiet -> engine.maintenance.submit(this::last));
    }

    /**
     * The number of the last record, forced: what was staged is in the log, and what is staged from
     * now on is refused. The point there can be had as long as history reaches back.
     */
    private long last() throws JournalException {
        RecordLog redo = engine.journal.redo();
        redo.submit();
        engine.log.write(Mark.nothing(engine.log::cut));
        long last = redo.lastSequence();
        redo.forceNow(last);
        return last;
    }

    /** From any thread. */
    CompletableFuture<Void> reinstate(int tenure) {
        return engine.maintenance.submit(() -> {
            Role now = engine.roles.role();
            boolean fenced = now.state() == GroupRole.FENCED && tenure >= now.tenure();
            boolean behind = now.state() == GroupRole.ACTIVE && tenure > now.tenure();
            if ((fenced || behind) && tenure <= Role.MAXIMUM_TENURE) {
                engine.roles.set(now.with(GroupRole.ACTIVE, tenure));
            }
            return null;
        });
    }

    /** From any thread. */
    CompletableFuture<Void> claim(int tenure) {
        return engine.maintenance.submit(() -> {
            Role now = engine.roles.role();
            engine.roles.requireActive();
            if (tenure <= now.tenure() || tenure > Role.MAXIMUM_TENURE) {
                throw new ReplicaException(
                        ReplicaException.Kind.INVALID,
                        "tenure " + tenure + " cannot follow tenure " + now.tenure());
            }
            engine.roles.set(now.with(GroupRole.ACTIVE, tenure));
            return null;
        });
    }

    /** From any thread. */
    CompletableFuture<Void> learn(int tenure) {
        return engine.maintenance.submit(() -> {
            Role now = engine.roles.role();
            if (now.state() == GroupRole.STANDBY && tenure > now.tenure()) {
                engine.roles.set(now.with(GroupRole.STANDBY, tenure));
            }
            return null;
        });
    }

    /** From any thread. */
    CompletableFuture<Void> rejoin(
            UUID source, int tenure, long point, long sourceSequence, long sourcePoint) {
        return engine.maintenance.submit(() -> {
            begin(source, tenure, new Rejoining(point, sourceSequence, sourcePoint, 0));
            return null;
        });
    }

    /**
     * A copy of one site becomes that of another one. From any thread.
     *
     * @param how the new source took the group over from the one before; null when nothing is known
     */
    CompletableFuture<Void> goOver(UUID source, int tenure, @Nullable Succession how) {
        return engine.maintenance.submit(() -> {
            Role now = mayBecomeCopy(source, tenure);
            if (now != null) {
                // What the source before has staged gets a number now, or none.
                engine.roles.goesOver(false);
                try {
                    goOver(now, source, tenure, how);
                } finally {
                    engine.roles.goesOver(true);
                }
            }
            return null;
        });
    }

    private void goOver(Role now, UUID source, int tenure, @Nullable Succession how)
            throws ReplicaException, JournalException {
        long last = last();
        if (how == null || !isInOrder(now, how)) {
            becomeUnknown(now, source, tenure, last);
            return;
        }
        long ofFrom = now.toSource(last);
        if (how.has(ofFrom)) {
            long there = how.own(ofFrom);
            become(now, tenure, new Stretch(source, last, there, there, 0));
            return;
        }
        boolean ahead = ofFrom > how.shipped() && how.point() >= now.newest().sourceSequence();
        Rejoining where = new Rejoining(now.toLocal(how.point()), how.last(), how.ownPoint(), 0);
        if (!ahead || !setsBack(source, tenure, where)) {
            becomeUnknown(now, source, tenure, last);
        }
    }

    /** Whether this copy's last record is one of the site that another one took over from. */
    private boolean isInOrder(Role now, Succession how) {
        // Where a promotion or a synchronisation is open, or the stretch begins with the end of a
        // promotion that has not come yet, the content is not what the number says.
        Stretch newest = now.newest();
        return how.from().equals(now.source())
                && engine.roles.halfSync() == null
                && !engine.promotions.hasGap()
                && newest.sourcePoint() == newest.sourceSequence();
    }

    /** A fenced group becomes a copy that has to be compared as a whole. From any thread. */
    CompletableFuture<Void> startOver(UUID source, int tenure) {
        return engine.maintenance.submit(() -> {
            Role now = mayBecomeCopy(source, tenure);
            if (now != null && now.state() == GroupRole.ACTIVE) {
                throw new IllegalStateException("hosts write: the group is fenced first");
            }
            if (now != null) {
                becomeUnknown(now, source, tenure, last());
                engine.roles.goesOver(true);
            }
            return null;
        });
    }

    /** False when history does not reach back to where both agree. */
    private boolean setsBack(UUID source, int tenure, Rejoining where)
            throws ReplicaException, JournalException {
        try {
            begin(source, tenure, where);
            return true;
        } catch (ReplicaException failure) {
            if (failure.kind() == ReplicaException.Kind.OUTSIDE_WINDOW) {
                return false;
            }
            throw failure;
        }
    }

    private void becomeUnknown(Role now, UUID source, int tenure, long last)
            throws JournalException {
        long micros = engine.journal.redo().lastTimeMicros();
        become(now, tenure, Stretch.ofUnknown(source, last, micros));
    }

    private void become(Role now, int tenure, Stretch begin) throws JournalException {
        engine.roles.set(now.following(tenure, begin));
        engine.listener.event(
                engine.id,
                "the group is a copy of another site's from record "
                        + begin.localSequence()
                        + " on"
                        + (begin.isKnown() ? "" : "; it is compared as a whole first"));
    }

    /** The role, which may change; null when it has changed already. */
    private @Nullable Role mayBecomeCopy(UUID source, int tenure) throws ReplicaException {
        Role now = engine.roles.role();
        boolean copy = now.state() == GroupRole.STANDBY || now.state() == GroupRole.REJOINING;
        if (copy && source.equals(now.source()) && tenure == now.tenure()) {
            return null;
        }
        if (engine.promotions.task() != null) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "a rollback or promotion is in progress there; it has to end first");
        }
        requireMayFollow(now, tenure);
        return now;
    }

    private void requireMayFollow(Role now, int tenure) throws ReplicaException {
        if (!engine.roles.mayFollow(tenure)) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "the group is "
                            + now.state()
                            + " here in tenure "
                            + now.tenure()
                            + ": it does not become a copy in tenure "
                            + tenure);
        }
    }

    /** From any thread. */
    CompletableFuture<Void> giveBack(int tenure) {
        return engine.maintenance.submit(() -> {
            Role now = engine.roles.role();
            Takeover takeover = now.takeover();
            if (takeover == null) {
                throw new ReplicaException(
                        ReplicaException.Kind.INVALID,
                        "this site has not taken the group over from another one");
            }
            // A promotion of the source's that was cut short cannot be had without its image: it
            // has to come again, from before its beginning.
            long point = engine.promotions.lastBefore(takeover.lastLocal());
            begin(
                    takeover.from(),
                    tenure,
                    new Rejoining(point, now.toSource(point), now.pointInSource(point), 0));
            return null;
        });
    }

    private void begin(UUID source, int tenure, Rejoining where)
            throws ReplicaException, JournalException {
        Role now = engine.roles.role();
        if (now.state() == GroupRole.REJOINING
                && source.equals(now.source())
                && tenure == now.tenure()) {
            return;
        }
        requireMayFollow(now, tenure);
        hold(where.point());
        engine.roles.set(now.rejoining(source, tenure, where));
        engine.maintenance.execute(this::advance);
    }

    /** Nothing that the way back needs may expire. */
    private Point hold(long sequence) throws ReplicaException, JournalException {
        try {
            Point point = engine.promotions.resolve(new PointSpec.AtSequence(sequence));
            engine.promotions.checkOutside(point);
            Pin before = pin;
            pin = engine.journal.pin(point);
            if (before != null) {
                before.close();
            }
            return point;
        } catch (PointException gone) {
            throw Failures.replica(gone);
        }
    }

    /** Takes the next step towards being a copy, if there is one to take. */
    private void advance() {
        Role role = engine.roles.role();
        Rejoining to = role.rejoining();
        if (role.state() != GroupRole.REJOINING || to == null || engine.health.refusal() != null) {
            return;
        }
        PromotionTask running = engine.promotions.task();
        if (running != null) {
            follow(running);
            return;
        }
        // With everything that was staged before the role was another.
        Mark nothing = Mark.nothing(() -> {});
        engine.log.write(nothing);
        var _ =
                nothing.done()
                        .whenComplete((done, failure) ->
                                engine.maintenance.execute(() -> quiet(failure)));
    }

    private void quiet(@Nullable Throwable failure) {
        Role role = engine.roles.role();
        Rejoining to = role.rejoining();
        if (role.state() != GroupRole.REJOINING || to == null || engine.promotions.task() != null) {
            return;
        }
        try {
            if (failure != null) {
                throw Failures.replica(failure);
            }
            boolean setBack = to.epoch() > 0 && engine.journal.epoch() >= to.epoch();
            if (setBack || engine.journal.redo().lastSequence() == to.point()) {
                becomeCopy(role, to);
            } else {
                int epoch = engine.journal.epoch() + 1;
                Point point = hold(to.point());
                engine.roles.set(
                        new Role(
                                role.state(),
                                role.tenure(),
                                role.source(),
                                role.stretches(),
                                role.takeover(),
                                to.begun(epoch)));
                follow(engine.promotions.setBack(point, epoch));
            }
        } catch (ReplicaException | JournalException | PointException stalled) {
            later(stalled);
        }
    }

    private void follow(PromotionTask task) {
        if (following) {
            return;
        }
        following = true;
        var _ =
                task.done()
                        .whenComplete((nothing, failure) ->
                                engine.maintenance.execute(() -> {
                                    following = false;
                                    if (failure == null) {
                                        advance();
                                    } else {
                                        later(failure);
                                    }
                                }));
    }

    private void later(Throwable failure) {
        if (engine.health.refusal() != null) {
            return;
        }
        engine.listener.event(
                engine.id, "becoming a copy waits and goes on later: " + Failures.message(failure));
        retry =
                engine.scheduler.schedule(
                        engine.options.retryInterval().toNanos(),
                        () -> engine.maintenance.execute(this::advance));
    }

    private void becomeCopy(Role role, Rejoining to) throws JournalException {
        RecordLog redo = engine.journal.redo();
        long last = redo.lastSequence();
        redo.forceNow(last);
        UUID source = Objects.requireNonNull(role.source(), "whoever rejoins has one");
        engine.roles.set(
                role.rejoined(
                        new Stretch(
                                source,
                                last,
                                to.sourceSequence(),
                                to.sourcePoint(),
                                redo.lastTimeMicros())));
        engine.roles.goesOver(true);
        letGo();
        engine.listener.event(engine.id, "the group is a copy from record " + last + " on");
    }

    private void letGo() {
        Pin held = pin;
        pin = null;
        if (held != null) {
            held.close();
        }
    }

    /** Holds what the way back needs. Blocking; before retention begins. */
    void recover() throws ReplicaException, JournalException {
        Role role = engine.roles.role();
        Rejoining to = role.rejoining();
        if (role.state() == GroupRole.REJOINING && to != null && engine.promotions.task() == null) {
            hold(to.point());
        }
    }

    /** Goes on with what was going on. At the end of opening. */
    void resumeAfterReplay() {
        if (engine.roles.role().state() == GroupRole.REJOINING) {
            engine.maintenance.execute(this::advance);
        }
    }

    void stop() {
        Scheduler.Cancellable pending = retry;
        if (pending != null) {
            pending.cancel();
        }
    }
}
