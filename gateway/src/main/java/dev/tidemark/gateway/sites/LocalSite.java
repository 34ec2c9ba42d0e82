package dev.tidemark.gateway.sites;

import dev.tidemark.gateway.catalogue.PeerRow;
import dev.tidemark.gateway.catalogue.SiteRow;
import dev.tidemark.gateway.config.Endpoint;
import dev.tidemark.gateway.pki.SiteAuthority;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.replica.link.SiteCard;
import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** This site while it runs: its identity, its desk and its links. Thread-safe. */
final class LocalSite implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LocalSite.class);

    private final SiteRow row;
    private final SiteAuthority authority;
    private final SiteCredentials credentials;
    private final SiteDesk desk;
    private final Links links;
    private volatile List<String> addresses = List.of();

    /**
     * A site that neither listens nor dials yet.
     *
     * @param version of the program
     */
    LocalSite(
            SiteRow row, SiteAuthority authority, Peers peers, String version, Sites.Means means) {
        this.row = row;
        this.authority = authority;
        this.credentials = new SiteCredentials(row, authority, peers, version, means.clock());
        this.desk =
                new SiteDesk(
                        means.tables(),
                        peers,
                        this::card,
                        means.clock(),
                        means.scheduler().io(),
                        this::dial);
        this.links = means.links().make(credentials, desk, means.services());
    }

    /** Listens, when it is to, and dials all peers that have addresses. */
    LocalSite open(List<PeerRow> peers) {
        listen();
        peers.forEach(this::dial);
        log.info(
                "site {} id={} listens={} reached at {}, {} peers, certificate {} ends {}",
                row.name(),
                row.id(),
                row.listen().isEmpty() ? "no" : row.listen(),
                addresses.isEmpty() ? "nothing" : addresses,
                peers.size(),
                authority.leaf().serial(),
                authority.leaf().end());
        return this;
    }

    private void listen() {
        if (row.listen().isEmpty()) {
            return;
        }
        Addresses.requireTold(row.listen(), row.advertise());
        try {
            addresses =
                    Addresses.told(
                            row.advertise(),
                            row.listen(),
                            links.listen(Endpoint.parse(row.listen()).address()));
        } catch (IOException e) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "cannot listen for other sites: " + e.getMessage(),
                            row.listen(),
                            null,
                            "stop the other program, or change site.listen"),
                    e);
        }
    }

    /** Waits for a peer, or dials it where it has addresses. */
    void dial(PeerRow peer) {
        links.dial(peer.id(), peer.addresses());
    }

    SiteRow row() {
        return row;
    }

    SiteAuthority authority() {
        return authority;
    }

    SiteCredentials credentials() {
        return credentials;
    }

    SiteDesk desk() {
        return desk;
    }

    Links links() {
        return links;
    }

    /** Where peers dial it; empty when it does not listen. */
    List<String> addresses() {
        return addresses;
    }

    SiteCard card() {
        try {
            return new SiteCard(
                    row.id(), row.name(), authority.leaf().authority().getEncoded(), addresses);
        } catch (CertificateEncodingException e) {
            throw new AssertionError(e); // it was read from this very encoding
        }
    }

    @Override
    public void close() {
        links.close();
    }
}
