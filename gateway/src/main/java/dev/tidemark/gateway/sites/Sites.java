package dev.tidemark.gateway.sites;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.catalogue.PeerRow;
import dev.tidemark.gateway.catalogue.SiteRow;
import dev.tidemark.gateway.catalogue.SiteTables;
import dev.tidemark.gateway.config.Endpoint;
import dev.tidemark.gateway.pki.SiteAuthority;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.text.Names;
import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Requests.InitSite;
import dev.tidemark.gateway.wire.Requests.InviteSite;
import dev.tidemark.gateway.wire.Requests.PairSite;
import dev.tidemark.gateway.wire.Requests.RevokePeer;
import dev.tidemark.gateway.wire.Wire.InvitationDocument;
import dev.tidemark.gateway.wire.Wire.PeerDocument;
import dev.tidemark.gateway.wire.Wire.SiteDocument;
import dev.tidemark.gateway.wire.Wire.TopologyDocument;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.PeerStatus;
import dev.tidemark.replica.link.SiteCard;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an administrator can do with this site and its peers. Methods block until it is done and
 * durable; they run on API threads. Thread-safe.
 */
public final class Sites implements AutoCloseable {
    /** Method 4 of the link protocol. */
    static final int METHOD_UNPAIR = 4;

    private static final Logger log = LoggerFactory.getLogger(Sites.class);
    private static final Duration USUAL_VALIDITY = Duration.ofMinutes(10);
    private static final Duration SHORTEST_VALIDITY = Duration.ofSeconds(1);
    private static final Duration LONGEST_VALIDITY = Duration.ofDays(1);
    private static final int MOST_INVITATIONS = 100;
    private static final Duration FAREWELL = Duration.ofSeconds(5);
    private static final long FAREWELL_NANOS = 500_000_000;
    private static final Pattern SERIAL = Pattern.compile("[0-9a-f]{1,40}");

    private final Means means;
    private final SiteSettings settings;
    private final String version;
    private final Peers peers;
    private final SitesWatch watch;
    private final List<Function<UUID, List<String>>> uses = new CopyOnWriteArrayList<>();
    private volatile @Nullable LocalSite local;
    private boolean closed; // guarded by this

    /**
     * What it works with.
     *
     * @param folder where keys lie
     * @param random of secrets: not to be guessed
     */
    public record Means(
            Path folder,
            SiteTables tables,
            Links.Maker links,
            LinkServices services,
            Alerts alerts,
            SiteMetrics metrics,
            Scheduler scheduler,
            Clock clock,
            RandomGenerator random) {}

    /**
     * Nothing listens or dials yet.
     *
     * @param topology what peers are told of this site, given its id and name
     */
    public Sites(
            Means means,
            SiteSettings settings,
            String version,
            Supplier<TopologyDocument> topology) {
        this.means = means;
        this.settings = settings;
        this.version = version;
        this.peers = new Peers(means.tables());
        this.watch = new SitesWatch(means, peers, () -> local, this::forget);
        LinkServices services = means.services();
        services.method(Topology.METHOD, (link, body) -> later(() -> told(topology.get())));
        services.method(METHOD_UNPAIR, (link, body) -> later(() -> unpairedBy(link)));
        services.watch(new Confirming());
    }

    /** What blocks runs where it may. */
    private CompletableFuture<ByteBuf> later(Answering work) {
        CompletableFuture<ByteBuf> answer = new CompletableFuture<>();
        means.scheduler()
                .io()
                .execute(() -> {
                    try {
                        answer.complete(work.run());
                    } catch (LinkException | RuntimeException e) {
                        answer.completeExceptionally(e);
                    }
                });
        return answer;
    }

    private interface Answering {
        ByteBuf run() throws LinkException;
    }

    /** The site's own words in front of what the gateway tells. */
    private ByteBuf told(TopologyDocument all) {
        SiteRow row = required().row();
        return Topology.write(
                new TopologyDocument(
                        row.id().toString(),
                        row.name(),
                        version,
                        all.poolUsedBytes(),
                        all.poolBudgetBytes(),
                        all.freeBytes(),
                        all.unitBytes(),
                        all.truncated(),
                        all.groups()));
    }

