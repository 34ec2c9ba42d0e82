package dev.tidemark.gateway.service;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.problem.Similar;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Names;
import dev.tidemark.gateway.wire.Requests.ChangeVolume;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.ImportVolume;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.storage.StorageFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Volumes of all groups. A volume's name is its export, so it is unique in the gateway.
 * Thread-safe.
 */
public final class Volumes {
    private static final Logger log = LoggerFactory.getLogger(Volumes.class);

    /** Sizes are whole sectors, so that every client can address all of the disk. */
    static final int SECTOR_BYTES = 512;

    private static final long LARGEST_BYTES = 1L << 50;

    private final Groups groups;
    private final Tasks tasks;
    private final Uris uris;

    private volatile DiskListener listener = DiskListener.NONE;

    public Volumes(Groups groups, Tasks tasks, Uris uris) {
        this.groups = groups;
        this.tasks = tasks;
        this.uris = uris;
    }

    /** Who is told from now on. */
    public void listen(DiskListener to) {
        listener = to;
    }

    /** A volume and the group it belongs to. */
    public record Found(Group group, VolumeInfo volume) {}

    public Optional<Found> find(String name) {
        for (Group group : groups.all()) {
            Optional<VolumeInfo> volume = group.volume(name);
            if (volume.isPresent()) {
                return Optional.of(new Found(group, volume.get()));
            }
        }
        return Optional.empty();
    }

    public Found get(String name) {
        return find(name).orElseThrow(() -> unknown(name));
    }

    /** The problem of a volume that is not there. */
    public ProblemException unknown(String name) {
        Optional<UnopenedGroup> failed = groups.unopenedWith(name);
        if (failed.isPresent()) {
            return failed.get().refusal();
        }
        String hint = Similar.hint(name, names());
        return ProblemException.notFound(
                "no such volume",
                name,
                hint.isEmpty() ? "list them with: tidemark volume list" : hint);
    }

    private List<String> names() {
        return all().stream().map(found -> found.volume().name()).toList();
    }

    /** Refuses what asks for the only volume while volumes are missing. */
    public void requireAllOpen() {
        if (!groups.unopened().isEmpty()) {
            throw groups.unopened().getFirst().refusal();
        }
    }

    /** By group and id. */
    public List<Found> all() {
        List<Found> all = new ArrayList<>();
        for (Group group : groups.all()) {
            group.engine().volumes().forEach(volume -> all.add(new Found(group, volume)));
        }
        return all;
    }

    public Found create(CreateVolume request) {
        String name = Names.volume(Required.text("name", request.name()));
        long sizeBytes = checkSize(Required.field("sizeBytes", request.sizeBytes()));
        groups.volumeNames().reserve(name);
        try {
            Group group = groups.chooseOrMakeDefault(request.group());
            VolumeInfo volume = Engine.await(group.engine().addVolume(name, sizeBytes));
            changed(group);
            log.info("volume={} group={} created, {} bytes", name, group.name(), sizeBytes);
            return new Found(group, volume);
        } finally {
            groups.volumeNames().release(name);
        }
    }

    /** Starts copying a raw image; the volume exists when the task has succeeded. */
    public Task importImage(ImportVolume request) {
        String name = Names.volume(Required.text("name", request.name()));
        Path path = RawImages.path(Required.text("path", request.path()));
        groups.volumeNames().reserve(name);
        try {
            Group group = groups.chooseOrMakeDefault(request.group());
            requireActive(group);
            StorageFile source = RawImages.open(path);
            return tasks.start(
                    "import",
                    name,
                    progress -> {
                        try (source) {
                            progress.detail("copying " + path);
                            VolumeInfo volume =
                                    Engine.await(
                                            group.engine()
                                                    .importVolume(
                                                            name,
                                                            source,
                                                            (done, total) ->
                                                                    progress.share(done, total)));
                            changed(group);
                            log.info(
                                    "volume={} group={} imported from {}",
                                    name,
                                    group.name(),
                                    path);
                            return document(new Found(group, volume));
                        } finally {
                            groups.volumeNames().release(name);
                        }
                    });
        } catch (RuntimeException e) {
            groups.volumeNames().release(name);
            throw e;
        }
    }

    private static void requireActive(Group group) {
        GroupRole role = group.engine().role().state();
        if (role != GroupRole.ACTIVE) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "group " + group.name() + " is not active here",
                            role.name().toLowerCase(Locale.ROOT),
                            null,
                            "import at the site where it is active"));
        }
    }

    /** Grows or renames. */
    public Found change(Found found, ChangeVolume request) {
        String name = found.volume().name();
        int id = found.volume().id();
        if (request.sizeBytes() != null) {
            long sizeBytes = checkSize(request.sizeBytes());
            if (sizeBytes < found.volume().sizeBytes()) {
                throw ProblemException.invalid(
                        "a volume cannot shrink",
                        Long.toString(sizeBytes),
                        "it has " + found.volume().sizeBytes() + " bytes",
                        "make a smaller volume and copy into it");
            }
            Engine.await(found.group().engine().resizeVolume(id, sizeBytes));
            log.info("volume={} resized to {} bytes", name, sizeBytes);
        }
        if (request.name() != null && !request.name().equals(name)) {
            name = Names.volume(request.name());
            rename(found, name);
            log.info("volume={} renamed to {}", found.volume().name(), name);
        }
        return get(name);
    }

    private void rename(Found found, String name) {
        boolean anotherName = !name.equalsIgnoreCase(found.volume().name());
        if (anotherName) {
            groups.volumeNames().reserve(name);
        }
        try {
            Engine.await(found.group().engine().renameVolume(found.volume().id(), name));
            changed(found.group());
        } finally {
            if (anotherName) {
                groups.volumeNames().release(name);
            }
        }
    }

    private void changed(Group group) {
        groups.rememberVolumes(group);
        listener.volumesChanged(group);
    }

    /** A group's volumes may be others now, or served otherwise. */
    public void announce(Group group) {
        changed(group);
    }

    public void delete(Found found) {
        if (found.group().engine().role().state() == GroupRole.STANDBY) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "group "
                                    + found.group().name()
                                    + " is a copy of another site's: it keeps its volumes",
                            found.volume().name(),
                            null,
                            "delete the volume at the other site; what is here goes with the copy: tidemark group delete --force"));
        }
        Engine.await(found.group().engine().removeVolume(found.volume().id()));
        changed(found.group());
        listener.volumeDeleted(found.group(), found.volume());
        log.info(
                "volume={} group={} deleted with its past",
                found.volume().name(),
                found.group().name());
    }

    private static long checkSize(long sizeBytes) {
        if (sizeBytes < SECTOR_BYTES
                || sizeBytes > LARGEST_BYTES
                || sizeBytes % SECTOR_BYTES != 0) {
            throw ProblemException.invalid(
                    "not a volume size",
                    Long.toString(sizeBytes),
                    "a multiple of " + SECTOR_BYTES + " up to " + ByteSize.exact(LARGEST_BYTES),
                    "write for example 10G");
        }
        return sizeBytes;
    }

    public VolumeDocument document(Found found) {
        VolumeInfo volume = found.volume();
        return new VolumeDocument(
                volume.name(),
                found.group().name(),
                volume.id(),
                volume.sizeBytes(),
                volume.allocatedBytes(),
                dev.tidemark.gateway.text.Timestamps.iso(volume.createdMicros()),
                volume.openHandles(),
                uris.of(volume.name()));
    }
}
