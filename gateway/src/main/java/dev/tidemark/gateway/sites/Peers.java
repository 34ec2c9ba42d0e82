package dev.tidemark.gateway.sites;

import dev.tidemark.gateway.catalogue.PeerRow;
import dev.tidemark.gateway.catalogue.SiteTables;
import dev.tidemark.gateway.pki.SitePapers;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.problem.Similar;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.SiteCard;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The sites that this one is paired with: the catalogue's rows, and a copy in memory for those who
 * must not wait. Thread-safe: changes under its lock, reads from an immutable copy.
 */
final class Peers {
    private final SiteTables tables;
    private volatile Map<UUID, Peer> all = Map.of();

    /** A peer with its authority's certificate, read. */
    record Peer(PeerRow row, X509Certificate authority) {
        UUID id() {
            return row.id();
        }

        String name() {
            return row.name();
        }
    }

    Peers(SiteTables tables) {
        this.tables = tables;
        for (PeerRow row : tables.peers()) {
            hold(row);
        }
    }

    private void hold(PeerRow row) {
        Map<UUID, Peer> next = new HashMap<>(all);
        next.put(row.id(), new Peer(row, SitePapers.authority(row.authority())));
        all = Map.copyOf(next);
    }

    /** By name. */
    List<Peer> all() {
        return all.values().stream().sorted(Comparator.comparing(Peer::name)).toList();
    }

    @Nullable Peer find(UUID id) {
        return all.get(id);
    }

    /** The peer with a name or an id. */
    Peer get(String nameOrId) {
        return all().stream()
                .filter(one -> one.name().equals(nameOrId) || one.id().toString().equals(nameOrId))
                .findFirst()
                .orElseThrow(
                        () -> ProblemException.notFound("no such peer", nameOrId, hint(nameOrId)));
    }

    private String hint(String asked) {
        String hint = Similar.hint(asked, all().stream().map(Peer::name).toList());
        return hint.isEmpty() ? "list them with: tidemark site list" : hint;
    }

    /** The id of the peer whose authority has this fingerprint; null when there is none. */
    @Nullable UUID withAuthority(byte[] fingerprint) {
        return all.values().stream()
                .filter(one ->
                        Arrays.equals(PairingToken.fingerprint(one.row().authority()), fingerprint))
                .map(Peer::id)
                .findFirst()
                .orElse(null);
    }

    /** Refuses a name that another peer has. */
    void requireFree(String name, @Nullable UUID except) {
        for (Peer peer : all.values()) {
            if (peer.name().equals(name) && !peer.id().equals(except)) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.EXISTS,
                                "another peer has this name",
                                name,
                                null,
                                "give another one with --name"));
            }
        }
    }

    /**
     * The row of a card that was just exchanged. A site that is known keeps its name, and its
     * authority too: whoever shows another one under its id may be somebody else.
     *
     * @param name what somebody here calls it, null when nobody said
     */
    PeerRow row(SiteCard card, @Nullable String name, long nowMicros, boolean confirmed) {
        SitePapers.authority(card.authority());
        Peer known = find(card.site());
        if (known != null
                && !known.row().refused()
                && !Arrays.equals(known.row().authority(), card.authority())) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.EXISTS,
                            "a site with this id is paired already, with another authority",
                            known.name(),
                            null,
                            "if it was made anew, unpair it first at both sites"));
        }
        if (name != null) {
            requireFree(name, card.site());
        }
        String called = name != null ? name : known != null ? known.name() : free(card);
        Set<String> revoked = known == null ? Set.of() : known.row().revoked();
        return new PeerRow(
                card.site(),
                called,
                Plain.line(card.name()),
                card.authority(),
                card.addresses().stream().filter(Addresses::isDialable).toList(),
                nowMicros,
                confirmed,
                false,
                revoked);
    }

    /** The name it calls itself, or one like it that is free. */
    private String free(SiteCard card) {
        Set<String> taken = all.values().stream().map(Peer::name).collect(Collectors.toSet());
        String base =
                Plain.isName(card.name())
                        ? card.name()
                        : "site-" + card.site().toString().substring(0, 8);
        String stem = base.substring(0, Math.min(base.length(), 58));
        String name = base;
        for (int i = 2; taken.contains(name); i++) {
            name = stem + "-" + i;
        }
        return name;
    }

    synchronized void keep(PeerRow row) {
        tables.keepPeer(row);
        hold(row);
    }

    /** Writes down what an invitation was used for; false when it was used meanwhile. */
    synchronized boolean accept(long secretId, PeerRow row) {
        boolean accepted = tables.acceptPeer(secretId, row);
        if (accepted) {
            hold(row);
        }
        return accepted;
    }

    synchronized void remove(UUID id) {
        tables.removePeer(id);
        Map<UUID, Peer> next = new HashMap<>(all);
        next.remove(id);
        all = Map.copyOf(next);
    }

    /** Both sides have it. */
    synchronized void confirm(UUID id) {
        Peer peer = find(id);
        if (peer != null && !peer.row().confirmed()) {
            keep(changed(peer.row(), true, peer.row().refused(), peer.row().revoked()));
        }
    }

    /** No longer accepts a certificate, or anything when null. */
    synchronized void revoke(UUID id, @Nullable String serial) {
        Peer peer = find(id);
        if (peer == null) {
            return;
        }
        Set<String> revoked = new HashSet<>(peer.row().revoked());
        if (serial != null) {
            revoked.add(serial);
        }
        boolean refused = peer.row().refused() || serial == null;
        keep(changed(peer.row(), peer.row().confirmed(), refused, revoked));
    }

    private static PeerRow changed(
            PeerRow row, boolean confirmed, boolean refused, Set<String> revoked) {
        return new PeerRow(
                row.id(),
                row.name(),
                row.calls(),
                row.authority(),
                row.addresses(),
                row.pairedMicros(),
                confirmed,
                refused,
                revoked);
    }
}