    /** A link proves that both sides have written the pairing down. */
    private final class Confirming implements LinkServices.Watcher {
        @Override
        public void up(Link link) {
            UUID peer = link.peer();
            means.scheduler().io().execute(() -> peers.confirm(peer));
        }

        @Override
        public void down(Link link, String reason) {}
    }

    /**
     * Takes up the site that the catalogue knows, or makes the one that the configuration asks for;
     * does nothing but watch when there is neither.
     */
    public synchronized Sites open() {
        Optional<SiteRow> known = means.tables().site();
        if (known.isPresent()) {
            SiteRow row = configured(known.get());
            if (!row.equals(known.get())) {
                means.tables().keepSite(row);
            }
            local = opened(row, SiteAuthority.at(means.folder(), row.id(), means.clock()));
        } else if (!settings.isEmpty()) {
            make("", "", List.of());
        }
        watch.start();
        return this;
    }

    private SiteRow configured(SiteRow row) {
        return new SiteRow(
                row.id(),
                settings.name().isEmpty() ? row.name() : settings.name(),
                settings.listen().isEmpty() ? row.listen() : settings.listen(),
                settings.advertise().isEmpty() ? row.advertise() : settings.advertise(),
                row.createdMicros());
    }

    private LocalSite opened(SiteRow row, SiteAuthority authority) {
        LocalSite site = new LocalSite(row, authority, peers, version, means);
        try {
            return site.open(peers.all().stream().map(Peers.Peer::row).toList());
        } catch (RuntimeException e) {
            site.close();
            throw e;
        }
    }

    private LocalSite make(String name, String listen, List<String> advertise) {
        SiteRow row =
                configured(
                        new SiteRow(
                                UUID.randomUUID(),
                                name.isEmpty() ? machineName() : Names.site(name),
                                listen.isEmpty() ? "" : Endpoint.parse(listen).toString(),
                                Addresses.dialable(advertise),
                                Timestamps.micros(means.clock().instant())));
        // The row last: a folder without it is one that was not finished, and is made anew.
        SiteAuthority authority = SiteAuthority.init(means.folder(), row.id(), means.clock());
        LocalSite made = opened(row, authority);
        try {
            means.tables().keepSite(row);
        } catch (RuntimeException e) {
            made.close();
            throw e;
        }
        local = made;
        return made;
    }

    private static String machineName() {
        try {
            String name = InetAddress.getLocalHost().getHostName();
            return Plain.isName(name) ? name : "site";
        } catch (UnknownHostException e) {
            return "site";
        }
    }

    // This site

