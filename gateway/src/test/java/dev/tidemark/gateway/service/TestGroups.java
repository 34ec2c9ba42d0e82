package dev.tidemark.gateway.service;

import dev.tidemark.execution.ThreadScheduler;
import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.server.TestGateways;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.journal.IndexCache;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.replica.Environment;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.StandbyStart;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.storage.FileStorageDirectory;
import dev.tidemark.storage.StorageException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** The groups of a site, on real files and with a real catalogue, which is the caller's. */
public final class TestGroups implements AutoCloseable {
    private static final long POOL_BYTES = 256L << 20;
    private static final long VOLUME_BYTES = 1L << 20;

    private final ThreadScheduler scheduler =
            new ThreadScheduler("groups", 2, (thread, failure) -> failure.printStackTrace());
    private final Groups groups;

    public TestGroups(Path folder, Catalogue catalogue)
            throws ConfigurationException, StorageException {
        Settings settings = TestGateways.settings(folder);
        Clock clock = Clock.systemUTC();
        Environment environment =
                new Environment(
                        scheduler,
                        new SegmentPool(POOL_BYTES),
                        new IndexCache(settings.get(Keys.JOURNAL_INDEX_CACHE_BYTES)),
                        new Alerts(clock).listener(UUID::toString));
        groups =
                new Groups(
                        settings,
                        catalogue,
                        FileStorageDirectory.at(folder).directory("groups"),
                        environment,
                        clock);
        groups.openAll();
    }

    public Groups groups() {
        return groups;
    }

    /** An active group with volumes of those names. */
    public Group create(String name, String... volumes) {
        Group group = groups.create(new CreateGroup(name, null, null, null, null));
        for (String volume : volumes) {
            var _ = Engine.await(group.engine().addVolume(volume, VOLUME_BYTES));
        }
        groups.rememberVolumes(group);
        return group;
    }

    /** Begins with a copy: its images arrive. */
    public SyncImages arrive(UUID id, String name, UUID source, String site) {
        return groups.arrive(id, name, source, site, List.of());
    }

    /**
     * A copy of another site's group.
     *
     * @param volumes what the source calls them, by id
     */
    public Group copy(
            UUID id,
            String name,
            UUID source,
            String site,
            int tenure,
            Map<Integer, String> volumes) {
        SyncImages images = arrive(id, name, source, site);
        try {
            for (Map.Entry<Integer, String> volume : volumes.entrySet()) {
                images.volume(volume.getKey(), volume.getValue(), VOLUME_BYTES);
            }
            images.force();
        } catch (ReplicaException failure) {
            throw new AssertionError(failure);
        }
        StreamPosition begin = new StreamPosition(7, 1_000_000, (tenure << 16) + 1);
        return groups.adopt(id, site, images, new StandbyStart(begin, tenure, source));
    }

    @Override
    public void close() {
        groups.close();
        scheduler.close();
    }
}
