package dev.tidemark.gateway.sites;

import dev.tidemark.gateway.catalogue.SiteRow;
import dev.tidemark.gateway.pki.SiteAuthority;
import dev.tidemark.gateway.pki.SitePapers;
import dev.tidemark.replica.link.LinkCredentials;
import dev.tidemark.replica.link.PeerRefusedException;
import dev.tidemark.replica.link.Refusal;
import dev.tidemark.replica.link.SiteIdentity;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Who this site is and whom it trusts, from memory. Thread-safe. */
final class SiteCredentials implements LinkCredentials {
    private final SiteRow row;
    private final SiteAuthority authority;
    private final Peers peers;
    private final String version;
    private final Clock clock;
    private final Map<UUID, X509Certificate> shown = new ConcurrentHashMap<>();
    private volatile Identity identity;

    private record Identity(SiteAuthority.Leaf leaf, SiteIdentity identity) {
        static Identity of(SiteAuthority.Leaf leaf) {
            return new Identity(
                    leaf,
                    new SiteIdentity(leaf.key(), List.of(leaf.certificate(), leaf.authority())));
        }
    }

    SiteCredentials(
            SiteRow row, SiteAuthority authority, Peers peers, String version, Clock clock) {
        this.row = row;
        this.authority = authority;
        this.peers = peers;
        this.version = version;
        this.clock = clock;
        this.identity = Identity.of(authority.leaf());
    }

    @Override
    public UUID site() {
        return row.id();
    }

    @Override
    public String siteName() {
        return row.name();
    }

    @Override
    public String programVersion() {
        return version;
    }

    /** The same object until the certificate is renewed. */
    @Override
    public SiteIdentity identity() {
        Identity known = identity;
        SiteAuthority.Leaf now = authority.leaf();
        if (!known.leaf().serial().equals(now.serial())) {
            known = Identity.of(now);
            identity = known;
        }
        return known.identity();
    }

    @Override
    public UUID verified(List<X509Certificate> chain) throws PeerRefusedException {
        X509Certificate leaf = chain.getFirst();
        UUID site =
                SitePapers.site(leaf)
                        .orElseThrow(() ->
                                refused(
                                        Refusal.MALFORMED,
                                        "the certificate does not name one site by its id"));
        Peers.Peer peer = peers.find(site);
        if (peer == null) {
            throw refused(
                    Refusal.UNKNOWN_SITE,
                    "site " + site + " is not paired with this one; pair them (again)");
        }
        requireAccepted(leaf, peer);
        shown.put(site, leaf);
        return site;
    }

    private void requireAccepted(X509Certificate leaf, Peers.Peer peer)
            throws PeerRefusedException {
        if (!SitePapers.signed(leaf, peer.authority())) {
            throw refused(
                    Refusal.UNKNOWN_SITE,
                    "the certificate is not signed by the authority that was exchanged at pairing; was the site made anew? pair them again");
        }
        String serial = SitePapers.serial(leaf);
        if (peer.row().refused()) {
            throw refused(
                    Refusal.REVOKED, "all certificates of this site are revoked; pair them again");
        }
        if (peer.row().revoked().contains(serial)) {
            throw refused(
                    Refusal.REVOKED,
                    "certificate "
                            + serial
                            + " is revoked; make a new one there with: tidemark site renew");
        }
        if (!SitePapers.holds(leaf, clock.instant())
                || !SitePapers.holds(peer.authority(), clock.instant())) {
            throw refused(
                    Refusal.EXPIRED,
                    "certificate "
                            + serial
                            + " holds from "
                            + leaf.getNotBefore().toInstant()
                            + " to "
                            + leaf.getNotAfter().toInstant()
                            + ", and here it is "
                            + clock.instant()
                            + "; set the clocks, or renew it there with: tidemark site renew");
        }
    }

    private static PeerRefusedException refused(Refusal refusal, String message) {
        return new PeerRefusedException(refusal, message);
    }

    /** The certificate that a peer was last accepted with since the start. */
    @Nullable X509Certificate shown(UUID peer) {
        return shown.get(peer);
    }

    void forget(UUID peer) {
        shown.remove(peer);
    }
}
