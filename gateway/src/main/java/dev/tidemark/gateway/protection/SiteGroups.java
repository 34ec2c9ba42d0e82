package dev.tidemark.gateway.protection;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.catalogue.ProtectionTables;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.service.Task;
import dev.tidemark.gateway.service.Tasks;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.sites.LinkServices;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.wire.Requests.FailOver;
import dev.tidemark.gateway.wire.Requests.Keep;
import dev.tidemark.gateway.wire.Requests.Move;
import dev.tidemark.gateway.wire.Requests.SeedGroup;
import dev.tidemark.gateway.wire.Wire.GroupSiting;
import dev.tidemark.gateway.wire.Wire.ReverseDocument;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.replica.ship.SiteMessages;
import dev.tidemark.replica.ship.SiteMessages.Question;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an administrator can do with groups at several sites, and what peers ask of them. Methods
 * block until it is done and durable, but for the tasks. Thread-safe.
 */
public final class SiteGroups implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SiteGroups.class);
    private static final long SMALLEST_RATE = 64 << 10;
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final Protections protections;
    private final Handovers handovers;
    private final Taking taking;
    private final Returning returning;
    private final Leaving leaving;
    private final Tenures tenures;
    private final Comparing comparing;
    private final Keeping keeping;
    private final GroupDocuments documents;
    private final Removals removals;
    private final Seeds seeds;
    private final Scheduler scheduler;
    private final ExecutorService blocking = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean closed;

    /**
     * What it works with.
     *
     * @param unitBytes storage unit of this site's journals
     * @param backlogBytes redo that is kept for a peer at most
     */
    public record Means(
            Groups groups,
            Volumes volumes,
            Points points,
            RecoveryTests tests,
            Tasks tasks,
            Sites sites,
            LinkServices services,
            ProtectionTables tables,
            Alerts alerts,
            Scheduler scheduler,
            Clock clock,
            MeterRegistry registry,
            int unitBytes,
            long backlogBytes) {}

    /** Registers with the link services; {@link #open} begins. Before {@link Sites#open}. */
    public SiteGroups(Means means) {
        this.scheduler = means.scheduler();
        Sites sites = means.sites();
        this.protections =
                new Protections(
                        means.groups(),
                        sites,
                        means.tables(),
                        means.alerts(),
                        scheduler,
                        means.clock(),
                        means.registry(),
                        new Protections.Limits(means.unitBytes(), means.backlogBytes()));
        Set<UUID> seeding = ConcurrentHashMap.newKeySet();
        Relations relations = new Relations(sites::isThisSite, protections::ships);
        HandoverRows rows = new HandoverRows(means.tables());
        Rivals rivals =
                new Rivals(
                        sites,
                        means.alerts(),
                        new ProtectionMetrics(means.registry()),
                        means.groups()::nameOf,
                        means.clock());
        Copies copies =
                new Copies(
                        means.groups(),
                        means.tests(),
                        new Copies.Means(
                                means.unitBytes(),
                                means.alerts(),
                                sites::peerName,
                                relations,
                                seeding::contains,
                                group -> changed(means, rows, rivals, group)));
        ShippingDesk desk = new ShippingDesk(copies, scheduler);
        this.seeds = new Seeds(means.groups(), sites, means.tasks(), desk, seeding);
        HandoverMeans shared =
                new HandoverMeans(
                        means.groups(),
                        means.volumes(),
                        means.points(),
                        means.tasks(),
                        sites,
                        protections,
                        desk,
                        rows,
                        new Attendance(means.tasks()),
                        new Peering(sites),
                        relations,
                        rivals,
                        means.alerts(),
                        means.clock());
        this.tenures = new Tenures(shared);
        this.taking = new Taking(shared, tenures, new Elsewhere(shared, blocking));
        this.returning = new Returning(shared);
        this.leaving = new Leaving(shared);
        this.comparing = new Comparing(shared, tenures);
        this.keeping = new Keeping(shared, comparing);
        this.handovers = new Handovers(shared, taking, returning);
        this.removals =
                new Removals(
                        means.groups(),
                        sites,
                        means.tables(),
                        shared.peering(),
                        rows,
                        means.clock());
        this.documents =
                new GroupDocuments(sites, protections, removals, rows, rivals, means.tests());
        means.groups().siting(documents::of);
        means.groups()
                .onDelete(group -> {
                    protections.removeAll(group);
                    desk.forget(group);
                });
        sites.uses(protections::uses);
        sites.uses(removals::uses);
        register(means.services(), desk);
    }

    /** A group became a copy of another site's: it is not this site's to ship. */
    private void changed(Means means, HandoverRows rows, Rivals rivals, Group group) {
        UUID id = group.row().id();
        protections.removeAll(id);
        rows.endTaken(id);
        rivals.overAll(id, "the group is a copy of another site's here");
        means.volumes().announce(group);
    }

    private void register(LinkServices services, ShippingDesk desk) {
        for (int purpose : ShippingDesk.PURPOSES) {
            services.purpose(
                    purpose, (link, channel, body) -> desk.opened(link, channel, purpose, body));
        }
        for (int method : ShippingDesk.METHODS) {
            services.method(method, (link, body) -> desk.requested(link.peer(), method, body));
        }
        services.method(
                SiteMessages.METHOD_STATE,
                (link, body) ->
                        answer(
                                body,
                                Question::decode,
                                asked -> tenures.state(asked.group()).encode()));
        services.method(
                SiteMessages.METHOD_FENCE,
                (link, body) ->
                        answer(
                                body,
                                Question::decode,
                                asked ->
                                        Unpooled.buffer(8)
                                                .writeLongLE(
                                                        tenures.fence(
                                                                link.peer(),
                                                                asked.group(),
                                                                asked.tenure()))));
        services.method(
                Handover.METHOD,
                (link, body) ->
                        answer(
                                body,
                                Handover::decode,
                                handover -> taking.takeFrom(link.peer(), handover).encode()));
        services.method(
                SiteMessages.METHOD_DELETE,
                (link, body) ->
                        answer(
                                body,
                                Question::decode,
                                asked -> {
                                    removals.delete(link.peer(), asked);
                                    return Unpooled.EMPTY_BUFFER;
                                }));
        services.watch(protections);
        services.watch(new Telling());
    }

    private interface Decoder<T> {
        T decode(ByteBuf body) throws LinkException;
    }

    private interface Answerer<T> {
        ByteBuf answer(T question) throws LinkException;
    }

    private <T> CompletableFuture<ByteBuf> answer(
            ByteBuf body, Decoder<T> decoder, Answerer<T> answerer) {
        T question;
        try {
            question = decoder.decode(body);
        } catch (LinkException malformed) {
            return CompletableFuture.failedFuture(malformed);
        }
        CompletableFuture<ByteBuf> answer = new CompletableFuture<>();
        blocking.execute(() -> {
            try {
                answer.complete(answerer.answer(question));
            } catch (ProblemException problem) {
                answer.completeExceptionally(
                        LinkException.refusal(
                                LinkException.CODE_NOT_NOW, problem.problem().sentence()));
            } catch (LinkException | RuntimeException failure) {
                answer.completeExceptionally(failure);
            }
        });
        return answer;
    }

    /** Tells a peer, when there is a link, what this site has taken over from it, and asks it. */
    private final class Telling implements LinkServices.Watcher {
        @Override
        public void up(Link link) {
            comparing.up(link.peer());
            run(() -> tenures.tell(link.peer()));
        }

        @Override
        public void down(Link link, String reason) {
            // Nothing is asked of who is not there.
        }
    }

    /** Runs what blocks; its failure is logged, and it is tried again with the next occasion. */
    private void run(Runnable work) {
        if (closed) {
            return;
        }
        blocking.execute(() -> {
            try {
                work.run();
            } catch (ProblemException e) {
                log.warn("asking another site: {}", e.getMessage());
            }
        });
    }

    /** Takes up what an earlier process left. Before {@link Sites#open}. */
    public void open() {
        protections.open(
                new Protections.Fencing() {
                    @Override
                    public void fenced(UUID group, UUID peer) {
                        run(() -> tenures.ask(group, peer));
                    }

                    @Override
                    public void behind(UUID group, UUID peer) {
                        run(() -> tenures.ask(group, peer));
                    }
                });
        handovers.open();
        removals.open();
        scheduler.schedule(LOOK_NANOS, this::look);
    }

    private void look() {
        run(() -> {
            try {
                removals.look();
                tenures.look(this::run);
                comparing.look(this::run);
                handovers.look();
            } finally {
                scheduler.schedule(LOOK_NANOS, this::look);
            }
        });
    }

    /** What is said of a group. */
    public GroupSiting siting(Group group) {
        return documents.of(group);
    }

    /** Copies a group to other sites, by name or id. */
    public void protect(Group group, Sites sites, List<String> names) {
        List<UUID> peers = names.stream().map(sites::peerId).distinct().toList();
        peers.forEach(peer -> removals.requireNone(group, peer));
        protections.protect(group, peers);
    }

    /** Puts images in place for a copy that is to be made here. */
    public Task seed(String site, String group, SeedGroup request) {
        return seeds.seed(site, group, request);
    }

    /**
     * Copies it no longer, whether the other site can be reached or not.
     *
     * @param deleteCopy the copy is deleted there, as soon as it can be asked for; else it stays
     *     where it is, also one that was to be deleted
     */
    public void unprotect(Group group, Sites sites, String site, boolean deleteCopy) {
        UUID id = group.row().id();
        UUID peer = sites.peerId(site);
        if (removals.find(id, peer).isPresent()) {
            if (!deleteCopy) {
                removals.forget(id, peer);
            }
            return;
        }
        UUID copied = protections.get(group, site).peer();
        if (deleteCopy) {
            protections.requireDeletable(group);
            removals.begin(group, copied);
        }
        protections.remove(id, copied);
    }

    /** How the group would be copied to the site that it was taken over from. */
    public ReverseDocument reverseSettings(Group group) {
        return documents.reverse(group);
    }

    public void pause(Group group, String site) {
        protections.pause(protections.get(group, site));
    }

    /** Goes on, or tries again what has stopped. */
    public void resume(Group group, String site) {
        protections.resume(protections.get(group, site));
    }

    /** Limits what is sent to a copy a second, on the wire. */
    public void limit(Group group, String site, @Nullable String rate) {
        protections.limit(protections.get(group, site), rate(rate));
    }

    /** Limits what is sent to a peer a second, of all groups together. */
    public void limitSite(Sites sites, String site, @Nullable String rate) {
        protections.limitSite(sites.peerId(site), rate(rate));
    }

    private static long rate(@Nullable String text) {
        if (text == null || text.equals("none")) {
            return 0;
        }
        long bytes = ByteSize.parse(text);
        if (bytes < SMALLEST_RATE) {
            throw ProblemException.invalid(
                    "the limit is too small",
                    text,
                    ByteSize.exact(SMALLEST_RATE) + " a second or more, or none",
                    "");
        }
        return bytes;
    }

    public Task failOver(Group group, FailOver request) {
        return taking.failOver(group, request);
    }

    public void commit(Group group) {
        returning.commit(group);
    }

    public Task rollBack(Group group) {
        return returning.rollBack(group);
    }

    public Task move(Group group, Move request) {
        return leaving.move(group, request);
    }

    public void reverse(Group group) {
        handovers.reverse(group);
    }

    /** Keeps the group here, where another site is active in the same tenure. */
    public void keep(Group group, Keep request) {
        keeping.keep(group, request);
    }

    @Override
    public void close() {
        closed = true;
        protections.close();
        blocking.shutdownNow();
    }
}
