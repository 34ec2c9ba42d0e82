package dev.tidemark.iscsi.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tidemark.iscsi.scsi.LogicalUnit;
import dev.tidemark.iscsi.scsi.NexusId;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.ReservationStore;
import dev.tidemark.iscsi.target.UnitDescription;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Sessions by nexus, units by identifier. Units outlive sessions; they are forgotten with {@link
 * #forgetUnit}. Thread-safe.
 */
public final class SessionRegistry {
    private static final int MAXIMUM_TSIH = 0xffff;

    private final ReservationStore reservations;

    @GuardedBy("this")
    private final Map<NexusId, Session> sessions = new HashMap<>();

    @GuardedBy("this")
    private final Map<Integer, NexusId> handles = new HashMap<>();

    @GuardedBy("this")
    private final Map<Long, LogicalUnit> units = new HashMap<>();

    @GuardedBy("this")
    private final Map<String, Integer> pendingLogins = new HashMap<>();

    @GuardedBy("this")
    private int pendingCount;

    @GuardedBy("this")
    private int connectionCount;

    @GuardedBy("this")
    private int lastTsih;

    SessionRegistry(ReservationStore reservations) {
        this.reservations = reservations;
    }

    /** The session of a nexus, null when there is none. */
    synchronized @Nullable Session find(NexusId nexus) {
        return sessions.get(nexus);
    }

    /**
     * Enters a session.
     *
     * @param tsih its handle; 0 chooses one
     * @return its handle, 0 when the nexus has a session or there are too many
     */
    synchronized int enter(Session session, int tsih, int limitPerTarget) {
        NexusId nexus = session.nexus();
        long sameTarget =
                sessions.keySet().stream().filter(n -> n.target().equals(nexus.target())).count();
        if (sessions.containsKey(nexus)
                || sameTarget >= limitPerTarget
                || handles.size() >= MAXIMUM_TSIH) {
            return 0;
        }
        int chosen = tsih != 0 && !handles.containsKey(tsih) ? tsih : nextTsih();
        sessions.put(nexus, session);
        handles.put(chosen, nexus);
        return chosen;
    }

    @GuardedBy("this")
    private int nextTsih() {
        do {
            lastTsih = lastTsih % MAXIMUM_TSIH + 1;
        } while (handles.containsKey(lastTsih));
        return lastTsih;
    }

    synchronized void leave(Session session, int tsih) {
        sessions.remove(session.nexus(), session);
        handles.remove(tsih);
    }

    /**
     * Ends all sessions of a target, or all there are when the name is null; the initiators are
     * asked to log out first.
     *
     * @return completes once none of their commands can change anything any more
     */
    public CompletableFuture<Void> endAll(@Nullable String target) {
        List<Session> meant = target == null ? all() : ofTarget(target);
        List<CompletableFuture<?>> ends = new ArrayList<>();
        for (Session session : meant) {
            session.requestLogout(0);
            ends.add(session.end());
        }
        return CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
    }

    /** Tells the sessions of a target that its list of units has changed. */
    public void unitsChanged(String target) {
        ofTarget(target).forEach(Session::unitsChanged);
    }

    /** Sessions of a target now. */
    synchronized List<Session> ofTarget(String target) {
        return sessions.values().stream()
                .filter(session -> session.nexus().target().equals(target))
                .toList();
    }

    /** All sessions that have a target. */
    private synchronized List<Session> all() {
        return List.copyOf(sessions.values());
    }

    /** The unit of an identifier, made when it is asked for first. */
    synchronized LogicalUnit unit(UnitDescription description) {
        LogicalUnit known = units.get(description.identifier());
        if (known != null && known.description().equals(description)) {
            return known;
        }
        LogicalUnit made = new LogicalUnit(description, reservations);
        units.put(description.identifier(), made);
        return made;
    }

    /** Drops what was remembered of a unit that is gone for good. */
    public synchronized void forgetUnit(long identifier) {
        units.remove(identifier);
    }

    // ---- connections

    /** Counts a new connection in, or refuses it. */
    synchronized boolean connected(String address, IscsiLimits limits) {
        int ofAddress = pendingLogins.getOrDefault(address, 0);
        if (connectionCount >= limits.connections()
                || pendingCount >= limits.pendingLogins()
                || ofAddress >= limits.pendingLoginsPerAddress()) {
            return false;
        }
        connectionCount++;
        pendingCount++;
        pendingLogins.put(address, ofAddress + 1);
        return true;
    }

    /** A login has come to its end, whatever that was. */
    synchronized void loginEnded(String address) {
        pendingCount--;
        pendingLogins.computeIfPresent(address, (a, count) -> count == 1 ? null : count - 1);
    }

    synchronized void disconnected() {
        connectionCount--;
    }
}