    /** Makes this gateway a site. */
    public synchronized SiteDocument init(InitSite request) {
        LocalSite known = local;
        if (known != null || closed) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.EXISTS,
                            "this gateway is a site already",
                            known == null ? null : known.row().name(),
                            null,
                            "see tidemark site list; name and addresses are changed with the keys site.name, site.listen and site.advertise"));
        }
        LocalSite made =
                make(
                        orEmpty(request.name()),
                        orEmpty(request.listen()),
                        request.advertise() == null ? List.of() : request.advertise());
        return SiteDocuments.site(made, peers.all().size());
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }

    private LocalSite required() {
        LocalSite site = local;
        if (site == null) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.NOT_FOUND,
                            "this gateway is no site yet",
                            null,
                            null,
                            "make it one with: tidemark site init --listen HOST:PORT"));
        }
        return site;
    }

    public SiteDocument site() {
        return SiteDocuments.site(required(), peers.all().size());
    }

    /** A new key and certificate, at once. */
    public SiteDocument renew() {
        LocalSite site = required();
        SiteAuthority.Leaf leaf = site.authority().renew();
        log.info("certificate renewed serial={} ends={}", leaf.serial(), leaf.end());
        return SiteDocuments.site(site, peers.all().size());
    }

    /** Seconds since 1970 at which the certificate ends; 0 without a site. */
    public double certificateEndSeconds() {
        LocalSite site = local;
        return site == null ? 0 : site.authority().leaf().end().getEpochSecond();
    }

    // Pairing

    /** Makes a token for one pairing. */
    public InvitationDocument invite(InviteSite request) {
        LocalSite site = required();
        if (site.addresses().isEmpty()) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "this site does not listen: nobody could use an invitation",
                            null,
                            null,
                            "set site.listen and start again, or invite at the other site"));
        }
        site.desk().purge();
        if (site.desk().open() >= MOST_INVITATIONS) {
            throw ProblemException.of(
                    ProblemKind.IN_USE,
                    MOST_INVITATIONS + " invitations are open; wait until some are over");
        }
        Instant end = means.clock().instant().plus(validity(request.valid()));
        byte[] secret = new byte[PairingToken.SECRET_BYTES];
        means.random().nextBytes(secret);
        PairingToken token =
                new PairingToken(
                        end.getEpochSecond(),
                        secret,
                        PairingToken.fingerprint(site.card().authority()),
                        site.addresses());
        site.desk().add(secret, Timestamps.micros(end));
        log.info("invitation made until={}", end);
        return new InvitationDocument(token.text(), SiteDocuments.iso(end), site.addresses());
    }

    private static Duration validity(@Nullable String text) {
        if (text == null) {
            return USUAL_VALIDITY;
        }
        Duration span = TimeSpan.parse(text);
        if (span.compareTo(SHORTEST_VALIDITY) < 0 || span.compareTo(LONGEST_VALIDITY) > 0) {
            throw ProblemException.invalid(
                    "validity out of range",
                    text,
                    TimeSpan.exact(SHORTEST_VALIDITY) + " to " + TimeSpan.exact(LONGEST_VALIDITY),
                    "");
        }
        return span;
    }

    /** Pairs this site with the one that made a token; returns when both have written it down. */
    public PeerDocument pair(PairSite request) {
        LocalSite site = required();
        String name = request.name() == null ? null : Names.site(request.name());
        PairingToken token = Pairing.token(request.token(), means.clock().instant());
        if (name != null) {
            peers.requireFree(name, peers.withAuthority(token.fingerprint()));
        }
        SiteCard card = Pairing.await(site.links().pair(token, site.card()), token);
        if (card.site().equals(site.row().id())) {
            throw ProblemException.of(
                    ProblemKind.INVALID, "the token is of this very site; use it at another");
        }
        PeerRow row = peers.row(card, name, Timestamps.micros(means.clock().instant()), true);
        peers.keep(row);
        log.info("paired peer={} name={} by its invitation", row.id(), row.name());
        site.dial(row);
        return SiteDocuments.peer(site, peers.get(row.id().toString()));
    }

    // Peers

    public List<PeerDocument> list() {
        LocalSite site = required();
        return peers.all().stream().map(peer -> SiteDocuments.peer(site, peer)).toList();
    }

    public PeerDocument peer(String nameOrId) {
        return SiteDocuments.peer(required(), peers.get(nameOrId));
    }

    /** What a peer says of itself. */
    public TopologyDocument topology(String nameOrId) {
        LocalSite site = required();
        Peers.Peer peer = peers.get(nameOrId);
        Link link =
                site.links().link(peer.id()).orElseThrow(() -> Pairing.notConnected(site, peer));
        return Topology.read(
                Pairing.answer(link.request(Topology.METHOD, Unpooled.EMPTY_BUFFER), peer.name()));
    }

    /** The link that is up with a peer; for those who ship. */
    public Optional<Link> link(UUID peer) {
        LocalSite site = local;
        return site == null ? Optional.empty() : site.links().link(peer);
    }

    /** This site's id; a problem when this is no site. */
    public UUID id() {
        return required().row().id();
    }

    /** The ids of all peers. */
    public List<UUID> peerIds() {
        return peers.all().stream().map(Peers.Peer::id).toList();
    }

    /** Whether an id is this site's own. */
    public boolean isThisSite(@Nullable UUID id) {
        LocalSite site = local;
        return site != null && site.row().id().equals(id);
    }

    /** How it stands with a peer. */
    public Optional<PeerStatus> status(UUID peer) {
        LocalSite site = local;
        return site == null || peers.find(peer) == null
                ? Optional.empty()
                : Optional.of(site.links().status(peer));
    }

    /** The id of the peer with a name or an id; a problem when there is none. */
    public UUID peerId(String nameOrId) {
        required();
        return peers.get(nameOrId).id();
    }

    /** The name of a peer here, or its id when it is not known. */
    public String peerName(UUID peer) {
        Peers.Peer known = peers.find(peer);
        return known == null ? peer.toString() : known.name();
    }

    /**
     * Adds somebody who uses peers: the names of what would be without its copy if the peer were
     * gone. A peer in use is unpaired by force only.
     */
    public void uses(Function<UUID, List<String>> groups) {
        uses.add(groups);
    }

    private List<String> usesOf(UUID peer) {
        return uses.stream().flatMap(one -> one.apply(peer).stream()).toList();
    }

    /** Forgets a peer, and tells it when it can be reached. */
    public void unpair(String nameOrId, boolean force) {
        LocalSite site = required();
        Peers.Peer peer = peers.get(nameOrId);
        List<String> used = usesOf(peer.id());
        if (!force && !used.isEmpty()) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "groups are protected with this peer",
                            peer.name(),
                            String.join(", ", used),
                            "end their protection first, or unpair with --force"));
        }
        site.links().link(peer.id()).ifPresent(link -> tell(link, peer));
        forget(peer, "unpaired here");
    }

    private static void tell(Link link, Peers.Peer peer) {
        try {
            link.request(METHOD_UNPAIR, Unpooled.EMPTY_BUFFER)
                    .get(FAREWELL.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException
                | java.util.concurrent.TimeoutException e) {
            log.warn(
                    "peer {} was not told that it is unpaired: {}",
                    peer.name(),
                    Plain.line(String.valueOf(e.getMessage())));
        }
    }

    /** The peer has forgotten this site, or is about to. */
    private ByteBuf unpairedBy(Link link) throws LinkException {
        Peers.Peer peer = peers.find(link.peer());
        if (peer != null) {
            List<String> used = usesOf(peer.id());
            if (!used.isEmpty()) {
                throw LinkException.refusal(
                        LinkException.CODE_NOT_NOW,
                        "groups are protected with you: " + String.join(", ", used));
            }
            peers.remove(peer.id());
            log.info("unpaired peer={} name={} by the peer", peer.id(), peer.name());
            // The answer goes first, then the link.
            means.scheduler().schedule(FAREWELL_NANOS, () -> end(peer, "unpaired there"));
        }
        return Unpooled.EMPTY_BUFFER;
    }

    private void end(Peers.Peer peer, String reason) {
        LocalSite site = local;
        if (site != null && peers.find(peer.id()) == null) {
            site.credentials().forget(peer.id());
            site.links().forget(peer.id(), reason);
        }
    }

    private void forget(Peers.Peer peer, String reason) {
        peers.remove(peer.id());
        log.info("peer forgotten peer={} name={}: {}", peer.id(), peer.name(), reason);
        end(peer, reason);
    }

    /** Refuses one certificate of a peer, or all; a link with it ends within a heartbeat. */
    public PeerDocument revoke(String nameOrId, RevokePeer request) {
        LocalSite site = required();
        Peers.Peer peer = peers.get(nameOrId);
        boolean all = Boolean.TRUE.equals(request.all());
        if (all == (request.certificate() != null)) {
            throw ProblemException.of(
                    ProblemKind.INVALID, "name one certificate, or all: not both, not neither");
        }
        String serial = request.certificate() == null ? null : serial(request.certificate());
        peers.revoke(peer.id(), serial);
        log.info("revoked peer={} certificate={}", peer.name(), serial == null ? "*" : serial);
        return SiteDocuments.peer(site, peers.get(peer.id().toString()));
    }

    private static String serial(String text) {
        String serial = text.toLowerCase(java.util.Locale.ROOT).replaceFirst("^0+(?=.)", "");
        if (!SERIAL.matcher(serial).matches()) {
            throw ProblemException.invalid(
                    "not a serial number",
                    text,
                    "1 to 40 hexadecimal digits",
                    "see tidemark site list --json");
        }
        return serial;
    }

    @Override
    public synchronized void close() {
        closed = true;
        watch.close();
        LocalSite site = local;
        if (site != null) {
            site.close();
        }
    }
}
