package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.problem.Similar;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.RawImages;
import dev.tidemark.gateway.service.Required;
import dev.tidemark.gateway.service.Task;
import dev.tidemark.gateway.service.Tasks;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.wire.Requests.SeedGroup;
import dev.tidemark.gateway.wire.Requests.SeedImage;
import dev.tidemark.gateway.wire.Wire.SeedDocument;
import dev.tidemark.gateway.wire.Wire.TopologyGroup;
import dev.tidemark.gateway.wire.Wire.TopologyVolume;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.storage.StorageFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Images that are put where a copy of another site's group is to be made, so that only what differs
 * crosses the link. Thread-safe; methods block.
 */
final class Seeds {
    private static final Logger log = LoggerFactory.getLogger(Seeds.class);

    private final Groups groups;
    private final Sites sites;
    private final Tasks tasks;
    private final ShippingDesk desk;

    /** Groups whose images are being put in place; no copy is begun of them meanwhile. */
    private final Set<UUID> running;

    Seeds(Groups groups, Sites sites, Tasks tasks, ShippingDesk desk, Set<UUID> running) {
        this.groups = groups;
        this.sites = sites;
        this.tasks = tasks;
        this.desk = desk;
        this.running = running;
    }

    /** An image for a volume. */
    private record Seed(TopologyVolume volume, StorageFile image, long sizeBytes) {}

    /** Begins to put images in place for a group of a peer; the task is the copying. */
    Task seed(String site, String name, SeedGroup request) {
        UUID peer = sites.peerId(site);
        TopologyGroup group = group(site, name);
        UUID id = UUID.fromString(group.id());
        requireNone(group);
        List<SeedImage> images = request.images();
        if (images == null || images.isEmpty()) {
            throw ProblemException.invalid("no image is named", "", "one or more", "");
        }
        if (!running.add(id)) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "images of group " + group.name() + " are being put in place",
                            null,
                            null,
                            "wait for the end of that: tidemark task list"));
        }
        List<Seed> seeds = new ArrayList<>();
        boolean begun = false;
        try {
            for (SeedImage image : images) {
                seeds.add(open(group, image));
            }
            Task task =
                    tasks.start(
                            "seed", group.name(), progress -> run(peer, group, seeds, progress));
            begun = true;
            return task;
        } finally {
            if (!begun) {
                close(seeds);
                running.remove(id);
            }
        }
    }

    private TopologyGroup group(String site, String name) {
        List<TopologyGroup> all = sites.topology(site).groups();
        return all.stream()
                .filter(group -> group.name().equals(name) || group.id().equals(name))
                .findFirst()
                .orElseThrow(() ->
                        ProblemException.notFound(
                                "the site " + site + " has no such group",
                                name,
                                orElse(
                                        Similar.hint(
                                                name,
                                                all.stream().map(TopologyGroup::name).toList()),
                                        "see tidemark site show " + site)));
    }

    private static String orElse(String hint, String otherwise) {
        return hint.isEmpty() ? otherwise : hint;
    }

    /** What is a group already has all that it can be sent, or is compared by hashes. */
    private void requireNone(TopologyGroup group) {
        if (groups.get(UUID.fromString(group.id())).isPresent()) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.EXISTS,
                            "group " + group.name() + " is here already",
                            null,
                            "images are put in place before the copy is made",
                            "nothing is needed: what the copy lacks is found by hashes and sent"));
        }
    }

    private static Seed open(TopologyGroup group, SeedImage image) {
        String name = Required.text("volume", image.volume());
        Path path = RawImages.path(Required.text("path", image.path()));
        TopologyVolume volume =
                group.volumes().stream()
                        .filter(each -> each.name().equals(name))
                        .findFirst()
                        .orElseThrow(() ->
                                ProblemException.notFound(
                                        "group " + group.name() + " has no such volume there",
                                        name,
                                        "its volumes are: "
                                                + group.volumes().stream()
                                                        .map(TopologyVolume::name)
                                                        .collect(Collectors.joining(", "))));
        StorageFile file = RawImages.open(path);
        long sizeBytes = RawImages.sizeBytes(file);
        if (sizeBytes > volume.sizeBytes()) {
            RawImages.close(file);
            throw ProblemException.invalid(
                    "the image is larger than the volume " + name,
                    sizeBytes + " bytes",
                    volume.sizeBytes() + " bytes",
                    "is it the image of another volume?");
        }
        return new Seed(volume, file, sizeBytes);
    }

    private Object run(UUID peer, TopologyGroup group, List<Seed> seeds, Task.Progress progress) {
        UUID id = UUID.fromString(group.id());
        try {
            Engine.await(desk.interrupt(id, "images are being put in place at the other site"));
            requireNone(group);
            List<String> names = group.volumes().stream().map(TopologyVolume::name).toList();
            long total = seeds.stream().mapToLong(Seed::sizeBytes).sum();
            long before = 0;
            try (SyncImages images =
                    groups.arrive(id, group.name(), peer, sites.peerName(peer), names)) {
                for (Seed seed : seeds) {
                    TopologyVolume volume = seed.volume();
                    progress.detail("copying the image of " + volume.name());
                    images.volume(volume.id(), volume.name(), volume.sizeBytes());
                    long passed = before;
                    images.seed(
                            volume.id(),
                            seed.image(),
                            (done, all) -> progress.share(passed + done, total));
                    before += seed.sizeBytes();
                }
                images.force();
            } catch (ReplicaException failure) {
                throw Engine.problem(failure);
            }
            log.info("group={} images of {} volumes are in place", group.name(), seeds.size());
            return new SeedDocument(
                    group.name(),
                    group.id(),
                    seeds.stream().map(seed -> seed.volume().name()).toList(),
                    total);
        } finally {
            close(seeds);
            running.remove(id);
        }
    }

    private static void close(List<Seed> seeds) {
        seeds.forEach(seed -> RawImages.close(seed.image()));
    }
}
