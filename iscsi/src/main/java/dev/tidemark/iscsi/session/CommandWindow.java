package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.pdu.SerialNumbers;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Command numbers of a session (RFC 7143 section 4.2.2.1): commands are taken in the order of their
 * CmdSN; one that comes too early is held, one outside the window is ignored.
 */
final class CommandWindow {
    private final int size;
    private final long maximumHeldBytes;
    private final Map<Integer, Pdu> held = new HashMap<>();
    private long heldBytes;
    private int expected;
    private int maximum;

    /**
     * @param expected the first command's number
     * @param size commands that may be outstanding
     * @param maximumHeldBytes data of all that is held
     */
    CommandWindow(int expected, int size, long maximumHeldBytes) {
        this.expected = expected;
        this.size = size;
        this.maximumHeldBytes = maximumHeldBytes;
        this.maximum = expected + size - 1;
    }

    enum Verdict {
        /** Its turn: {@link #advance} comes next. */
        NEXT,
        /** Kept until those before it have come. */
        HELD,
        /** Duplicate or out of the window. */
        IGNORED,
        /** Too early, with more data than may be held. */
        TOO_MUCH
    }

    /** Judges a numbered PDU; a held one belongs to the window. */
    Verdict judge(int number, Pdu pdu) {
        if (number == expected) {
            return SerialNumbers.after(number, maximum) ? Verdict.IGNORED : Verdict.NEXT;
        }
        if (SerialNumbers.before(number, expected)
                || SerialNumbers.after(number, maximum)
                || held.containsKey(number)) {
            return Verdict.IGNORED;
        }
        int bytes = pdu.data().readableBytes();
        if (heldBytes + bytes > maximumHeldBytes) {
            return Verdict.TOO_MUCH;
        }
        heldBytes += bytes;
        held.put(number, pdu);
        return Verdict.HELD;
    }

    /** The expected command has come. */
    void advance() {
        expected++;
    }

    /** The expected command if it was held; the caller's. */
    @Nullable Pdu takeHeld() {
        Pdu next = held.remove(expected);
        heldBytes -= next == null ? 0 : next.data().readableBytes();
        return next;
    }

    /** Whether a command of this number could still come. */
    boolean mayStillCome(int number) {
        return !SerialNumbers.before(number, expected)
                && !SerialNumbers.after(number, maximum)
                && !held.containsKey(number);
    }

    int expected() {
        return expected;
    }

    /** MaxCmdSN: it shrinks the window by what is outstanding, but never takes back an offer. */
    int maximum(int outstanding) {
        int offered = expected + Math.max(0, size - outstanding) - 1;
        if (SerialNumbers.after(offered, maximum)) {
            maximum = offered;
        }
        return maximum;
    }

    /** Gives all held PDUs back. */
    void clear() {
        held.values().forEach(Pdu::release);
        held.clear();
        heldBytes = 0;
    }
}
