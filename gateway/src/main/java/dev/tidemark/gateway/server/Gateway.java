package dev.tidemark.gateway.server;

import dev.tidemark.execution.ThreadScheduler;
import dev.tidemark.gateway.access.GuardedExports;
import dev.tidemark.gateway.api.ApiServer;
import dev.tidemark.gateway.api.Services;
import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.catalogue.SqliteLibrary;
import dev.tidemark.gateway.config.ChapSecrets;
import dev.tidemark.gateway.config.Endpoint;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.config.TlsMode;
import dev.tidemark.gateway.exports.Disks;
import dev.tidemark.gateway.exports.Exports;
import dev.tidemark.gateway.metrics.Metrics;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.protection.SiteGroups;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Overview;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.Promotions;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.service.Taps;
import dev.tidemark.gateway.service.Tasks;
import dev.tidemark.gateway.service.Uris;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.sites.LinkServices;
import dev.tidemark.gateway.sites.Links;
import dev.tidemark.gateway.sites.SiteMetrics;
import dev.tidemark.gateway.sites.SiteSettings;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.targets.IscsiService;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.tls.ServerTls;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.DiskUris;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.HealthDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import dev.tidemark.gateway.wire.Wire.TopologyDocument;
import dev.tidemark.iscsi.IscsiServerException;
import dev.tidemark.iscsi.target.Portal;
import dev.tidemark.journal.IndexCache;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.nbd.ListenAddress;
import dev.tidemark.nbd.NbdLimits;
import dev.tidemark.nbd.NbdServer;
import dev.tidemark.nbd.NbdServerConfig;
import dev.tidemark.nbd.NbdServerException;
import dev.tidemark.replica.Environment;
import dev.tidemark.replica.link.LinkEndpoint;
import dev.tidemark.replica.link.LinkOptions;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running gateway. {@link #start} either has everything up or undoes what it began and throws one
 * problem; {@link #stop} ends it cleanly, {@link #close} as after a crash. Thread-safe.
 */
public final class Gateway implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Gateway.class);
    private static final Duration CLIENTS_LEAVE = Duration.ofSeconds(10);

    private final Settings settings;
    private final Clock clock = Clock.systemUTC();
    private final Instant started = clock.instant();
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final Alerts alerts = new Alerts(clock);
    private final Uris uris = new Uris();
    private final DataDirectory data;
    private final String token;
    private final SegmentPool pool;
    private final StorageDirectory groupsDirectory;
    private final Groups groups;
    private final RecoveryTests tests;
    private final Volumes volumes;
    private final Disks disks;
    private final @Nullable ServerTls tls;
    private final NbdServer nbd;
    private final @Nullable IscsiService iscsi;
    private final List<String> nbdUris = new ArrayList<>();
    private final List<String> iscsiUris = new ArrayList<>();
    private final String apiUri;
    private final LinkServices linkServices = new LinkServices();
    private final Sites sites;
    private volatile boolean stopping;

    private Gateway(Settings settings, List<ListenAddress> instead)
            throws IOException, StorageException {
        this.settings = settings;
        try {
            data = DataDirectory.at(settings.get(Keys.DATA_DIRECTORY));
            opened.push(data.lock());
            token = data.token();
            SqliteLibrary.load(data.libraries());
            Catalogue catalogue = keep(Catalogue.open(data.catalogue()));
            groupsDirectory = data.groups();
            pool = new SegmentPool(poolBytes());
            ThreadScheduler scheduler =
                    keep(
                            new ThreadScheduler(
                                    "tidemark", settings.get(Keys.IO_THREADS), Gateway::uncaught));
            groups = groups(catalogue, scheduler);
            opened.push(groups::close);
            groups.openAll();
            Tasks tasks = new Tasks(catalogue, clock);
            tasks.reconcile();
            Points points = new Points(clock);
            tests = new RecoveryTests(groups, points, catalogue, settings, uris, clock);
            tests.reconcile();
            Promotions promotions = new Promotions(groups, points, tests, tasks);
            promotions.resume();
            volumes = new Volumes(groups, tasks, uris);
            Metrics metrics = keep(new Metrics());
            ExecutorService opener = Executors.newVirtualThreadPerTaskExecutor();
            disks =
                    new Disks(
                            volumes,
                            tests,
                            points,
                            metrics,
                            opener,
                            settings.get(Keys.RELATIVE_LEASE),
                            scheduler);
            tls = tls(opener);
            nbd =
                    keep(
                            new NbdServer(
                                    nbdConfig(instead),
                                    new GuardedExports(
                                            new Exports(disks, opener),
                                            settings.get(Keys.NBD_RULES),
                                            metrics.registry()),
                                    new ConnectionMetrics(metrics.registry())));
            List<Uris.Base> bases = listen();
            iscsi =
                    settings.get(Keys.ISCSI_LISTEN).isEmpty() || !instead.isEmpty()
                            ? null
                            : iscsi(catalogue, metrics, scheduler, opener);
            if (iscsi != null) {
                bases.addAll(listen(iscsi));
            }
            uris.listening(bases);
            ServerTls files = tls;
            if (files != null) {
                keep(new TlsWatch(files, nbd, alerts, scheduler).start());
            }
            sites = sites(catalogue, metrics, scheduler);
            SiteGroups siteGroups =
                    siteGroups(new Served(catalogue, metrics, scheduler, points, tasks));
            siteGroups.open();
            sites.open();
            gatewayMetrics(metrics);
            ApiServer api =
                    keep(
                            new ApiServer(
                                    new Services(
                                            settings,
                                            groups,
                                            volumes,
                                            points,
                                            tests,
                                            promotions,
                                            tasks,
                                            alerts,
                                            new Taps(settings),
                                            uris,
                                            metrics,
                                            sites,
                                            siteGroups,
                                            this::status,
                                            this::readiness),
                                    token,
                                    Version.text()));
            Endpoint asked = settings.get(Keys.API_LISTEN);
            apiUri = "http://" + new Endpoint(asked.host(), api.start(asked));
            opened.push(data::withdraw);
            data.announce(
                    Json.write(
                            Map.of(
                                    "api",
                                    apiUri,
                                    "pid",
                                    ProcessHandle.current().pid(),
                                    "nbd",
                                    nbdUris,
                                    "iscsi",
                                    iscsiUris)));
        } catch (IOException | RuntimeException e) {
            closeOpened();
            throw e;
        }
    }

    /** Starts a gateway; every failure is one problem that says what to do. */
    public static Gateway start(Settings settings) {
        return start(settings, List.of());
    }

    /**
     * The same, serving NBD at other addresses than the settings say.
     *
     * @param instead empty: where the settings say
     */
    public static Gateway start(Settings settings, List<ListenAddress> instead) {
        JavaFlags.check();
        try {
            return new Gateway(settings, instead);
        } catch (NbdServerException e) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "NBD cannot listen: " + e.getMessage(),
                            null,
                            null,
                            "stop the other program, or change nbd.listen or nbd.unix_socket"),
                    e);
        } catch (IscsiServerException e) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "iSCSI cannot listen: " + e.getMessage(),
                            null,
                            null,
                            "stop the other program, or change iscsi.listen"),
                    e);
        } catch (IOException e) {
            throw new ProblemException(
                    Problem.of(
                            ProblemKind.IO, e.getMessage() == null ? e.toString() : e.getMessage()),
                    e);
        }
    }

    private <T extends AutoCloseable> T keep(T resource) {
        opened.push(resource);
        return resource;
    }

    private static void uncaught(Thread thread, Throwable failure) {
        log.error("{} met what it does not know", thread.getName(), failure);
    }

    private long poolBytes() throws IOException {
        long configured = settings.get(Keys.JOURNAL_POOL_BYTES);
        if (configured != 0) {
            return configured;
        }
        long unit = settings.get(Keys.JOURNAL_UNIT_BYTES);
        long half = (groupsDirectory.usableBytes() + data.journalBytes()) / 2;
        if (half < 8 * unit) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.NO_SPACE,
                            "the data directory's file system is too full for the journals",
                            data.path().toString(),
                            "half of the free space is "
                                    + half
                                    + " bytes, 8 storage units are "
                                    + 8 * unit,
                            "free some space, or set journal.pool or journal.storage_unit"));
        }
        return half;
    }

    private Groups groups(Catalogue catalogue, ThreadScheduler scheduler) {
        Groups[] self = new Groups[1];
        Environment environment =
                new Environment(
                        scheduler,
                        pool,
                        new IndexCache(settings.get(Keys.JOURNAL_INDEX_CACHE_BYTES)),
                        alerts.listener(
                                (UUID id) -> self[0] == null ? id.toString() : self[0].nameOf(id)));
        self[0] = new Groups(settings, catalogue, groupsDirectory, environment, clock);
        return self[0];
    }

    // NBD

    private @Nullable ServerTls tls(Executor executor) {
        TlsMode mode = settings.get(Keys.NBD_TLS_MODE);
        return mode == TlsMode.OFF
                ? null
                : new ServerTls(
                        new ServerTls.Terms(
                                data.path().resolve(settings.get(Keys.NBD_TLS_CERTIFICATES)),
                                mode == TlsMode.REQUIRE,
                                settings.get(Keys.NBD_TLS_CLIENTS),
                                settings.get(Keys.NBD_TLS_OLDER)),
                        executor);
    }

    private NbdServerConfig nbdConfig(List<ListenAddress> instead) {
        NbdLimits limits = NbdLimits.DEFAULT;
        return new NbdServerConfig(
                instead.isEmpty() ? addresses() : instead,
                limits.withInFlight(
                        limits.inFlightRequests(), settings.get(Keys.NBD_IN_FLIGHT_BYTES)),
                0,
                true,
                tls);
    }

    private List<ListenAddress> addresses() {
        List<ListenAddress> addresses = new ArrayList<>();
        for (Endpoint endpoint : settings.get(Keys.NBD_LISTEN)) {
            addresses.add(new ListenAddress.Tcp(endpoint.host(), endpoint.port()));
        }
        Path socket = unixSocket();
        if (socket != null) {
            try {
                addresses.add(new ListenAddress.Unix(socket, ListenAddress.Unix.PRIVATE));
            } catch (IllegalArgumentException e) {
                throw new ProblemException(
                        Problem.of(ProblemKind.INVALID, "nbd.unix_socket: " + e.getMessage()), e);
            }
        }
        return addresses;
    }

    private @Nullable Path unixSocket() {
        Path socket = settings.nbdUnixSocket();
        return socket == null ? null : data.path().resolve(settings.get(Keys.NBD_UNIX_SOCKET));
    }

    private List<Uris.Base> listen() throws NbdServerException {
        List<Uris.Base> bases = new ArrayList<>();
        for (ListenAddress address : nbd.start()) {
            for (boolean inTls : schemes()) {
                bases.add(
                        switch (address) {
                            case ListenAddress.Tcp tcp -> Uris.Base.tcp(inTls, tcp.toString());
                            case ListenAddress.Unix unix -> Uris.Base.unix(inTls, unix.path());
                            case ListenAddress.Inherited socket ->
                                    throw new AssertionError(socket + " has an address by now");
                        });
            }
        }
        bases.forEach(base -> nbdUris.add(base.of("")));
        return bases;
    }

    /** Outside TLS, inside, or both. */
    private boolean[] schemes() {
        return switch (settings.get(Keys.NBD_TLS_MODE)) {
            case OFF -> new boolean[] {false};
            case OFFER -> new boolean[] {false, true};
            case REQUIRE -> new boolean[] {true};
        };
    }

    // iSCSI

    private IscsiService iscsi(
            Catalogue catalogue, Metrics metrics, ThreadScheduler scheduler, Executor executor) {
        Path file = settings.iscsiChap();
        Supplier<ChapSecrets> secrets =
                file == null
                        ? () -> ChapSecrets.NONE
                        : keep(new ChapWatch(data.path().resolve(file), alerts, scheduler)).start();
        return keep(
                new IscsiService(
                        settings,
                        new IscsiService.Served(
                                disks,
                                groups,
                                volumes,
                                tests,
                                keep(new SpaceWatch(data.path(), scheduler)).start()),
                        catalogue,
                        secrets,
                        new TargetMetrics(metrics.registry()),
                        executor));
    }

    private List<Uris.Base> listen(IscsiService service) throws IscsiServerException {
        List<Uris.Base> bases = new ArrayList<>();
        List<Portal> portals = settings.get(Keys.ISCSI_LISTEN);
        List<InetSocketAddress> bound = service.start();
        volumes.listen(service);
        tests.listen(service);
        for (int i = 0; i < bound.size(); i++) {
            String advertised = portals.get(i).advertised();
            InetSocketAddress address = bound.get(i);
            String authority =
                    advertised != null
                            ? advertised
                            : new Endpoint(address.getAddress().getHostAddress(), address.getPort())
                                    .toString();
            bases.add(Uris.Base.iscsi(authority));
            iscsiUris.add("iscsi://" + authority);
        }
        return bases;
    }

    // Sites

    private Sites sites(Catalogue catalogue, Metrics metrics, ThreadScheduler scheduler) {
        SecureRandom random = new SecureRandom();
        return keep(
                new Sites(
                        new Sites.Means(
                                data.path().resolve("site"),
                                catalogue.sites(),
                                (credentials, desk, user) ->
                                        Links.of(
                                                new LinkEndpoint(
                                                        LinkOptions.DEFAULT,
                                                        scheduler,
                                                        random,
                                                        credentials,
                                                        desk,
                                                        user)),
                                linkServices,
                                alerts,
                                new SiteMetrics(metrics.registry()),
                                scheduler,
                                clock,
                                random),
                        new SiteSettings(
                                settings.get(Keys.SITE_NAME),
                                settings.get(Keys.SITE_LISTEN),
                                settings.get(Keys.SITE_ADVERTISE).stream()
                                        .map(Endpoint::toString)
                                        .toList()),
                        Version.text(),
                        this::topology));
    }

    /** What the start has made so far. */
    private record Served(
            Catalogue catalogue,
            Metrics metrics,
            ThreadScheduler scheduler,
            Points points,
            Tasks tasks) {}

    private SiteGroups siteGroups(Served served) {
        return keep(
                new SiteGroups(
                        new SiteGroups.Means(
                                groups,
                                volumes,
                                served.points(),
                                tests,
                                served.tasks(),
                                sites,
                                linkServices,
                                served.catalogue().protections(),
                                alerts,
                                served.scheduler(),
                                clock,
                                served.metrics().registry(),
                                settings.get(Keys.JOURNAL_UNIT_BYTES),
                                settings.get(Keys.SITE_BACKLOG_BYTES))));
    }

    /** What peers are told; they know whom they ask. */
    private TopologyDocument topology() {
        return new TopologyDocument(
                "",
                "",
                Version.text(),
                pool.usedBytes(),
                pool.budgetBytes(),
                freeBytes(),
                settings.get(Keys.JOURNAL_UNIT_BYTES),
                false,
                Overview.topology(groups));
    }

    // What others ask

    private void gatewayMetrics(Metrics metrics) {
        metrics.gauge(
                "tidemark_pool_used_bytes",
                "Journal space of all groups",
                pool,
                SegmentPool::usedBytes);
        metrics.gauge(
                "tidemark_pool_budget_bytes",
                "What journals may use",
                pool,
                SegmentPool::budgetBytes);
        metrics.gauge(
                "tidemark_free_bytes",
                "Free space of the data directory's file system",
                this,
                gateway -> gateway.freeBytes());
        metrics.gauge(
                "tidemark_export_views", "Instants that hosts have open", disks, Disks::openViews);
        metrics.gauge(
                "tidemark_nbd_tls_certificate_end_seconds",
                "When the gateway's certificate ends, seconds since 1970; 0 without TLS",
                this,
                gateway -> gateway.tls == null ? 0 : gateway.tls.end().getEpochSecond());
        metrics.gauge(
                "tidemark_site_certificate_end_seconds",
                "When this site's certificate ends, seconds since 1970; 0 without a site",
                sites,
                Sites::certificateEndSeconds);
        metrics.gauge(
                "tidemark_alerts",
                "Alerts since the start",
                alerts,
                all -> all.counts().values().stream().mapToLong(Long::longValue).sum());
    }

    private long freeBytes() {
        try {
            return groupsDirectory.usableBytes();
        } catch (StorageException e) {
            return 0;
        }
    }

    /** The gateway at this moment. */
    public StatusDocument status() {
        List<GroupDocument> documents = Overview.groups(groups);
        return new StatusDocument(
                Version.text(),
                ProcessHandle.current().pid(),
                Timestamps.iso(Timestamps.micros(started)),
                Duration.between(started, clock.instant()).toMillis() / 1e3,
                data.path().toString(),
                nbdUris,
                iscsiUris,
                volumes.all().stream()
                        .map(found -> found.volume().name())
                        .map(name -> new DiskUris(name, uris.of(name)))
                        .toList(),
                apiUri,
                !readiness().status().equals(HealthDocument.DOWN),
                volumes.all().size(),
                tests.runningRows().size(),
                disks.openViews(),
                pool.usedBytes(),
                pool.budgetBytes(),
                freeBytes(),
                documents,
                alerts.counts(),
                alerts.newest(20));
    }

    /** Down while stopping and when every group has failed; degraded when some have. */
    public HealthDocument readiness() {
        if (stopping) {
            return new HealthDocument(HealthDocument.DOWN, List.of("the gateway is stopping"));
        }
        List<GroupDocument> all = Overview.groups(groups);
        List<String> reasons =
                all.stream()
                        .filter(group -> group.state().equals("failed"))
                        .map(group -> "group " + group.name() + ": " + group.reason())
                        .toList();
        String status =
                reasons.isEmpty()
                        ? HealthDocument.UP
                        : reasons.size() < all.size()
                                ? HealthDocument.DEGRADED
                                : HealthDocument.DOWN;
        return new HealthDocument(status, reasons);
    }

    public List<String> nbdUris() {
        return List.copyOf(nbdUris);
    }

    /** Addresses of the portals, as discovery tells them. */
    public List<String> iscsiUris() {
        return List.copyOf(iscsiUris);
    }

    public String apiUri() {
        return apiUri;
    }

    public Path dataDirectory() {
        return data.path();
    }

    public String token() {
        return token;
    }

    public Volumes volumes() {
        return volumes;
    }

    Groups groups() {
        return groups;
    }

    // Stop

    /**
     * Stops cleanly: no new clients, requests in flight end, everything is folded. Returns when it
     * is done.
     */
    public void stop() {
        stopping = true;
        log.info("stopping: clients are asked to leave");
        IscsiService targets = iscsi;
        CompletableFuture<Void> initiatorsLeave =
                targets == null
                        ? CompletableFuture.completedFuture(null)
                        : targets.stop(CLIENTS_LEAVE);
        nbd.stop(CLIENTS_LEAVE).join();
        initiatorsLeave.join();
        log.info("folding");
        groups.drain(settings.get(Keys.SHUTDOWN_DRAIN));
        closeOpened();
        log.info("stopped");
    }

    private void closeOpened() {
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                log.warn("closing goes on after: {}", e.toString());
            }
        }
    }

    /** Ends at once, as after a crash; nothing acknowledged is lost. */
    @Override
    public void close() {
        stopping = true;
        closeOpened();
    }
}
