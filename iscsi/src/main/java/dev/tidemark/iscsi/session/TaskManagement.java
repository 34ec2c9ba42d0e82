package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.scsi.LogicalUnit;
import dev.tidemark.iscsi.scsi.LunMap;
import dev.tidemark.iscsi.scsi.SessionHooks;
import dev.tidemark.iscsi.scsi.UnitHandle;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Task management functions (RFC 7143 section 11.5). A response goes out once the commands it is
 * about cannot change anything any more, in whatever session they are. Belongs to the event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // an abort cannot fail
final class TaskManagement {
    private static final int ABORT_TASK = 1;
    private static final int ABORT_TASK_SET = 2;
    private static final int CLEAR_TASK_SET = 4;
    private static final int UNIT_RESET = 5;
    private static final int WARM_RESET = 6;
    private static final int COLD_RESET = 7;
    private static final int TASK_REASSIGN = 8;

    private static final int COMPLETE = 0;
    private static final int NO_SUCH_TASK = 1;
    private static final int NO_SUCH_UNIT = 2;
    private static final int REASSIGN_NOT_SUPPORTED = 4;
    private static final int NOT_SUPPORTED = 5;

    private final Session session;
    private final TaskSet tasks;
    private final LunMap luns;
    private final CommandWindow window;

    TaskManagement(Session session, TaskSet tasks, LunMap luns, CommandWindow window) {
        this.session = session;
        this.tasks = tasks;
        this.luns = luns;
        this.window = window;
    }

    void request(Header header) {
        int tag = header.initiatorTaskTag();
        switch (header.flags() & 0x7f) {
            case ABORT_TASK -> abortTask(tag, header);
            case ABORT_TASK_SET -> onUnit(tag, header, this::abortTaskSet);
            case CLEAR_TASK_SET -> onUnit(tag, header, this::clearTaskSet);
            case UNIT_RESET -> onUnit(tag, header, this::resetUnit);
            case WARM_RESET -> resetTarget(tag, false);
            case COLD_RESET -> resetTarget(tag, true);
            case TASK_REASSIGN -> session.managed(tag, REASSIGN_NOT_SUPPORTED);
            default -> session.managed(tag, NOT_SUPPORTED);
        }
    }

    private void abortTask(int tag, Header header) {
        int referenced = header.intAt(20);
        Task task = tasks.find(referenced);
        if (task == null) {
            // It may have been answered, or be still to come (section 11.6.1).
            session.managed(tag, window.mayStillCome(header.intAt(32)) ? COMPLETE : NO_SUCH_TASK);
            return;
        }
        if (task.lun() != header.lun()) {
            session.managed(tag, NO_SUCH_TASK);
            return;
        }
        tasks.abort(each -> each == task, () -> session.managed(tag, COMPLETE));
    }

    private interface OnUnit {
        void run(int tag, UnitHandle unit);
    }

    private void onUnit(int tag, Header header, OnUnit function) {
        UnitHandle unit = luns.find(header.lun());
        if (unit == null) {
            session.managed(tag, NO_SUCH_UNIT);
        } else {
            function.run(tag, unit);
        }
    }

    private void abortTaskSet(int tag, UnitHandle unit) {
        tasks.abort(task -> task.unit == unit, () -> session.managed(tag, COMPLETE));
    }

    private void clearTaskSet(int tag, UnitHandle unit) {
        abortEverywhere(List.of(unit.unit()), true, () -> session.managed(tag, COMPLETE));
    }

    private void resetUnit(int tag, UnitHandle unit) {
        LogicalUnit reset = unit.unit();
        abortEverywhere(
                List.of(reset),
                false,
                () -> {
                    reset.reset();
                    session.managed(tag, COMPLETE);
                });
    }

    private void resetTarget(int tag, boolean cold) {
        List<LogicalUnit> units = luns.all().stream().map(UnitHandle::unit).distinct().toList();
        abortEverywhere(
                units,
                false,
                () -> {
                    units.forEach(LogicalUnit::reset);
                    session.managed(tag, COMPLETE);
                    if (cold) {
                        session.dropTarget();
                    }
                });
    }

    /** Aborts the commands of all sessions to some units; {@code done} runs on our event loop. */
    private void abortEverywhere(Collection<LogicalUnit> units, boolean tell, Runnable done) {
        List<CompletableFuture<?>> ends = new ArrayList<>();
        for (LogicalUnit unit : units) {
            for (UnitHandle handle : unit.handles()) {
                CompletableFuture<?> end = new CompletableFuture<>();
                ends.add(end);
                SessionHooks hooks = handle.hooks();
                hooks.abortTasks(handle, () -> end.complete(null));
                if (tell && !luns.all().contains(handle)) {
                    handle.commandsCleared();
                }
            }
        }
        CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new))
                .whenComplete((ended, never) -> session.later(done));
    }
}
