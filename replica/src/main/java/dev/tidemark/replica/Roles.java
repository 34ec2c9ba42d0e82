package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import org.jspecify.annotations.Nullable;

/**
 * The group's role at this site and what follows from it for hosts. Changed on the maintenance
 * executor, asked from any thread.
 */
final class Roles {
    private final Journal journal;
    private volatile Role role = Role.FIRST;

    Roles(Journal journal) {
        this.journal = journal;
    }

    /** Reads what the manifest knows; before anything is opened. */
    void recover() throws ReplicaException {
        byte[] bytes = journal.attributes().get(Role.KEY);
        if (bytes != null) {
            role = Role.decode(bytes);
        }
    }

    Role role() {
        return role;
    }

    boolean isActive() {
        return role.state() == GroupRole.ACTIVE;
    }

    /**
     * Whether this group, which is no copy, may become one of a site that is active in a tenure.
     */
    boolean mayFollow(int tenure) {
        Role now = role;
        boolean gone = now.state() == GroupRole.FENCED && tenure >= now.tenure();
        boolean older = now.state() == GroupRole.ACTIVE && tenure > now.tenure();
        return gone || older;
    }

    /** Durable when it returns. Blocking. */
    void set(Role next) throws JournalException {
        journal.putAttribute(Role.KEY, next.encode(), true);
        role = next;
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
