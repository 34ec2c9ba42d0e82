package dev.tidemark.gateway.sites;

import dev.tidemark.gateway.catalogue.InvitationRow;
import dev.tidemark.gateway.catalogue.PeerRow;
import dev.tidemark.gateway.catalogue.SiteTables;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.replica.link.PairingDesk;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.PeerRefusedException;
import dev.tidemark.replica.link.Refusal;
import dev.tidemark.replica.link.SiteCard;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Invitations of this site and what becomes of them. Thread-safe. */
final class SiteDesk implements PairingDesk {
    private static final Logger log = LoggerFactory.getLogger(SiteDesk.class);

    private final SiteTables tables;
    private final Peers peers;
    private final Supplier<SiteCard> own;
    private final Clock clock;
    private final Executor executor;
    private final Consumer<PeerRow> accepted;
    private final Map<Long, InvitationRow> open = new ConcurrentHashMap<>();

    /**
     * Takes up the invitations that an earlier process made.
     *
     * @param executor where the catalogue may be waited for
     * @param accepted is told of every peer that was written down
     */
    SiteDesk(
            SiteTables tables,
            Peers peers,
            Supplier<SiteCard> own,
            Clock clock,
            Executor executor,
            Consumer<PeerRow> accepted) {
        this.tables = tables;
        this.peers = peers;
        this.own = own;
        this.clock = clock;
        this.executor = executor;
        this.accepted = accepted;
        tables.invitations().forEach(row -> open.put(row.secretId(), row));
        purge();
    }

    private long nowMicros() {
        return Timestamps.micros(clock.instant());
    }

    void add(byte[] secret, long expiresMicros) {
        InvitationRow row = new InvitationRow(PairingToken.secretId(secret), secret, expiresMicros);
        tables.addInvitation(row);
        open.put(row.secretId(), row);
    }

    int open() {
        return open.size();
    }

    /** Drops invitations that are over. */
    void purge() {
        long now = nowMicros();
        for (InvitationRow row : List.copyOf(open.values())) {
            if (row.expiresMicros() <= now) {
                tables.removeInvitation(row.secretId());
                open.remove(row.secretId());
            }
        }
    }

    @Override
    public SiteCard own() {
        return own.get();
    }

    @Override
    public byte @Nullable [] secret(long secretId) {
        InvitationRow row = open.get(secretId);
        return row == null || row.expiresMicros() <= nowMicros() ? null : row.secret();
    }

    @Override
    public CompletableFuture<Boolean> paired(long secretId, SiteCard peer) {
        CompletableFuture<Boolean> written = new CompletableFuture<>();
        executor.execute(() -> {
            try {
                written.complete(accept(secretId, peer));
            } catch (PeerRefusedException | RuntimeException e) {
                log.warn("pairing refused peer={}: {}", peer.site(), e.getMessage());
                written.completeExceptionally(e);
            }
        });
        return written;
    }

    private boolean accept(long secretId, SiteCard card) throws PeerRefusedException {
        InvitationRow invitation = open.get(secretId);
        if (invitation == null || invitation.expiresMicros() <= nowMicros()) {
            return false;
        }
        if (card.site().equals(own().site())) {
            throw refused("this is the same site", null);
        }
        PeerRow row;
        try {
            // Not confirmed before a link is up: whether the answer arrives is not known here.
            Peers.Peer known = peers.find(card.site());
            boolean confirmed = known != null && known.row().confirmed();
            row = peers.row(card, null, nowMicros(), confirmed);
        } catch (ProblemException e) {
            throw refused(e.problem().sentence(), e);
        }
        if (!peers.accept(secretId, row)) {
            return false;
        }
        open.remove(secretId);
        log.info("paired peer={} name={} by an invitation made here", row.id(), row.name());
        accepted.accept(row);
        return true;
    }

    private static PeerRefusedException refused(String why, @Nullable Throwable cause) {
        PeerRefusedException refused = new PeerRefusedException(Refusal.NOT_NOW, why);
        if (cause != null) {
            refused.initCause(cause);
        }
        return refused;
    }
}
