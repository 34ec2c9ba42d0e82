package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Task;
import dev.tidemark.gateway.service.Tasks;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** Which groups' handovers a task of this process attends to. Thread-safe. */
final class Attendance {
    private final Tasks tasks;
    private final Set<UUID> attended = ConcurrentHashMap.newKeySet();

    Attendance(Tasks tasks) {
        this.tasks = tasks;
    }

    /** Begins a task that attends to a group's handover until it ends. */
    Task attend(String kind, Group group, Task.Work work) {
        UUID id = group.row().id();
        attended.add(id);
        try {
            return tasks.start(
                    kind,
                    group.name(),
                    progress -> {
                        try {
                            return work.run(progress);
                        } finally {
                            attended.remove(id);
                        }
                    });
        } catch (RuntimeException e) {
            attended.remove(id);
            throw e;
        }
    }

    boolean isAttended(UUID group) {
        return attended.contains(group);
    }
}
