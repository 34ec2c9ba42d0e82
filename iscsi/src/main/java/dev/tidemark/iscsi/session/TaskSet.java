package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.login.SessionParameters;
import dev.tidemark.iscsi.pdu.AdditionalHeaders;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.pdu.RejectReason;
import dev.tidemark.iscsi.scsi.LunMap;
import dev.tidemark.iscsi.scsi.Prepared;
import dev.tidemark.iscsi.scsi.ScsiError;
import dev.tidemark.iscsi.scsi.UnitHandle;
import dev.tidemark.iscsi.target.IscsiLimits;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commands of a session: taken in, admitted within the budget, fed with data, carried out,
 * answered, aborted. Belongs to the event loop.
 *
 * <p>A command waits in {@link #waiting} until its bytes fit the budget; only then is it granted
 * R2Ts or carried out. One with the ORDERED attribute waits for all before it, and all after it
 * wait for it.
 */
final class TaskSet {
    private static final Logger LOG = LoggerFactory.getLogger(TaskSet.class);

    private static final int MAXIMUM_IMMEDIATE = 16;

    /** Tags of aborted commands whose data may still be on its way. */
    private static final int REMEMBERED_TAGS = 128;

    private static final int UNEXPECTED_DATA = 0x0c0c;
    private static final int DATA_PHASE_ERROR = 0x4b00;
    private static final int DATA_DIGEST_ERROR = 0x4705;

    private final Session session;
    private final LunMap luns;
    private final SessionParameters parameters;
    private final IscsiLimits limits;
    private final ByteBufAllocator allocator;
    private final Responder responder;

    /** Commands without an end, by initiator task tag. */
    private final Map<Integer, Task> tasks = new HashMap<>();

    private final ArrayDeque<Task> waiting = new ArrayDeque<>();
    private final ArrayDeque<Integer> abortedTags = new ArrayDeque<>();
    private int nextTransferTag = 1;
    private int admittedCount;
    private int immediateCount;
    private long inFlightBytes;
    private boolean orderedAtWork;
    private boolean admitting;

    TaskSet(
            Session session,
            LunMap luns,
            SessionParameters parameters,
            IscsiLimits limits,
            ByteBufAllocator allocator,
            Responder responder) {
        this.session = session;
        this.luns = luns;
        this.parameters = parameters;
        this.limits = limits;
        this.allocator = allocator;
        this.responder = responder;
    }

    int count() {
        return tasks.size();
    }

    boolean isEmpty() {
        return tasks.isEmpty();
    }

    // ---- taking commands in

    /** A command whose turn it is. */
    void command(Pdu pdu) {
        Header header = pdu.header();
        int tag = header.initiatorTaskTag();
        if (tag == Header.RESERVED_TAG) {
            session.reject(header, RejectReason.INVALID_PDU_FIELD);
            pdu.release();
            return;
        }
        if (tasks.containsKey(tag)) {
            session.reject(header, RejectReason.TASK_IN_PROGRESS);
            pdu.release();
            return;
        }
        if (header.immediate() && immediateCount >= MAXIMUM_IMMEDIATE) {
            session.reject(header, RejectReason.IMMEDIATE_COMMAND_REJECT);
            pdu.release();
            return;
        }
        Task task = new Task(this.session, header, luns.find(header.lun()));
        tasks.put(tag, task);
        immediateCount += task.immediate ? 1 : 0;
        responder.outstanding(tasks.size());
        begin(task, pdu);
    }

    private void begin(Task task, Pdu pdu) {
        boolean follows = !task.isFinal();
        long unsolicitedLimit = Math.min(parameters.firstBurstBytes(), task.expectedBytes());
        try {
            checkImmediateData(task, pdu, follows, unsolicitedLimit);
            if (pdu.ahs().length > 0) {
                throw ScsiError.aborted(
                        AdditionalHeaders.bidirectional(pdu.ahs()) ? 0x4900 : 0x4901);
            }
            task.prepared = luns.prepare(task.lun(), task.cdb());
        } catch (ScsiError e) {
            task.error = e;
        } catch (RuntimeException e) {
            LOG.error("command {} failed in preparation", task.operation(), e);
            task.error = ScsiError.aborted(0x4400);
        }
        Prepared prepared = task.prepared;
        long wanted =
                prepared == null || !task.writes()
                        ? 0
                        : Math.min(prepared.dataOutBytes(), task.expectedBytes());
        WriteTransfer transfer =
                new WriteTransfer(allocator, wanted, unsolicitedLimit, follows && task.writes());
        task.transfer = transfer;
        transfer.immediate(pdu.data());
        if (task.error != null) {
            task.discarding = transfer.unsolicitedExpected();
            if (!task.discarding) {
                end(task);
            }
            return;
        }
        if (task.headOfQueue()) {
            waiting.addFirst(task);
        } else {
            waiting.addLast(task);
        }
        admit();
    }

    private void checkImmediateData(Task task, Pdu pdu, boolean follows, long limit)
            throws ScsiError {
        int bytes = pdu.data().readableBytes();
        if (!pdu.dataIntact()) {
            session.reject(pdu.header(), RejectReason.DATA_DIGEST_ERROR);
            throw ScsiError.aborted(DATA_DIGEST_ERROR);
        }
        boolean allowed = task.writes() && parameters.immediateData() && bytes <= limit;
        boolean announced = follows && task.writes() && parameters.initialR2t();
        if (announced || (bytes > 0 && !allowed)) {
            session.badInput();
            throw ScsiError.aborted(UNEXPECTED_DATA);
        }
    }

    // ---- admission

    /** Lets commands begin, in order, as far as the budget and the initiator's reading allow. */
    void admit() {
        if (admitting) {
            return;
        }
        admitting = true;
        Task first = waiting.peek();
        while (first != null && fits(first)) {
            waiting.remove();
            first.admitted = true;
            admittedCount++;
            inFlightBytes += first.chargedBytes();
            orderedAtWork |= first.ordered();
            advance(first);
            first = waiting.peek();
        }
        admitting = false;
    }

    private boolean fits(Task task) {
        if (orderedAtWork || (task.ordered() && admittedCount > 0)) {
            return false;
        }
        // A single one is always let through, but never while answers are not taken.
        boolean room =
                admittedCount == 0 || inFlightBytes + task.chargedBytes() <= limits.inFlightBytes();
        return room && session.writable();
    }

    /** Asks for data, or carries the command out when all of it is here. */
    private void advance(Task task) {
        WriteTransfer transfer = task.transfer;
        if (!task.admitted || task.running || transfer == null) {
            return;
        }
        if (task.aborted) {
            gone(task);
            return;
        }
        if (transfer.complete()) {
            run(task);
            return;
        }
        while (true) {
            WriteTransfer.Grant grant =
                    transfer.nextGrant(
                            nextTransferTag,
                            parameters.outstandingR2ts(),
                            parameters.maximumBurstBytes());
            if (grant == null) {
                return;
            }
            nextTransferTag = nextTransferTag == -2 ? 1 : nextTransferTag + 1;
            responder.readyToTransfer(task, grant, transfer.lastR2tSn());
        }
    }

    private void run(Task task) {
        Prepared prepared = task.prepared;
        if (prepared == null) {
            throw new IllegalStateException("a refused command cannot run");
        }
        task.running = true;
        session.touched(task.unit);
        try {
            prepared.action().run(task);
        } catch (ScsiError e) {
            task.failed(e);
        } catch (RuntimeException e) {
            LOG.error("operation {} failed", task.operation(), e);
            task.failed(ScsiError.aborted(0x4400)); // INTERNAL TARGET FAILURE
        }
    }

    // ---- data

    /** A Data-Out, taken over. */
    void dataOut(Pdu pdu) {
        Header header = pdu.header();
        Task task = tasks.get(header.initiatorTaskTag());
        WriteTransfer transfer = task == null ? null : task.transfer;
        if (task == null || transfer == null || task.running) {
            pdu.release();
            if (!abortedTags.contains(header.initiatorTaskTag())) {
                session.reject(header, RejectReason.INVALID_PDU_FIELD);
            }
            return;
        }
        if (!pdu.dataIntact()) {
            session.reject(header, RejectReason.DATA_DIGEST_ERROR);
            fail(task, DATA_DIGEST_ERROR);
        }
        String wrong = transfer.dataOut(header, pdu.data());
        if (wrong != null) {
            pdu.release();
            LOG.debug("data of task {} refused: {}", header.initiatorTaskTag(), wrong);
            session.badInput();
            fail(task, DATA_PHASE_ERROR);
            end(task);
            return;
        }
        if (task.error != null && !transfer.unsolicitedExpected() && !transfer.grantsOpen()) {
            end(task);
        } else if (task.error == null) {
            advance(task);
        }
    }

    private static void fail(Task task, int code) {
        if (task.error == null) {
            task.error = ScsiError.aborted(code);
        }
    }

    // ---- ends

    /** The unit is done with a command. */
    void completed(Task task) {
        if (task.aborted) {
            gone(task);
        } else {
            end(task);
        }
    }

    private void end(Task task) {
        UnitHandle unit = task.unit;
        if (task.error != null && !task.running) {
            rememberTag(task.tag());
        }
        remove(task);
        responder.end(task, unit != null && unit.unit().descriptorSense());
        ScsiError error = task.error;
        session.answered(task.operation(), error == null ? 0 : error.status());
        task.release();
        admit();
    }

    /** An aborted command has left. */
    private void gone(Task task) {
        remove(task);
        task.release();
        Runnable then = task.whenGone;
        task.whenGone = null;
        if (then != null) {
            then.run();
        }
        admit();
    }

    private void remove(Task task) {
        tasks.remove(task.tag(), task);
        waiting.remove(task);
        immediateCount -= task.immediate ? 1 : 0;
        if (task.admitted) {
            admittedCount--;
            inFlightBytes -= task.chargedBytes();
            if (task.ordered()) {
                orderedAtWork = false;
            }
        }
        responder.outstanding(tasks.size());
    }

    private void rememberTag(int tag) {
        abortedTags.add(tag);
        if (abortedTags.size() > REMEMBERED_TAGS) {
            abortedTags.remove();
        }
    }

    // ---- aborts

    @Nullable Task find(int tag) {
        return tasks.get(tag);
    }

    /**
     * Aborts commands without an answer.
     *
     * @param done runs once none of them will change anything any more, perhaps at once
     */
    void abort(Predicate<Task> which, Runnable done) {
        List<Task> meant = new ArrayList<>();
        for (Task task : tasks.values()) {
            if (which.test(task)) {
                meant.add(task);
            }
        }
        Countdown countdown = new Countdown(meant.size(), done);
        boolean before = admitting;
        admitting = true; // the end of one must not let another begin that is to end, too
        for (Task task : meant) {
            abort(task, countdown);
        }
        admitting = before;
        countdown.start();
        admit();
    }

    private void abort(Task task, Countdown countdown) {
        Runnable before = task.whenGone;
        task.aborted = true;
        task.whenGone =
                () -> {
                    if (before != null) {
                        before.run();
                    }
                    countdown.step();
                };
        rememberTag(task.tag());
        if (!task.running || task.letGo()) {
            gone(task);
        }
    }

    /** Runs something once a number of steps were made; not before {@link #start}. */
    private static final class Countdown {
        private final Runnable done;
        private int missing;

        Countdown(int steps, Runnable done) {
            this.missing = steps + 1;
            this.done = done;
        }

        void step() {
            missing--;
            if (missing == 0) {
                done.run();
            }
        }

        void start() {
            step();
        }
    }
}
