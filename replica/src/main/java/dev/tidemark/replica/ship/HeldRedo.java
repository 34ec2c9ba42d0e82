package dev.tidemark.replica.ship;

import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Shipment;
import dev.tidemark.replica.StreamPosition;
import org.jspecify.annotations.Nullable;

/**
 * The redo that is held for one copy: after which record, up to how much of it, and why the copy
 * has to be synchronised instead, where redo was given up or does not go on from what the copy has.
 *
 * <p>Of the shipping's executor; the figures may be asked from any thread.
 */
final class HeldRedo implements AutoCloseable {
    /** What is told of a copy that is made. */
    private static final String NEW = "new";

    private final ProtectionGroup group;
    private final long limitBytes;
    private volatile @Nullable Shipment shipment;
    private volatile String trigger = "";

    /**
     * Why redo was given up that the copy has not got, as far as is known; null when it was not.
     */
    private @Nullable String whyGivenUp;

    /**
     * @param limitBytes what is held at most: when the copy lacks more, it has to be synchronised
     */
    HeldRedo(ProtectionGroup group, long limitBytes) {
        this.group = group;
        this.limitBytes = limitBytes;
    }

    /** Holds what comes after the newest record that the copy is known to have, if it is there. */
    void begin(long known) {
        try {
            shipment = group.ship(known);
        } catch (ReplicaException gone) {
            // The copy may know of more, or has to be made anew: that is seen when it is asked.
        }
    }

    /** Holds what comes after a record. The new hold is there before the old one goes. */
    Shipment holdAfter(long sequence) throws ReplicaException {
        Shipment from = group.ship(sequence);
        Shipment before = shipment;
        shipment = from;
        if (before != null) {
            before.close();
        }
        return from;
    }

    /**
     * Holds what comes after the copy's last record.
     *
     * @return null when that cannot be shipped: the copy has to be synchronised first, and {@link
     *     #trigger} says why
     */
    @Nullable Shipment holdAfter(CopyStanding copy) throws ReplicaException {
        String broken = copy.half() ? whyHalf(copy.position()) : whyNotAfter(copy);
        if (broken != null) {
            trigger = whyGivenUp == null ? broken : whyGivenUp;
            return null;
        }
        if (whyGivenUp != null) {
            // The copy had more than was known here: its records are still there.
            whyGivenUp = null;
            trigger = "";
        }
        return shipment;
    }

    private static String whyHalf(StreamPosition copy) {
        return copy.isKnown()
                ? "the copy was half synchronised"
                : "no record is known that the copy and this site both have";
    }

    private @Nullable String whyNotAfter(CopyStanding standing) throws ReplicaException {
        StreamPosition copy = standing.position();
        if (copy.sequence() > group.status().headSequence()) {
            return "the copy's last record is not this site's: its number is "
                    + copy.sequence()
                    + ", the newest here is "
                    + group.status().headSequence();
        }
        Shipment held;
        try {
            held = holdAfter(copy.sequence());
        } catch (ReplicaException failure) {
            if (failure.kind() == ReplicaException.Kind.OUTSIDE_WINDOW) {
                return "history does not reach back: " + ShippingDesk.text(failure);
            }
            throw failure;
        }
        StreamPosition own = held.begin();
        if (!own.isSameAs(copy, standing.floorMicros())) {
            return "the copy's last record is not this site's: it says "
                    + copy
                    + ", here it is "
                    + own;
        }
        if (held.backlogBytes() > limitBytes) {
            return outgrown(held);
        }
        return group.importedBetween(copy.sequence(), group.status().headSequence())
                .map(name -> "volume " + name + " was imported after the copy's last record")
                .orElse(null);
    }

    /** There is no copy yet: it is made. */
    void copyIsNew() {
        trigger = NEW;
    }

    /** A synchronisation brings the copy what was given up. */
    void synchronising() {
        whyGivenUp = null;
    }

    /**
     * Gives up what is too much.
     *
     * @return whether it was given up now, {@link #trigger} says why; nothing is held any more then
     */
    boolean giveUpBeyondLimit() {
        Shipment held = shipment;
        if (held == null || held.backlogBytes() <= limitBytes) {
            return false;
        }
        String _ = outgrown(held);
        return true;
    }

    /** As {@link #giveUpBeyondLimit}, of what the journal gave up because its space was full. */
    boolean giveUpLost() {
        Shipment held = shipment;
        if (held == null || !held.isGivenUp()) {
            return false;
        }
        giveUp(
                held,
                "the journals' space was full, and redo that the copy has not got was given up:"
                        + " the copy has to be synchronised");
        return true;
    }

    private String outgrown(Shipment held) {
        String why =
                "the backlog of "
                        + held.backlogBytes()
                        + " bytes outgrew its limit of "
                        + limitBytes
                        + ": the copy has to be synchronised";
        giveUp(held, why);
        return why;
    }

    private void giveUp(Shipment held, String why) {
        whyGivenUp = why;
        trigger = why;
        shipment = null;
        held.close();
    }

    /** Whether anything is held. From any thread. */
    boolean isHeld() {
        return shipment != null;
    }

    /** What is held, in bytes; 0 when nothing is. From any thread. */
    long backlogBytes() {
        Shipment held = shipment;
        return held == null ? 0 : held.backlogBytes();
    }

    /**
     * Why the last synchronisation began, or why the next one will; empty when there was none. From
     * any thread.
     */
    String trigger() {
        return trigger;
    }

    /**
     * Whether the last synchronisation was, or is, that of a copy that is made. From any thread.
     */
    boolean isCopyNew() {
        return trigger.equals(NEW);
    }

    /** Holds nothing any more. */
    @Override
    public void close() {
        Shipment held = shipment;
        shipment = null;
        if (held != null) {
            held.close();
        }
    }
}
