package dev.tidemark.gateway.service;

import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.replica.Tap;
import java.util.HashSet;
import java.util.Set;

/** The programs outside that read along what is written. Thread-safe. */
public final class Taps implements AutoCloseable {
    /** Each may hold a batch and a record, 33 MiB, while its reader takes it. */
    private static final int MOST = 8;

    private final long limitBytes;
    private final Set<Tap> open = new HashSet<>(); // guarded by this
    private boolean closed; // guarded by this

    public Taps(Settings settings) {
        this.limitBytes = settings.get(Keys.API_TAP_BACKLOG_BYTES);
    }

    /** Opens one at a group's newest record; the caller gives it to {@link #close(Tap)}. */
    public synchronized Tap open(Group group, boolean withPayload) {
        if (closed) {
            throw ProblemException.of(ProblemKind.FAILED, "the gateway is stopping");
        }
        if (open.size() >= MOST) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "as many programs read along as can",
                            group.name(),
                            "at most " + MOST + " at once",
                            "end one of them"));
        }
        Tap tap = Engine.call(() -> group.engine().tap(limitBytes, withPayload));
        open.add(tap);
        return tap;
    }

    public synchronized void close(Tap tap) {
        tap.close();
        open.remove(tap);
    }

    /** Ends all of them. */
    @Override
    public synchronized void close() {
        closed = true;
        open.forEach(Tap::close);
    }
}
