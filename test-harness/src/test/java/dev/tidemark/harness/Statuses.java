package dev.tidemark.harness;

import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.locks.LockSupport;

/** Looks at a group's status all the time, so that those are seen which do not last. */
final class Statuses implements AutoCloseable {
    private static final long PAUSE_NANOS = 1_000_000;

    private final Set<String> seen = new ConcurrentSkipListSet<>();
    private final Thread thread;
    private volatile boolean stopped;

    /** Begins at once. */
    Statuses(GatewayProcess gateway, String group) {
        thread =
                Thread.ofPlatform()
                        .name("statuses")
                        .start(() -> {
                            while (!stopped) {
                                look(gateway, group);
                                LockSupport.parkNanos(PAUSE_NANOS);
                            }
                        });
    }

    private void look(GatewayProcess gateway, String group) {
        try {
            seen.add(gateway.api().group(group).status());
        } catch (Exception e) {
            // It is not there, or not yet.
        }
    }

    /** Waits until it has been one. */
    void await(String status) throws Exception {
        try {
            Await.until("status " + status, Sites.LIMIT, () -> seen.contains(status));
        } catch (AssertionError never) {
            throw new AssertionError(never.getMessage() + "; seen were " + seen, never);
        }
    }

    @Override
    public void close() {
        stopped = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
