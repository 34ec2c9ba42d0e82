package dev.tidemark.replica.link;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.execution.Scheduler.Cancellable;
import dev.tidemark.replica.link.LinkException.Kind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** Requests that wait for their answers: bounded in number and in time. On the link's executor. */
final class Requests {
    /** Requests without an answer at the same time. */
    static final int MAXIMUM_OUTSTANDING = 256;

    private record Waiting(CompletableFuture<ByteBuf> answer, Cancellable timeout) {}

    private final Scheduler scheduler;
    private final Executor serial;
    private final long timeoutNanos;
    private final Map<Integer, Waiting> waiting = new HashMap<>();
    private int lastId;

    Requests(Scheduler scheduler, Executor serial, long timeoutNanos) {
        this.scheduler = scheduler;
        this.serial = serial;
        this.timeoutNanos = timeoutNanos;
    }

    /** Whether one more may be asked. */
    boolean isFull() {
        return waiting.size() >= MAXIMUM_OUTSTANDING;
    }

    /** A new request's id, which is nobody else's while it waits. */
    int begin(CompletableFuture<ByteBuf> answer) {
        do {
            lastId++;
        } while (waiting.containsKey(lastId));
        int id = lastId;
        Cancellable timeout =
                scheduler.schedule(timeoutNanos, () -> serial.execute(() -> expire(id)));
        waiting.put(id, new Waiting(answer, timeout));
        return id;
    }

    private void expire(int id) {
        Waiting request = waiting.remove(id);
        if (request != null) {
            request.answer.completeExceptionally(
                    new LinkException(Kind.TIMED_OUT, "the peer did not answer in time"));
        }
    }

    /** An answer came; one for a request that has timed out is dropped. The body is lent. */
    void answered(int id, int status, ByteBuf body, String text) {
        Waiting request = waiting.remove(id);
        if (request == null) {
            return;
        }
        request.timeout.cancel();
        if (status == 0) {
            request.answer.complete(Unpooled.copiedBuffer(body));
        } else {
            request.answer.completeExceptionally(new LinkException(Kind.REFUSED, status, text));
        }
    }

    /** The link is down: everything fails. */
    void failAll(String reason) {
        List<Waiting> all = new ArrayList<>(waiting.values());
        waiting.clear();
        for (Waiting request : all) {
            request.timeout.cancel();
            request.answer.completeExceptionally(new LinkException(Kind.DOWN, reason));
        }
    }
}
