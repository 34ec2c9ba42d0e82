package dev.tidemark.iscsi.scsi;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.iscsi.target.ReservationStore;
import dev.tidemark.iscsi.target.UnitDescription;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What all sessions of a disk share: reservations, mode pages, the medium's state, and who is to be
 * told of what. It lives as long as its target is known, longer than any session. Thread-safe.
 */
public final class LogicalUnit {
    private final UnitDescription description;
    private final ReservationStore store;
    private final RangeGate gate = new RangeGate();

    @GuardedBy("this")
    private final List<UnitHandle> handles = new ArrayList<>();

    @GuardedBy("this")
    private final PersistentReservations persistent;

    @GuardedBy("this")
    private final ModePages modes = new ModePages();

    /** Holder of a RESERVE (SPC-2 section 5.5.1). */
    @GuardedBy("this")
    private @Nullable NexusId reserved;

    @GuardedBy("this")
    private boolean mediumEjected;

    @GuardedBy("this")
    private boolean sanitizing;

    public LogicalUnit(UnitDescription description, ReservationStore store) {
        this.description = description;
        this.store = store;
        this.persistent = PersistentReservations.restore(store.load(description.identifier()));
    }

    public UnitDescription description() {
        return description;
    }

    ReservationStore store() {
        return store;
    }

    RangeGate gate() {
        return gate;
    }

    /** Begins a session's view; it is told at once that the unit is new to it. */
    public UnitHandle attach(NexusId nexus, BlockDevice device, SessionHooks hooks) {
        UnitHandle handle = new UnitHandle(this, nexus, device, hooks);
        SharedSpace space = device.sharedSpace();
        synchronized (this) {
            handles.add(handle);
            if (space != null) {
                modes.offerThresholds(SpaceCounts.of(space));
            }
        }
        return handle;
    }

    /** Ends a session's view: I_T nexus loss (SAM-5 section 6.3.4). */
    void detach(UnitHandle handle) {
        synchronized (this) {
            handles.remove(handle);
            if (handle.nexus().equals(reserved)) {
                reserved = null;
            }
        }
    }

    /** A reset of the unit (SAM-5 section 6.3.3); commands are ended by the caller. */
    public void reset() {
        synchronized (this) {
            reserved = null;
            modes.reset();
            handles.forEach(UnitHandle::allowRemoval);
        }
        handles().forEach(UnitHandle::thresholdsChanged);
        tell(null, UnitAttention.DEVICE_RESET);
    }

    /** Has all sessions but one told of something; null spares none. */
    void tell(@Nullable UnitHandle but, UnitAttention what) {
        for (UnitHandle handle : handles()) {
            if (handle != but) {
                handle.notice(what);
            }
        }
    }

    /** The sessions that look at the unit now. */
    public List<UnitHandle> handles() {
        synchronized (this) {
            return List.copyOf(handles);
        }
    }

    // ---- shared state, by what it is asked for

    /** Something done to the reservations, with the unit's lock held. */
    interface ReservationStep<T> {
        T apply(PersistentReservations reservations) throws ScsiError;
    }

    <T> T reservations(ReservationStep<T> step) throws ScsiError {
        synchronized (this) {
            return step.apply(persistent);
        }
    }

    /** Something done to the mode pages, with the unit's lock held. */
    interface ModeStep<T> {
        T apply(ModePages modes) throws ScsiError;
    }

    <T> T modes(ModeStep<T> step) throws ScsiError {
        synchronized (this) {
            return step.apply(modes);
        }
    }

    /** Whether sense is sent in descriptor form (D_SENSE of the control mode page). */
    public synchronized boolean descriptorSense() {
        return modes.descriptorSense();
    }

    /** Whether one of the thresholds is reached, as {@link Thresholds#reached}. */
    synchronized boolean thresholdReached(SpaceCounts counts, boolean before) {
        return modes.thresholds().reached(counts, before);
    }

    synchronized boolean softwareWriteProtect() {
        return modes.softwareWriteProtect();
    }

    /** Refuses a command that a reservation forbids. */
    void checkReservations(NexusId nexus, CommandSpec command) throws ScsiError {
        synchronized (this) {
            NexusId holder = reserved;
            if (holder != null && !holder.equals(nexus) && !command.allowedUnderReserve()) {
                throw ScsiError.conflict();
            }
            if (!persistent.permits(nexus, command.access())) {
                throw ScsiError.conflict();
            }
        }
    }

    /** RESERVE; a persistent registration excludes it (SPC-4 section 5.13.3). */
    synchronized void reserve(NexusId nexus) throws ScsiError {
        NexusId holder = reserved;
        if (persistent.anyRegistered() || (holder != null && !holder.equals(nexus))) {
            throw ScsiError.conflict();
        }
        reserved = nexus;
    }

    /** RELEASE; nothing happens when another holds it (SPC-2 section 7.16). */
    synchronized void release(NexusId nexus) throws ScsiError {
        if (persistent.anyRegistered()) {
            throw ScsiError.conflict();
        }
        if (nexus.equals(reserved)) {
            reserved = null;
        }
    }

    synchronized boolean reservedByAnother(NexusId nexus) {
        NexusId holder = reserved;
        return holder != null && !holder.equals(nexus);
    }

    /** Refuses a command that needs a medium at work. */
    synchronized void checkMedium() throws ScsiError {
        if (mediumEjected) {
            throw ScsiError.check(SenseKey.NOT_READY, 0x3a00);
        }
        checkSanitize();
    }

    synchronized void checkSanitize() throws ScsiError {
        if (sanitizing) {
            throw ScsiError.check(SenseKey.NOT_READY, 0x041b);
        }
    }

    /** Refused while a sanitize is running. */
    synchronized void beginSanitize() throws ScsiError {
        checkSanitize();
        sanitizing = true;
    }

    synchronized void endSanitize() {
        sanitizing = false;
    }

    synchronized boolean sanitizing() {
        return sanitizing;
    }

    synchronized boolean removalPrevented() {
        return handles.stream().anyMatch(UnitHandle::preventsRemoval);
    }

    synchronized void eject() {
        mediumEjected = true;
    }

    /** Loads the medium; true when it was not there. */
    synchronized boolean load() {
        boolean loaded = mediumEjected;
        mediumEjected = false;
        return loaded;
    }
}
