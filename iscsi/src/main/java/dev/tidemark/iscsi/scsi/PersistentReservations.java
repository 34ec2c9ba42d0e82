package dev.tidemark.iscsi.scsi;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Registrations and the reservation of a unit (SPC-4 section 5.13). Guarded by the unit's lock;
 * tells nobody anything: what happened is returned, and the caller has it told.
 *
 * <p>Kept form ({@link #save}): byte version (1), int generation is not kept since it starts anew
 * (section 6.15.2), byte type (0: none), UTF and long of the holder when there is one, int count,
 * and for each registration its nexus and its key.
 */
final class PersistentReservations {
    /** More would let initiators make the unit's state grow for ever. */
    static final int MAXIMUM_REGISTRATIONS = 128;

    static final int WRITE_EXCLUSIVE = 1;
    static final int EXCLUSIVE_ACCESS = 3;
    static final int WRITE_EXCLUSIVE_REGISTRANTS = 5;
    static final int EXCLUSIVE_ACCESS_REGISTRANTS = 6;
    static final int WRITE_EXCLUSIVE_ALL = 7;
    static final int EXCLUSIVE_ACCESS_ALL = 8;

    private static final byte VERSION = 1;

    private final SequencedMap<NexusId, Long> keys = new LinkedHashMap<>();
    private int generation;
    private int type;
    private @Nullable NexusId holder;
    private boolean persistsPowerLoss;

    /**
     * What others have to be told of.
     *
     * @param released registered sessions that a reservation no longer binds
     * @param preempted sessions that lost their registration
     */
    record Consequences(List<NexusId> released, List<NexusId> preempted) {
        static final Consequences NONE = new Consequences(List.of(), List.of());
    }

    boolean anyRegistered() {
        return !keys.isEmpty();
    }

    boolean persistsPowerLoss() {
        return persistsPowerLoss;
    }

    void persistPowerLoss(boolean persist) {
        persistsPowerLoss = persist;
    }

    int generation() {
        return generation;
    }

    /** Scope and type; 0 when nothing is reserved. */
    int type() {
        return type;
    }

    /** Registrations in the order they were made; a view. */
    SequencedMap<NexusId, Long> keys() {
        return keys;
    }

    static boolean validType(int type) {
        return switch (type) {
            case WRITE_EXCLUSIVE,
                    EXCLUSIVE_ACCESS,
                    WRITE_EXCLUSIVE_REGISTRANTS,
                    EXCLUSIVE_ACCESS_REGISTRANTS,
                    WRITE_EXCLUSIVE_ALL,
                    EXCLUSIVE_ACCESS_ALL ->
                    true;
            default -> false;
        };
    }

    /** Whether every registrant holds the reservation. */
    private boolean allHold() {
        return type == WRITE_EXCLUSIVE_ALL || type == EXCLUSIVE_ACCESS_ALL;
    }

    boolean holds(NexusId nexus) {
        return type != 0 && (allHold() ? keys.containsKey(nexus) : nexus.equals(holder));
    }

    /** The key READ RESERVATION shows: 0 when all registrants hold it (section 6.15.3). */
    long holderKey() {
        NexusId single = holder;
        return single == null ? 0 : keys.getOrDefault(single, 0L);
    }

    /** SPC-4 table 48. */
    boolean permits(NexusId nexus, Access access) {
        if (type == 0 || access == Access.ALWAYS || holds(nexus)) {
            return true;
        }
        boolean registrantsOnly = type >= WRITE_EXCLUSIVE_REGISTRANTS;
        if (registrantsOnly && keys.containsKey(nexus)) {
            return true;
        }
        boolean writeExclusive =
                type == WRITE_EXCLUSIVE
                        || type == WRITE_EXCLUSIVE_REGISTRANTS
                        || type == WRITE_EXCLUSIVE_ALL;
        return writeExclusive && access == Access.READ;
    }

    /** Requires that a session is registered with this key. */
    void requireKey(NexusId nexus, long key) throws ScsiError {
        Long registered = keys.get(nexus);
        if (registered == null || registered != key) {
            throw ScsiError.conflict();
        }
    }

    /** Registers, changes a key, or ends a registration when the key is 0. */
    Consequences register(NexusId nexus, long key) throws ScsiError {
        if (key == 0) {
            boolean known = keys.containsKey(nexus);
            if (known) {
                generation++;
            }
            return known ? unregister(nexus) : Consequences.NONE;
        }
        if (!keys.containsKey(nexus) && keys.size() >= MAXIMUM_REGISTRATIONS) {
            throw ScsiError.illegal(0x5504); // INSUFFICIENT REGISTRATION RESOURCES
        }
        keys.put(nexus, key);
        generation++;
        return Consequences.NONE;
    }

    /** Section 5.13.11.3. */
    private Consequences unregister(NexusId nexus) {
        boolean held = holds(nexus);
        boolean wasAll = allHold();
        boolean registrantsOnly = type >= WRITE_EXCLUSIVE_REGISTRANTS;
        keys.remove(nexus);
        if (!held || (wasAll && !keys.isEmpty())) {
            return Consequences.NONE;
        }
        type = 0;
        holder = null;
        return registrantsOnly
                ? new Consequences(List.copyOf(keys.keySet()), List.of())
                : Consequences.NONE;
    }

    void reserve(NexusId nexus, int wanted) throws ScsiError {
        if (type != 0 && (!holds(nexus) || type != wanted)) {
            throw ScsiError.conflict();
        }
        type = wanted;
        holder = allHold() ? null : nexus;
    }

    Consequences release(NexusId nexus, int wanted) throws ScsiError {
        if (!holds(nexus)) {
            return Consequences.NONE;
        }
        if (type != wanted) {
            throw ScsiError.illegal(0x2604); // INVALID RELEASE OF PERSISTENT RESERVATION
        }
        boolean registrantsOnly = type >= WRITE_EXCLUSIVE_REGISTRANTS;
        type = 0;
        holder = null;
        return registrantsOnly ? new Consequences(others(nexus), List.of()) : Consequences.NONE;
    }

    Consequences clear(NexusId nexus) {
        List<NexusId> others = others(nexus);
        keys.clear();
        type = 0;
        holder = null;
        generation++;
        return new Consequences(List.of(), others);
    }

    private List<NexusId> others(NexusId nexus) {
        return keys.keySet().stream().filter(other -> !other.equals(nexus)).toList();
    }

    /** Section 5.13.11.4; who is registered was checked. */
    Consequences preempt(NexusId nexus, long victimKey, int wanted) throws ScsiError {
        boolean takesOver = type != 0 && (allHold() ? victimKey == 0 : victimKey == holderKey());
        if (victimKey == 0 && !takesOver) {
            throw ScsiError.invalidParameter(8);
        }
        boolean all = takesOver && allHold();
        List<NexusId> victims = new ArrayList<>();
        for (Map.Entry<NexusId, Long> each : keys.entrySet()) {
            boolean meant = all || each.getValue() == victimKey;
            if (meant && !each.getKey().equals(nexus)) {
                victims.add(each.getKey());
            }
        }
        if (victims.isEmpty() && !takesOver) {
            if (keys.getOrDefault(nexus, 0L) != victimKey) {
                throw ScsiError.conflict(); // nobody is registered with it
            }
        }
        generation++;
        int before = type;
        victims.forEach(keys::remove);
        List<NexusId> released = List.of();
        if (takesOver) {
            type = wanted;
            holder = allHold() ? null : nexus;
            if (before != wanted) {
                released = others(nexus); // they are bound by another type now
            }
        }
        return new Consequences(released, victims);
    }

    /** Section 5.13.8: the registration goes to another nexus, and the reservation with it. */
    void move(NexusId from, NexusId to, long key, boolean unregister) throws ScsiError {
        if (!keys.containsKey(to) && keys.size() >= MAXIMUM_REGISTRATIONS) {
            throw ScsiError.illegal(0x5504);
        }
        keys.put(to, key);
        holder = to;
        if (unregister) {
            keys.remove(from);
        }
        generation++;
    }

    // ---- kept over restarts

    /** The state to keep; empty when nothing is to be kept. */
    byte[] save() {
        if (!persistsPowerLoss || keys.isEmpty()) {
            return new byte[0];
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeByte(type);
            NexusId single = holder;
            out.writeBoolean(single != null);
            if (single != null) {
                write(out, single);
            }
            out.writeInt(keys.size());
            for (Map.Entry<NexusId, Long> each : keys.entrySet()) {
                write(out, each.getKey());
                out.writeLong(each.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
        return bytes.toByteArray();
    }

    /** The state that was kept; a state of another version or a damaged one is refused. */
    static PersistentReservations restore(byte @Nullable [] saved) {
        PersistentReservations result = new PersistentReservations();
        if (saved == null || saved.length == 0) {
            return result;
        }
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(saved))) {
            if (in.readByte() != VERSION) {
                throw new IllegalArgumentException("kept reservations are of another version");
            }
            result.type = in.readByte();
            result.holder = in.readBoolean() ? read(in) : null;
            int count = in.readInt();
            if (count < 0 || count > MAXIMUM_REGISTRATIONS) {
                throw new IllegalArgumentException("kept reservations have " + count + " keys");
            }
            for (int i = 0; i < count; i++) {
                result.keys.put(read(in), in.readLong());
            }
            result.persistsPowerLoss = true;
        } catch (IOException e) {
            throw new IllegalArgumentException("kept reservations end too soon", e);
        }
        return result;
    }

    private static void write(DataOutputStream out, NexusId nexus) throws IOException {
        out.writeUTF(nexus.initiator());
        out.writeLong(nexus.isid());
        out.writeUTF(nexus.target());
        out.writeInt(nexus.portalGroup());
    }

    private static NexusId read(DataInputStream in) throws IOException {
        return new NexusId(in.readUTF(), in.readLong(), in.readUTF(), in.readInt());
    }
}
