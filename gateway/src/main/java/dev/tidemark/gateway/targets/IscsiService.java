package dev.tidemark.gateway.targets;

import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.blockdevice.filter.SharedSpaceDevice;
import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.config.ChapSecrets;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.exports.Disk.Kind;
import dev.tidemark.gateway.exports.Disks;
import dev.tidemark.gateway.service.DiskListener;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.text.TargetName;
import dev.tidemark.iscsi.IscsiServer;
import dev.tidemark.iscsi.IscsiServerConfig;
import dev.tidemark.iscsi.IscsiServerException;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.IscsiMetrics;
import dev.tidemark.replica.PointVolume;
import dev.tidemark.replica.VolumeInfo;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the disks over iSCSI: the server, and what it has to hear of disks that come and go.
 * Thread-safe; {@link #start} once.
 */
public final class IscsiService implements DiskListener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(IscsiService.class);

    private final KeptReservations reservations;
    private final IscsiServer server;

    /**
     * What is served.
     *
     * @param space how full the storage behind the disks is, as {@link SharedSpaceDevice} asks
     */
    public record Served(
            Disks disks,
            Groups groups,
            Volumes volumes,
            RecoveryTests tests,
            Supplier<@Nullable SharedSpace> space) {}

    /**
     * A server that does not listen yet.
     *
     * @param settings with at least one portal
     * @param executor for what may block
     */
    public IscsiService(
            Settings settings,
            Served served,
            Catalogue catalogue,
            Supplier<ChapSecrets> secrets,
            IscsiMetrics metrics,
            Executor executor) {
        Targets.Terms terms =
                new Targets.Terms(
                        settings.get(Keys.ISCSI_RULES),
                        settings.get(Keys.ISCSI_REDIRECT),
                        secrets,
                        name ->
                                settings.get(Keys.ISCSI_LARGE_BLOCKS).stream()
                                        .anyMatch(pattern -> pattern.matches(name)));
        Targets targets =
                new Targets(
                        served.disks(),
                        new TargetMembers(served.groups(), served.volumes(), served.tests()),
                        new TargetList(
                                served.disks(),
                                served.groups(),
                                served.tests(),
                                settings.get(Keys.ISCSI_DISCOVERY),
                                settings.get(Keys.ISCSI_DISCOVERY_CHECKPOINTS)),
                        terms,
                        served.space(),
                        executor);
        reservations = new KeptReservations(catalogue, executor);
        server =
                new IscsiServer(
                        new IscsiServerConfig(
                                settings.get(Keys.ISCSI_LISTEN), IscsiLimits.DEFAULT, 0, true),
                        targets,
                        reservations,
                        metrics);
    }

    /** Listens; returns the addresses in the order of the portals. */
    public List<InetSocketAddress> start() throws IscsiServerException {
        return server.start();
    }

    /** Initiators are asked to log out; those that stay are cut off after the deadline. */
    public CompletableFuture<Void> stop(Duration deadline) {
        return server.stop(deadline);
    }

    @Override
    public void volumesChanged(Group group) {
        server.unitsChanged(TargetName.ofGroup(group.name()));
    }

    @Override
    public void volumeDeleted(Group group, VolumeInfo volume) {
        forget(Kind.LIVE, group.row().id(), volume.id());
    }

    /** A forced end leaves sessions behind, whose disks are dead. */
    @Override
    public void testEnded(RecoveryTests.Running test, List<PointVolume> disks) {
        long id = test.row().id();
        end(TargetName.ofTest(id));
        for (PointVolume disk : disks) {
            end(TargetName.of(RecoveryTests.exportName(id, disk.name())));
            forget(Kind.TEST, test.image().id(), disk.id());
        }
    }

    private void end(String target) {
        var _ = server.dropTarget(target);
    }

    private void forget(Kind kind, UUID owner, int volume) {
        long unit = Units.identifier(kind.identity(owner, volume));
        server.forgetUnit(unit);
        var _ =
                reservations
                        .save(unit, new byte[0])
                        .whenComplete((nothing, failure) -> {
                            if (failure != null) {
                                log.warn(
                                        "reservations of a disk that is gone stay in the catalogue: {}",
                                        failure.toString());
                            }
                        });
    }

    @Override
    public void close() {
        server.close();
    }
}
