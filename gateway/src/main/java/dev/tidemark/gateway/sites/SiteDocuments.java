package dev.tidemark.gateway.sites;

import dev.tidemark.gateway.pki.SiteAuthority;
import dev.tidemark.gateway.pki.SitePapers;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Wire.PeerDocument;
import dev.tidemark.gateway.wire.Wire.SiteCertificateDocument;
import dev.tidemark.gateway.wire.Wire.SiteDocument;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkStatus;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.PeerStatus;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Documents about this site and its peers. */
final class SiteDocuments {
    private SiteDocuments() {}

    static SiteDocument site(LocalSite site, int peers) {
        SiteAuthority.Leaf leaf = site.authority().leaf();
        return new SiteDocument(
                site.row().name(),
                site.row().id().toString(),
                site.row().listen(),
                site.addresses(),
                Timestamps.iso(site.row().createdMicros()),
                new SiteCertificateDocument(
                        leaf.serial(),
                        iso(leaf.certificate().getNotBefore().toInstant()),
                        iso(leaf.end()),
                        iso(leaf.renewal())),
                HexFormat.of().formatHex(PairingToken.fingerprint(site.card().authority())),
                site.desk().open(),
                peers);
    }

    static PeerDocument peer(LocalSite site, Peers.Peer peer) {
        PeerStatus status = site.links().status(peer.id());
        LinkStatus link = status.link();
        return new PeerDocument(
                peer.name(),
                peer.id().toString(),
                peer.row().calls(),
                status.state().name().toLowerCase(Locale.ROOT),
                Plain.line(status.reason()),
                site.links().link(peer.id()).map(Link::peerVersion).map(Plain::line).orElse(""),
                peer.row().addresses(),
                Timestamps.iso(peer.row().pairedMicros()),
                peer.row().confirmed(),
                link == null ? null : Timestamps.iso(link.sinceMicros()),
                link == null ? "" : link.address(),
                link != null && link.dialled(),
                link == null ? 0 : link.streams(),
                link == null ? 0 : link.roundTripNanos() / 1e9,
                link == null ? 0 : link.sentWireBytes(),
                link == null ? 0 : link.receivedWireBytes(),
                certificate(site.credentials().shown(peer.id())),
                revoked(peer));
    }

    private static List<String> revoked(Peers.Peer peer) {
        return Stream.concat(
                        peer.row().refused() ? Stream.of("*") : Stream.of(),
                        peer.row().revoked().stream().sorted())
                .toList();
    }

    private static @Nullable SiteCertificateDocument certificate(
            @Nullable X509Certificate certificate) {
        return certificate == null
                ? null
                : new SiteCertificateDocument(
                        SitePapers.serial(certificate),
                        iso(certificate.getNotBefore().toInstant()),
                        iso(certificate.getNotAfter().toInstant()),
                        null);
    }

    static String iso(Instant moment) {
        return Timestamps.iso(Timestamps.micros(moment));
    }
}
