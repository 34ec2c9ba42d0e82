package dev.tidemark.replica.link;

import dev.tidemark.execution.Scheduler.Cancellable;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What an endpoint knows of one peer. Guarded by the endpoint. */
final class PeerState {
    private static final long FIRST_PAUSE_NANOS = 200_000_000;
    private static final long LONGEST_PAUSE_NANOS = 15_000_000_000L;

    List<String> addresses = List.of();
    @Nullable LinkCore link;
    @Nullable Cancellable redial;
    boolean dialling;
    private int nextAddress;
    private int failures;
    private String reason = "";
    private @Nullable Refusal refusal;

    /** The next address to dial. */
    String address() {
        return addresses.get(Math.floorMod(nextAddress++, addresses.size()));
    }

    void failed(@Nullable Refusal why, String text) {
        refusal = why;
        reason = text;
        failures++;
    }

    void up(LinkCore core) {
        link = core;
        refusal = null;
        reason = "";
        failures = 0;
    }

    void down(String text) {
        link = null;
        reason = text;
    }

    /** How long to wait before dialling again: longer each time, and not all peers together. */
    long pauseNanos(RandomGenerator random) {
        int doubled = Math.min(failures, 7);
        long pause = Math.min(LONGEST_PAUSE_NANOS, FIRST_PAUSE_NANOS << doubled);
        if (refusal != null && refusal != Refusal.DUPLICATE) {
            pause = Math.max(pause, LONGEST_PAUSE_NANOS / 10);
        }
        return pause / 2 + random.nextLong(pause / 2 + 1);
    }

    PeerStatus status() {
        LinkCore up = link;
        if (up != null) {
            return new PeerStatus(PeerStatus.State.CONNECTED, "", null, up.status());
        }
        return new PeerStatus(
                refusal == null ? PeerStatus.State.WAITING : PeerStatus.State.REFUSED,
                reason,
                refusal,
                null);
    }
}
