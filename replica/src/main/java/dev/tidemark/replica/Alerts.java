package dev.tidemark.replica;

import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.JournalListener;
import java.util.UUID;

/** Passes the journal's alerts on to the group's listener. Thread-safe. */
final class Alerts implements JournalListener {
    private final GroupListener listener;
    private volatile Health health;
    private volatile UUID group;

    Alerts(GroupListener listener, UUID group) {
        this.listener = listener;
        this.group = group;
        this.health = new Health(group, GroupListener.NONE);
    }

    /** From here on a failed journal fails the group. */
    void attach(UUID id, Health groupHealth) {
        group = id;
        health = groupHealth;
    }

    @Override
    public void poolFull(String detail) {
        listener.poolFull(group, detail);
    }

    @Override
    public void historyDropped(Boundary from, Boundary to, DropReason reason) {
        String why =
                switch (reason) {
                    case WINDOW -> null;
                    case BUDGET -> "the group's history has reached its byte budget";
                    case POOL_FULL -> "the pool of storage units is full";
                };
        if (why != null) {
            listener.historyDropped(group, from.sequence(), to.sequence(), why);
        }
    }

    @Override
    public void failed(Throwable cause) {
        health.fail(Failures.message(cause));
    }

    @Override
    public void corrupt(String file, long position, String detail) {
        listener.corrupt(group, file, position, detail);
    }

    void imageFailed(UUID image, String reason) {
        listener.imageFailed(group, image, reason);
    }

    @Override
    public void event(String detail) {
        listener.event(group, detail);
    }
}
