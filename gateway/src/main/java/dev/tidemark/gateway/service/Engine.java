package dev.tidemark.gateway.service;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.replica.ReplicaException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Waits for the engine and turns its failures into problems. */
public final class Engine {
    private static final Duration LOOK = Duration.ofMillis(200);

    private Engine() {}

    /** A call into the engine that may block. */
    interface Call<T> {
        T run() throws ReplicaException;
    }

    static <T> T call(Call<T> call) {
        try {
            return call.run();
        } catch (ReplicaException e) {
            throw problem(e);
        }
    }

    /** Waits for a future of the engine. */
    public static <T extends @Nullable Object> T await(CompletableFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            throw stopping(e);
        } catch (ExecutionException e) {
            throw problem(e.getCause() == null ? e : e.getCause());
        }
    }

    /** Waits for a future of the engine; {@code meanwhile} runs five times a second. */
    public static void await(CompletableFuture<?> future, Runnable meanwhile) {
        while (!ended(future, LOOK)) {
            meanwhile.run();
        }
    }

    /** Waits for a future of the engine; false, and it is cancelled, when it takes too long. */
    public static boolean within(CompletableFuture<?> future, Duration patience) {
        boolean ended = ended(future, patience);
        if (!ended) {
            future.cancel(false);
        }
        return ended;
    }

    private static boolean ended(CompletableFuture<?> future, Duration patience) {
        try {
            future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            throw stopping(e);
        } catch (ExecutionException e) {
            throw problem(e.getCause() == null ? e : e.getCause());
        }
    }

    private static ProblemException stopping(InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        return new ProblemException(
                Problem.of(ProblemKind.FAILED, "the gateway is stopping; the operation goes on"),
                interrupted);
    }

    /** The problem behind any failure. */
    public static ProblemException problem(Throwable failure) {
        return switch (failure) {
            case ProblemException known -> known;
            case ReplicaException known ->
                    new ProblemException(Problem.of(kind(known.kind()), text(known)), known);
            case java.util.concurrent.CompletionException wrapper when wrapper.getCause() != null ->
                    problem(wrapper.getCause());
            default ->
                    new ProblemException(
                            Problem.of(ProblemKind.INTERNAL, failure.toString()), failure);
        };
    }

    private static String text(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.toString() : message;
    }

    private static ProblemKind kind(ReplicaException.Kind kind) {
        return switch (kind) {
            case NOT_FOUND -> ProblemKind.NOT_FOUND;
            case EXISTS -> ProblemKind.EXISTS;
            case IN_USE -> ProblemKind.IN_USE;
            case INVALID -> ProblemKind.INVALID;
            case NO_SPACE -> ProblemKind.NO_SPACE;
            case CORRUPT -> ProblemKind.CORRUPT;
            case LOCKED -> ProblemKind.LOCKED;
            case IO -> ProblemKind.IO;
            case FAILED -> ProblemKind.FAILED;
            case OUTSIDE_WINDOW -> ProblemKind.OUTSIDE_WINDOW;
        };
    }
}
