package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.ArrivalRow;
import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.catalogue.GroupRow;
import dev.tidemark.gateway.catalogue.GroupRow.Phase;
import dev.tidemark.gateway.catalogue.ProtectionRow;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.config.SettingKey;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.problem.Similar;
import dev.tidemark.gateway.text.Names;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Requests.ChangeGroup;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Wire.GroupSiting;
import dev.tidemark.replica.Environment;
import dev.tidemark.replica.GroupOptions;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.StandbyStart;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The open protection groups. The catalogue owns names and settings, the engine owns volumes,
 * images and points; {@link #openAll} brings the two together. Thread-safe; changes of names go
 * through one lock, so that a name is never given twice.
 */
public final class Groups {
    private static final Logger log = LoggerFactory.getLogger(Groups.class);

    /** The group that takes volumes for which none is named. */
    public static final String DEFAULT = "default";

    private final Settings settings;
    private final Catalogue catalogue;
    private final StorageDirectory directory;
    private final Environment environment;
    private final Clock clock;
    private final Arrivals arrivals;
    private final Map<UUID, Group> groups = new ConcurrentHashMap<>();
    private final Map<UUID, UnopenedGroup> unopened = new ConcurrentHashMap<>();

    private volatile Function<Group, GroupSiting> sitings = group -> GroupSiting.ALONE;
    private volatile Consumer<UUID> left = id -> {};

    private final VolumeNames volumeNames = new VolumeNames(this);

    /** Taken for every change of a group's or volume's name. */
    private final Object naming = new Object();

    public Groups(
            Settings settings,
            Catalogue catalogue,
            StorageDirectory directory,
            Environment environment,
            Clock clock) {
        this.settings = settings;
        this.catalogue = catalogue;
        this.directory = directory;
        this.environment = environment;
        this.clock = clock;
        this.arrivals = new Arrivals(catalogue);
    }

    /** Who knows of other sites. */
    public void siting(Function<Group, GroupSiting> of) {
        sitings = of;
    }

    private GroupSiting sitingOf(Group group) {
        return sitings.apply(group);
    }

    Object naming() {
        return naming;
    }

    public VolumeNames volumeNames() {
        return volumeNames;
    }

    // Start and stop

    /**
     * Finishes half-done creations and deletions, adopts directories without a record, opens
     * everything. A group that cannot be opened is noted with its reason, and stops no other.
     */
    public void openAll() {
        try {
            for (GroupRow row : catalogue.groups()) {
                if (row.phase() != Phase.ACTIVE) {
                    log.info(
                            "group={} is removed: its {} was interrupted", row.name(), row.phase());
                    discard(row);
                }
            }
            adoptStrangers();
            for (GroupRow row : catalogue.groups()) {
                openOrNote(row);
            }
        } catch (StorageException e) {
            throw storage(e);
        }
    }

    private void adoptStrangers() throws StorageException {
        List<String> known =
                Stream.concat(
                                catalogue.groups().stream().map(GroupRow::id),
                                arrivals().stream().map(ArrivalRow::group))
                        .map(UUID::toString)
                        .toList();
        for (String name : directory.directories()) {
            Optional<UUID> id = uuid(name);
            if (id.isPresent() && !known.contains(name)) {
                String adopted = "adopted-" + name.substring(0, 8);
                log.warn(
                        "group={} adopted: its directory {} has no record in the catalogue",
                        adopted,
                        name);
                catalogue.addGroup(defaults(id.get(), adopted, Phase.ACTIVE));
            }
        }
    }

    private static Optional<UUID> uuid(String name) {
        try {
            return Optional.of(UUID.fromString(name));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private void openOrNote(GroupRow row) {
        Problem cause;
        try {
            open(row);
            return;
        } catch (StorageException e) {
            cause = storage(e).problem();
        } catch (RuntimeException e) {
            cause = Engine.problem(e).problem();
            if (cause.kind() == ProblemKind.INTERNAL) {
                log.error("group={} met what it does not know", row.name(), e);
            }
        }
        UnopenedGroup failed = new UnopenedGroup(row, cause, catalogue.volumes(row.id()));
        unopened.put(row.id(), failed);
        environment.listener().failed(row.id(), "could not be opened: " + failed.reason());
    }

    private void open(GroupRow row) throws StorageException {
        String id = row.id().toString();
        if (!directory.directories().contains(id)) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.CORRUPT,
                            "the directory of group " + row.name() + " is missing",
                            directory.path() + "/" + id,
                            null,
                            "mount or restore it; nothing was changed"));
        }
        StorageDirectory home = directory.directory(id);
        ProtectionGroup engine =
                Engine.call(() ->
                        ProtectionGroup.open(options(row), home, environment, copies(row.id())));
        Group group = new Group(row, engine, this::sitingOf);
        groups.put(row.id(), group);
        rememberVolumes(group);
    }

    /**
     * What each peer's copy is known to have: nothing that it lacks may go before it is shipped.
     */
    private Map<UUID, Long> copies(UUID group) {
        return catalogue.protections().protections().stream()
                .filter(row -> row.group().equals(group))
                .collect(Collectors.toMap(ProtectionRow::peer, ProtectionRow::known));
    }

    /** Takes note of a group's volumes, so that their names are known when it cannot be opened. */
    void rememberVolumes(Group group) {
        catalogue.rememberVolumes(
                group.row().id(), group.engine().volumes().stream().map(VolumeInfo::name).toList());
    }

    /** Folds and closes every group; a group that cannot is left as after a crash. */
    public void drain(Duration limit) {
        var drains = all().stream().map(group -> Map.entry(group, group.engine().drain())).toList();
        long deadline = System.nanoTime() + limit.toNanos();
        for (var drain : drains) {
            try {
                drain.getValue()
                        .get(
                                Math.max(1, deadline - System.nanoTime()),
                                java.util.concurrent.TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (java.util.concurrent.ExecutionException
                    | java.util.concurrent.TimeoutException e) {
                log.warn(
                        "group={} is not folded ({}); nothing is lost, the next start reads its journal back",
                        drain.getKey().name(),
                        e.toString());
            }
        }
        close();
    }

    /** Closes every group at once; as safe as a crash. */
    public void close() {
        all().forEach(group -> group.engine().close());
    }

    // Look-ups

    /** All groups by name. */
    public List<Group> all() {
        return groups.values().stream().sorted(Comparator.comparing(Group::name)).toList();
    }

    /** Groups that could not be opened, by name. */
    public List<UnopenedGroup> unopened() {
        return unopened.values().stream()
                .sorted(Comparator.comparing(UnopenedGroup::name))
                .toList();
    }

    public Optional<UnopenedGroup> unopened(UUID id) {
        return Optional.ofNullable(unopened.get(id));
    }

    /** The group that could not be opened and had that volume. */
    Optional<UnopenedGroup> unopenedWith(String volume) {
        return unopened().stream().filter(group -> group.volumes().contains(volume)).findFirst();
    }

    /** By name or id; not found or not open is a problem. */
    public Group get(String nameOrId) {
        return all().stream()
                .filter(group ->
                        group.name().equals(nameOrId)
                                || group.row().id().toString().equals(nameOrId))
                .findFirst()
                .orElseThrow(() -> unknown(nameOrId));
    }

    public Optional<Group> get(UUID id) {
        return Optional.ofNullable(groups.get(id));
    }

    /** The name of a group that may be open or not, for messages. */
    public String nameOf(UUID id) {
        Group group = groups.get(id);
        return group != null
                ? group.name()
                : catalogue.groups().stream()
                        .filter(row -> row.id().equals(id))
                        .map(GroupRow::name)
                        .findFirst()
                        .orElse(id.toString());
    }

    private ProblemException unknown(String name) {
        Optional<UnopenedGroup> failed = unopenedNamed(name);
        if (failed.isPresent()) {
            return failed.get().refusal();
        }
        if (arrivals().stream().anyMatch(row -> row.name().equals(name))) {
            return new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "the group is a copy that is being made",
                            name,
                            "it has no disks before all of it has arrived",
                            "see its progress at its own site: tidemark group show " + name));
        }
        List<String> names = all().stream().map(Group::name).toList();
        String hint = Similar.hint(name, names);
        return ProblemException.notFound(
                "no such group",
                name,
                hint.isEmpty() ? "list them with: tidemark group list" : hint);
    }

    private Optional<UnopenedGroup> unopenedNamed(String nameOrId) {
        return unopened().stream()
                .filter(group ->
                        group.name().equals(nameOrId)
                                || group.row().id().toString().equals(nameOrId))
                .findFirst();
    }

    /** The named group, the only one when none is named, or the group "default". */
    public Group choose(@Nullable String name) {
        if (name != null) {
            return get(name);
        }
        List<Group> all = all();
        if (all.size() == 1 && unopened.isEmpty()) {
            return all.getFirst();
        }
        requireOpen(DEFAULT);
        return all.stream()
                .filter(group -> group.name().equals(DEFAULT))
                .findFirst()
                .orElseThrow(() ->
                        ProblemException.invalid(
                                "which group is meant?",
                                "",
                                all.isEmpty()
                                        ? "there is none yet"
                                        : "there are "
                                                + all.size()
                                                + " and none is called "
                                                + DEFAULT,
                                all.isEmpty() ? "create a volume first" : "name one with --group"));
    }

    /** For a new volume: like {@link #choose}, but makes the default group when there is none. */
    Group chooseOrMakeDefault(@Nullable String name) {
        if (name != null) {
            return get(name);
        }
        requireOpen(DEFAULT);
        synchronized (naming) {
            Optional<Group> existing =
                    all().stream().filter(group -> group.name().equals(DEFAULT)).findFirst();
            return existing.isPresent()
                    ? existing.get()
                    : create(new CreateGroup(DEFAULT, null, null, null, null));
        }
    }

    private void requireOpen(String name) {
        Optional<UnopenedGroup> failed = unopenedNamed(name);
        if (failed.isPresent()) {
            throw failed.get().refusal();
        }
    }

    // Copies of other sites' groups

    /** Copies that are being made, by name. */
    public List<ArrivalRow> arrivals() {
        return arrivals.all();
    }

    /**
     * Begins to make a copy, or goes on with one.
     *
     * @param name what the group is called at its own site; when that is taken here, the peer's
     *     name is put behind it
     * @param volumes names of its volumes, which must be free here: they are exports
     */
    public SyncImages arrive(
            UUID id, String name, UUID peer, String peerName, List<String> volumes) {
        synchronized (naming) {
            requireFreeVolumes(id, volumes);
            try {
                if (arrivals.of(id).isEmpty()) {
                    String called = isTaken(name, id) ? name + "-" + peerName : name;
                    requireFree(called, id);
                    arrivals.add(
                            new ArrivalRow(
                                    id,
                                    Names.group(called),
                                    peer,
                                    Timestamps.micros(clock.instant())));
                    log.info("group={} arrives from peer={}, id {}", called, peerName, id);
                }
                StorageDirectory home = directory.directory(id.toString());
                directory.force();
                return Engine.call(() -> SyncImages.open(home));
            } catch (StorageException e) {
                throw storage(e);
            }
        }
    }

    /**
     * The images of a copy are complete: opens it as a group. Its volumes are named as by {@link
     * VolumeNames#forCopy}.
     */
    public Group adopt(UUID id, String peerName, SyncImages images, StandbyStart start) {
        synchronized (naming) {
            ArrivalRow arrival =
                    arrivals.of(id)
                            .orElseThrow(() ->
                                    ProblemException.notFound(
                                            "the copy was deleted while it was made",
                                            id.toString(),
                                            "protect the group again"));
            GroupRow row = defaults(id, arrival.name(), Phase.ACTIVE);
            images.rename(volumeNames.choose(id, peerName, images.names()));
            ProtectionGroup engine =
                    Engine.call(() ->
                            ProtectionGroup.createStandby(
                                    options(row), id, images, environment, start));
            arrivals.arrived(row);
            Group group = new Group(row, engine, this::sitingOf);
            groups.put(id, group);
            rememberVolumes(group);
            log.info("group={} has arrived, id {}", row.name(), id);
            return group;
        }
    }

    /** Refuses names for volumes of a group that a volume of another group here has. */
    private void requireFreeVolumes(UUID id, List<String> volumes) {
        for (Group other : all()) {
            for (VolumeInfo theirs : other.engine().volumes()) {
                boolean taken =
                        volumes.stream().anyMatch(name -> name.equalsIgnoreCase(theirs.name()));
                if (taken && !other.row().id().equals(id)) {
                    throw new ProblemException(
                            new Problem(
                                    ProblemKind.EXISTS,
                                    "a volume of that name exists at the other site",
                                    theirs.name(),
                                    "it is in group "
                                            + other.name()
                                            + " there, and names of volumes are exports",
                                    "rename one of the two"));
                }
            }
        }
    }

    private boolean isTaken(String name, UUID id) {
        return Stream.concat(
                        catalogue.groups().stream()
                                .filter(row -> !row.id().equals(id))
                                .map(GroupRow::name),
                        arrivals().stream()
                                .filter(row -> !row.group().equals(id))
                                .map(ArrivalRow::name))
                .anyMatch(name::equals);
    }

    // Changes

    public Group create(CreateGroup request) {
        String name = Names.group(Required.text("name", request.name()));
        GroupRow row =
                settle(
                        defaults(UUID.randomUUID(), name, Phase.CREATING),
                        new ChangeGroup(
                                name,
                                request.window(),
                                request.bytes(),
                                request.fineWindow(),
                                request.checkpointInterval()));
        synchronized (naming) {
            requireFree(name, row.id());
            catalogue.addGroup(row);
            try {
                StorageDirectory home = directory.directory(row.id().toString());
                directory.force();
                ProtectionGroup engine =
                        Engine.call(() ->
                                ProtectionGroup.create(options(row), row.id(), home, environment));
                GroupRow active = row.with(Phase.ACTIVE);
                catalogue.updateGroup(active);
                Group group = new Group(active, engine, this::sitingOf);
                groups.put(row.id(), group);
                log.info("group={} created, id {}", name, row.id());
                return group;
            } catch (StorageException | ProblemException e) {
                discardQuietly(row);
                throw e instanceof StorageException broken ? storage(broken) : (ProblemException) e;
            }
        }
    }

    public Group change(Group group, ChangeGroup request) {
        synchronized (naming) {
            GroupRow next = settle(group.row(), request);
            requireFree(next.name(), next.id());
            catalogue.updateGroup(next);
            group.changed(next);
            group.engine()
                    .setHistory(
                            Duration.ofMillis(next.windowMillis()),
                            next.historyBytes(),
                            Duration.ofMillis(
                                    Math.min(next.fineWindowMillis(), next.windowMillis())));
            group.engine().setCheckpointInterval(Duration.ofMillis(next.checkpointMillis()));
            return group;
        }
    }

    /**
     * Deletes a group. One that could not be opened can be given up only when its directory is
     * gone: moved away by somebody who knows.
     */
    public void delete(String nameOrId, boolean force) {
        Optional<ArrivalRow> arriving =
                arrivals().stream()
                        .filter(row ->
                                row.name().equals(nameOrId)
                                        || row.group().toString().equals(nameOrId))
                        .findFirst();
        if (arriving.isPresent()) {
            giveUp(arriving.get());
            return;
        }
        Optional<UnopenedGroup> failed = unopenedNamed(nameOrId);
        if (failed.isEmpty()) {
            delete(get(nameOrId), force);
            return;
        }
        UUID id = failed.get().row().id();
        synchronized (naming) {
            try {
                if (directory.directories().contains(id.toString())) {
                    throw failed.get().refusal();
                }
            } catch (StorageException e) {
                throw storage(e);
            }
            catalogue.removeGroup(id);
            unopened.remove(id);
            log.info("group={} given up: its directory is gone, id {}", nameOrId, id);
        }
    }

    private void giveUp(ArrivalRow arriving) {
        synchronized (naming) {
            left.accept(arriving.group());
            try {
                directory.deleteDirectory(arriving.group().toString());
                directory.force();
            } catch (StorageException e) {
                throw storage(e);
            }
            arrivals.remove(arriving.group());
            log.info("group={} given up before it had arrived", arriving.name());
        }
    }

    /** Who is told of groups that are deleted, before anything of them goes. */
    public void onDelete(Consumer<UUID> told) {
        left = told;
    }

    /**
     * Deletes a group and its past; refused while it has volumes or running tests.
     *
     * @param force a copy, or what another site has taken over, goes with its volumes
     */
    private void delete(Group group, boolean force) {
        synchronized (naming) {
            boolean copy = group.engine().role().state() != GroupRole.ACTIVE;
            if (copy && force && group.engine().images().isEmpty()) {
                deleteAll(group);
                return;
            }
            List<String> volumes = group.engine().volumes().stream().map(VolumeInfo::name).toList();
            if (!volumes.isEmpty() || !group.engine().images().isEmpty()) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.IN_USE,
                                "group " + group.name() + " is not empty",
                                String.join(", ", volumes),
                                volumes.size()
                                        + " volumes, "
                                        + group.engine().images().size()
                                        + " running tests",
                                copy
                                        ? "stop its tests; then delete the copy with --force"
                                        : "stop its tests and delete its volumes first"));
            }
            deleteAll(group);
        }
    }

    private void deleteAll(Group group) {
        left.accept(group.row().id());
        GroupRow row = group.row().with(Phase.DELETING);
        catalogue.updateGroup(row);
        groups.remove(row.id());
        group.engine().close();
        try {
            discard(row);
        } catch (StorageException e) {
            throw storage(e);
        }
        log.info("group={} deleted with its history, id {}", row.name(), row.id());
    }

    private void requireFree(String name, UUID id) {
        if (isTaken(name, id)) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.EXISTS,
                            "a group of that name exists",
                            name,
                            "names are unique",
                            "choose another name"));
        }
    }

    private void discard(GroupRow row) throws StorageException {
        directory.deleteDirectory(row.id().toString());
        directory.force();
        catalogue.removeGroup(row.id());
    }

    private void discardQuietly(GroupRow row) {
        try {
            discard(row);
        } catch (StorageException e) {
            log.warn(
                    "group={} is left for the next start to remove: {}",
                    row.name(),
                    e.getMessage());
        }
    }

    // Settings

    private GroupRow defaults(UUID id, String name, Phase phase) {
        return new GroupRow(
                id,
                name,
                Timestamps.micros(clock.instant()),
                settings.get(Keys.HISTORY_WINDOW).toMillis(),
                settings.get(Keys.HISTORY_BYTES),
                settings.get(Keys.HISTORY_FINE_WINDOW).toMillis(),
                settings.get(Keys.CHECKPOINT_INTERVAL).toMillis(),
                phase);
    }

    private static GroupRow settle(GroupRow row, ChangeGroup request) {
        GroupRow next =
                new GroupRow(
                        row.id(),
                        request.name() == null ? row.name() : Names.group(request.name()),
                        row.createdMicros(),
                        millis(Keys.HISTORY_WINDOW, request.window(), row.windowMillis()),
                        request.bytes() == null
                                ? row.historyBytes()
                                : Keys.historyBytes(request.bytes()),
                        millis(
                                Keys.HISTORY_FINE_WINDOW,
                                request.fineWindow(),
                                row.fineWindowMillis()),
                        millis(
                                Keys.CHECKPOINT_INTERVAL,
                                request.checkpointInterval(),
                                row.checkpointMillis()),
                        row.phase());
        if (next.fineWindowMillis() > next.windowMillis() && request.fineWindow() != null) {
            throw ProblemException.invalid(
                    "the fine window is longer than the history window",
                    request.fineWindow(),
                    "the window is " + Duration.ofMillis(next.windowMillis()),
                    "shorten the one or lengthen the other");
        }
        return next;
    }

    private static long millis(SettingKey<Duration> key, @Nullable String text, long current) {
        return text == null ? current : key.parser().apply(text).toMillis();
    }

    private GroupOptions options(GroupRow row) {
        return GroupOptions.defaults()
                .withUnitBytes(settings.get(Keys.JOURNAL_UNIT_BYTES))
                .withUnfoldedLimit(settings.get(Keys.JOURNAL_UNFOLDED_BYTES))
                .withHistory(
                        Duration.ofMillis(row.windowMillis()),
                        row.historyBytes(),
                        Duration.ofMillis(Math.min(row.fineWindowMillis(), row.windowMillis())))
                .withCheckpointInterval(Duration.ofMillis(row.checkpointMillis()));
    }

    private static ProblemException storage(StorageException e) {
        ProblemKind kind =
                switch (e.kind()) {
                    case NO_SPACE -> ProblemKind.NO_SPACE;
                    case NOT_FOUND -> ProblemKind.NOT_FOUND;
                    case EXISTS -> ProblemKind.EXISTS;
                    case LOCKED -> ProblemKind.LOCKED;
                    case IO -> ProblemKind.IO;
                };
        return new ProblemException(
                Problem.of(kind, e.getMessage() == null ? e.toString() : e.getMessage()), e);
    }
}
