package dev.tidemark.gateway.sites;

import dev.tidemark.execution.Causes;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.PeerRefusedException;
import dev.tidemark.replica.link.PeerStatus;
import dev.tidemark.replica.link.Refusal;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Waits for other sites, and says what to do when they refuse or do not answer. */
final class Pairing {
    /** Longer than a link waits itself. */
    private static final long LIMIT_SECONDS = 120;

    private Pairing() {}

    /** Reads a token and refuses one that is over: nobody need be asked. */
    static PairingToken token(@Nullable String text, Instant now) {
        if (text == null) {
            throw ProblemException.of(ProblemKind.INVALID, "the field token is missing");
        }
        PairingToken token;
        try {
            token = PairingToken.parse(text);
        } catch (IllegalArgumentException e) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "not a token of an invitation: " + e.getMessage(),
                            null,
                            null,
                            "copy it whole from the output of: tidemark site invite"),
                    e);
        }
        if (token.expirySeconds() <= now.getEpochSecond()) {
            throw expired();
        }
        return token;
    }

    private static ProblemException expired() {
        return new ProblemException(
                new Problem(
                        ProblemKind.INVALID,
                        "the invitation has expired",
                        null,
                        null,
                        "make a new one at the other site with: tidemark site invite; if it is new, compare the clocks"));
    }

    /** The other site's answer to a pairing. */
    static <T> T await(CompletableFuture<T> answer, PairingToken token) {
        try {
            return answer.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopping(e);
        } catch (TimeoutException e) {
            throw unreachable(token, "no answer", e);
        } catch (ExecutionException e) {
            throw switch (Causes.of(e)) {
                case PeerRefusedException refused -> refused(refused);
                case Throwable other -> unreachable(token, text(other), other);
            };
        }
    }

    private static ProblemException refused(PeerRefusedException e) {
        boolean invitation = e.refusal() == Refusal.INVITATION;
        return new ProblemException(
                new Problem(
                        invitation ? ProblemKind.INVALID : ProblemKind.FAILED,
                        "the other site refuses the pairing: " + Plain.line(text(e)),
                        null,
                        null,
                        invitation ? "make a new invitation there with: tidemark site invite" : ""),
                e);
    }

    private static ProblemException unreachable(PairingToken token, String why, Throwable cause) {
        return new ProblemException(
                new Problem(
                        ProblemKind.FAILED,
                        "the other site cannot be paired with: " + Plain.line(why),
                        String.join(", ", token.addresses()),
                        null,
                        "one of these addresses has to be reachable from here; if only the other direction is open, invite here and pair there"),
                cause);
    }

    /** A peer's answer to a request. */
    static <T> T answer(CompletableFuture<T> answer, String peer) {
        try {
            return answer.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopping(e);
        } catch (TimeoutException e) {
            throw silent(peer, "no answer", e);
        } catch (ExecutionException e) {
            Throwable cause = Causes.of(e);
            throw cause instanceof LinkException link && link.kind() == LinkException.Kind.REFUSED
                    ? new ProblemException(
                            new Problem(
                                    ProblemKind.FAILED,
                                    "the peer refuses: " + Plain.line(text(cause)),
                                    peer,
                                    null,
                                    "compare the versions with: tidemark site list"),
                            cause)
                    : silent(peer, text(cause), cause);
        }
    }

    private static ProblemException silent(String peer, String why, Throwable cause) {
        return new ProblemException(
                new Problem(
                        ProblemKind.FAILED,
                        "the peer does not answer: " + Plain.line(why),
                        peer,
                        null,
                        "see tidemark site list, and try again"),
                cause);
    }

    static ProblemException notConnected(LocalSite site, Peers.Peer peer) {
        PeerStatus status = site.links().status(peer.id());
        return new ProblemException(
                new Problem(
                        ProblemKind.FAILED,
                        "the peer is not connected"
                                + (status.reason().isEmpty()
                                        ? ""
                                        : ": " + Plain.line(status.reason())),
                        peer.name(),
                        null,
                        "see tidemark site list"));
    }

    private static ProblemException stopping(InterruptedException e) {
        return new ProblemException(
                Problem.of(ProblemKind.FAILED, "the gateway is stopping; try again"), e);
    }

    private static String text(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.toString() : message;
    }
}
