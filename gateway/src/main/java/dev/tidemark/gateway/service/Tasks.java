package dev.tidemark.gateway.service;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.catalogue.TaskRow;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.ProblemDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Long work, each on a virtual thread, with progress that can be watched and an end that can be
 * waited for. Thread-safe.
 */
public final class Tasks {
    private static final Logger log = LoggerFactory.getLogger(Tasks.class);

    private final Catalogue catalogue;
    private final Clock clock;
    private final Map<Long, Task> running = new ConcurrentHashMap<>();

    public Tasks(Catalogue catalogue, Clock clock) {
        this.catalogue = catalogue;
        this.clock = clock;
    }

    /** Marks what an earlier process left running. */
    public void reconcile() {
        int interrupted = catalogue.interruptTasks(now());
        if (interrupted > 0) {
            log.info("{} tasks were interrupted by the last stop", interrupted);
        }
    }

    public Task start(String kind, String subject, Task.Work work) {
        long started = now();
        Task task = new Task(catalogue.addTask(kind, subject, started), kind, subject, started);
        running.put(task.id(), task);
        Thread.ofVirtual().name("task-" + task.id()).start(() -> run(task, work));
        return task;
    }

    private void run(Task task, Task.Work work) {
        try {
            task.succeeded(work.run(task.new Recorder()), now());
            log.info("task={} {} {} succeeded", task.id(), task.kind(), task.subject());
        } catch (Exception e) {
            ProblemException problem = Engine.problem(e);
            task.failed(problem.problem(), now());
            log.warn(
                    "task={} {} {} failed: {}",
                    task.id(),
                    task.kind(),
                    task.subject(),
                    problem.getMessage());
        }
        try {
            catalogue.endTask(task.row());
        } catch (ProblemException e) {
            log.warn("task={} is not recorded: {}", task.id(), e.getMessage());
        } finally {
            running.remove(task.id());
            task.ended().complete(task);
        }
    }

    /** The task as it is, or as it is when it ends or the time is over, whichever is first. */
    public TaskDocument await(long id, Duration wait) {
        Task task = running.get(id);
        if (task == null) {
            return catalogue.task(id).map(Tasks::document).orElseThrow(() -> unknown(id));
        }
        try {
            return task.ended().get(wait.toMillis(), TimeUnit.MILLISECONDS).document();
        } catch (TimeoutException e) {
            return task.document();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return task.document();
        } catch (ExecutionException e) {
            throw new AssertionError("a task's end never fails", e);
        }
    }

    private static ProblemException unknown(long id) {
        return ProblemException.notFound(
                "no such task", Long.toString(id), "list them with: tidemark task list");
    }

    /** The newest first. */
    public List<TaskDocument> list(int limit) {
        return catalogue.tasks(limit).stream()
                .map(row -> {
                    Task task = running.get(row.id());
                    return task == null ? document(row) : task.document();
                })
                .toList();
    }

    public int runningCount() {
        return running.size();
    }

    private static TaskDocument document(TaskRow row) {
        Long ended = row.endedMicros();
        return new TaskDocument(
                row.id(),
                row.kind(),
                row.subject(),
                row.state(),
                row.progress(),
                row.detail(),
                Timestamps.iso(row.startedMicros()),
                ended == null ? null : Timestamps.iso(ended),
                read(row.result(), Object.class),
                read(row.problem(), ProblemDocument.class));
    }

    private static <T> @Nullable T read(@Nullable String json, Class<T> type) {
        try {
            return json == null ? null : Json.MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a task's record holds no JSON: " + json, e);
        }
    }

    private long now() {
        return Timestamps.micros(clock.instant());
    }
}
