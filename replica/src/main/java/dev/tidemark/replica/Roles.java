package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The group's role at this site and what follows from it for hosts. Changed on the maintenance
 * executor, asked from any thread.
 */
final class Roles {
    private final Journal journal;
    private volatile Role role = Role.FIRST;
    private volatile @Nullable HalfSync halfSync;

    /**
     * Even, and another one for each source that a copy has; odd while a copy goes over to another
     * source. What brings records of one before gets none into the log.
     */
    private final AtomicInteger source = new AtomicInteger();

    /** Who waits for the state to be another one. */
    private final List<Leaving> leaving = new CopyOnWriteArrayList<>();

    private record Leaving(GroupRole state, CompletableFuture<Void> left) {}

    Roles(Journal journal) {
        this.journal = journal;
    }

    /** Reads what the manifest knows; before anything is opened. */
    void recover() throws ReplicaException {
        byte[] bytes = journal.attributes().get(Role.KEY);
        if (bytes != null) {
            role = Role.decode(bytes);
        }
        byte[] half = journal.attributes().get(HalfSync.KEY);
        if (half != null) {
            halfSync = HalfSync.decode(half);
        }
    }

    Role role() {
        return role;
    }

    boolean isActive() {
        return role.state() == GroupRole.ACTIVE;
    }

    /** Whether this group may become a copy of another site than now, active in a tenure. */
    boolean mayFollow(int tenure) {
        Role now = role;
        boolean gone = now.state() == GroupRole.FENCED && tenure >= now.tenure();
        boolean older =
                (now.state() == GroupRole.ACTIVE || now.state() == GroupRole.STANDBY)
                        && tenure > now.tenure();
        return gone || older;
    }

    /**
     * Refuses an epoch of a source's that is of a tenure which the group has not come to: it would
     * outrank whoever takes the group over next.
     */
    void requireKnownTenure(int epoch) throws ReplicaException {
        requireTenure(epoch, role.tenure());
    }

    /** The same of a copy that begins in a tenure. */
    static void requireTenure(int epoch, int known) throws ReplicaException {
        int tenure = epoch >>> Role.TENURE_SHIFT;
        if (tenure > known) {
            throw RecordWire.malformed(
                    "epoch "
                            + epoch
                            + " is of tenure "
                            + tenure
                            + ", the group is in tenure "
                            + known);
        }
    }

    /** Durable when it returns. Blocking. */
    void set(Role next) throws JournalException {
        journal.putAttribute(Role.KEY, next.encode(), true);
        role = next;
        leaving.forEach(this::tell);
    }

    private void tell(Leaving one) {
        if (role.state() != one.state()) {
            one.left().complete(null);
        }
    }

    /** As {@link ProtectionGroup#left}. */
    CompletableFuture<Void> left(GroupRole state) {
        Leaving one = new Leaving(state, new CompletableFuture<>());
        leaving.add(one);
        var _ = one.left().whenComplete((nothing, failure) -> leaving.remove(one));
        // It may have been left since it was asked for.
        tell(one);
        return one.left();
    }

    /** Of a copy that is half synchronised, or has to be from the beginning; else null. */
    @Nullable HalfSync halfSync() {
        // In this order: what ends it is a new role.
        HalfSync half = halfSync;
        Role now = role;
        if (now.state() != GroupRole.STANDBY) {
            return null;
        }
        Role.Stretch newest = now.newest();
        if (half != null && half.stretch() == newest.localSequence()) {
            return half;
        }
        return newest.isKnown() ? null : HalfSync.ofUnknown(newest.localSequence());
    }

    /** Durable when it returns, with the edits before it. Blocking. */
    void beginSync(HalfSync half) throws JournalException {
        journal.putAttribute(HalfSync.KEY, half.encode(), true);
        halfSync = half;
    }

    /** The synchronisation has come to its end, which the role tells. Blocking. */
    void endSync(Role next) throws JournalException {
        set(next);
        halfSync = null;
        journal.deleteAttribute(HalfSync.KEY, false);
    }

    /**
     * Why hosts' writes are refused now; null when they are not. Exact under the redo log's lock.
     */
    @Nullable BlockDeviceException refusal() {
        if (role.state() == GroupRole.ACTIVE) {
            return null;
        }
        return new BlockDeviceException(ErrorCode.SHUTDOWN, reason());
    }

    /**
     * What {@link #refusal(int)} wants of those who bring records of the source that there is now.
     */
    int source() {
        return source.get();
    }

    /**
     * A copy goes over to another source, or has: between the two, nothing of any source gets a
     * number.
     *
     * @param over whether it has
     */
    void goesOver(boolean over) {
        source.updateAndGet(number -> over ? (number | 1) + 1 : number | 1);
    }

    /**
     * Why a source's record is refused now; null when it is not. Exact under the redo log's lock.
     *
     * @param number of that source
     */
    @Nullable BlockDeviceException refusal(int number) {
        int now = source.get();
        if (number == now && (now & 1) == 0) {
            return null;
        }
        return new BlockDeviceException(
                ErrorCode.SHUTDOWN, "the group has become a copy of another site's");
    }

    /** For opening a live disk and for changing the group. */
    void requireActive() throws ReplicaException {
        if (role.state() != GroupRole.ACTIVE) {
            throw new ReplicaException(ReplicaException.Kind.IN_USE, reason());
        }
    }

    private String reason() {
        return switch (role.state()) {
            case ACTIVE -> "the group is active here";
            case STANDBY ->
                    "the group is a copy of one that is active at another site; look at it through"
                            + " points and tests, or fail over to it";
            case FENCED ->
                    "another site has taken the group over, or is about to (tenure "
                            + role.tenure()
                            + "): hosts belong there now";
            case REJOINING ->
                    "the group is becoming a copy of the one that is active at another site: hosts"
                            + " belong there now";
        };
    }
}
