package dev.tidemark.replica.link;

import dev.tidemark.execution.Causes;
import dev.tidemark.execution.Scheduler;
import java.security.cert.CertificateEncodingException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers PAIR: whoever does not prove an invitation gets one answer, whatever was wrong, and no
 * more than ten such attempts are looked at within a minute. Thread-safe.
 */
final class PairingServer {
    private static final Logger log = LoggerFactory.getLogger(PairingServer.class);
    private static final int ATTEMPTS = 10;
    private static final long WITHIN_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final String NO_INVITATION =
            "the invitation is unknown, used or expired; make a new one with: tidemark site invite";

    private final LinkCredentials credentials;
    private final PairingDesk desk;
    private final Scheduler scheduler;
    private final Deque<Long> failures = new ArrayDeque<>(); // guarded by this

    PairingServer(LinkCredentials credentials, PairingDesk desk, Scheduler scheduler) {
        this.credentials = credentials;
        this.desk = desk;
        this.scheduler = scheduler;
    }

    void take(Greeting greeting, Frame frame) throws PeerRefusedException {
        if (frame.type() != FrameType.PAIR) {
            throw new PeerRefusedException(Refusal.MALFORMED, frame.type() + " instead of PAIR");
        }
        requireFewFailures();
        PairingMessages.Pair pair = PairingMessages.readPair(frame.body());
        byte[] secret = desk.secret(pair.secretId());
        if (secret == null || !pair.isProvenBy(secret, certificate())) {
            throw failed();
        }
        var _ =
                desk.paired(pair.secretId(), pair.card())
                        .whenComplete((used, failure) -> {
                            var loop = greeting.channel().eventLoop();
                            loop.execute(() -> answer(greeting, pair, secret, used, failure));
                        });
    }

    /** The leaf that this site shows now, which is what the dialling side has seen. */
    private byte[] certificate() throws PeerRefusedException {
        try {
            return credentials.identity().leaf().getEncoded();
        } catch (CertificateEncodingException broken) {
            throw new PeerRefusedException(Refusal.NOT_NOW, "this site's certificate is broken");
        }
    }

    private void answer(
            Greeting greeting,
            PairingMessages.Pair pair,
            byte[] secret,
            @Nullable Boolean used,
            @Nullable Throwable failure) {
        Throwable cause = failure == null ? null : Causes.of(failure);
        if (cause instanceof PeerRefusedException refused) {
            greeting.refuse(refused.refusal(), String.valueOf(refused.getMessage()));
        } else if (cause != null) {
            log.error("pairing with {} failed", pair.card().site(), cause);
            greeting.refuse(
                    Refusal.NOT_NOW, "it could not be written down; the log there says why");
        } else if (used == null || !used) {
            PeerRefusedException refused = failed();
            greeting.refuse(refused.refusal(), String.valueOf(refused.getMessage()));
        } else {
            greeting.send(
                    FrameType.PAIRED, PairingMessages.paired(secret, desk.own(), pair.proof()));
            greeting.finish();
        }
    }

    private synchronized PeerRefusedException failed() {
        failures.add(scheduler.nanoTime());
        return new PeerRefusedException(Refusal.INVITATION, NO_INVITATION);
    }

    private synchronized void requireFewFailures() throws PeerRefusedException {
        long now = scheduler.nanoTime();
        while (!failures.isEmpty() && now - failures.element() > WITHIN_NANOS) {
            failures.remove();
        }
        if (failures.size() >= ATTEMPTS) {
            throw new PeerRefusedException(
                    Refusal.NOT_NOW, "too many attempts to pair have failed; wait a minute");
        }
    }
}
