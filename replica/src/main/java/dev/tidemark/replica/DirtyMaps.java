package dev.tidemark.replica;

import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.HistoryHeir;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What each copy may lack of what history does not tell any more. For every peer that has a copy it
 * is known which record that copy has at least. Before runs after it go, what they changed is put
 * into the copy's {@link DirtyMap}, and that is on the disk, before the manifest says that they are
 * gone. So what changed since the copy's record is always what the map and the history tell
 * together. Once the copy has the record at which the map ends, the map goes.
 *
 * <p>Nothing of this is in the way of a host's write. A map that cannot be kept (damaged, too
 * large, no room) is given up, which is said, and never keeps history from going: the copy is then
 * compared as a whole.
 *
 * <p>Thread-safe. One lock guards all of it and is held while a map is written; retention's lock
 * may be held by whoever takes it, never the other way round.
 */
final class DirtyMaps implements HistoryHeir {
    private static final String FILE_PREFIX = "dirty-map-";

    private final Engine engine;
    private final Journal journal;
    private final StorageDirectory directory;
    private final Map<UUID, Follower> followers = new HashMap<>();
    private final Set<String> obsolete = new HashSet<>();
    private long lastNumber;

    /** A copy. */
    private static final class Follower {
        /** The copy has this record at least. */
        long has;

        /** What the manifest says; null when no history has gone that the copy may need. */
        @Nullable DirtyMapRecord record;

        /** What was counted so far; never written. */
        @Nullable DirtyMap counted;

        /** Nobody can tell any more, until the copy has been synchronised. */
        boolean isLost() {
            DirtyMapRecord known = record;
            return known != null && !known.lost().isEmpty() && has < known.throughSequence();
        }
    }

    DirtyMaps(Engine engine, StorageDirectory directory) {
        this.engine = engine;
        this.journal = engine.journal;
        this.directory = directory;
    }

    /**
     * Reads what the manifest knows, and deletes files that it does not know. Before retention.
     *
     * @param copies which record the copy of each peer has at least; null when nobody says, then
     *     all maps stay
     */
    synchronized void recover(@Nullable Map<UUID, Long> copies)
            throws ReplicaException, JournalException, StorageException {
        for (Map.Entry<String, byte[]> entry : journal.attributes().entrySet()) {
            if (!entry.getKey().startsWith(DirtyMapRecord.PREFIX)) {
                continue;
            }
            UUID peer = UUID.fromString(entry.getKey().substring(DirtyMapRecord.PREFIX.length()));
            if (copies != null && !copies.containsKey(peer)) {
                journal.deleteAttribute(entry.getKey(), true);
            } else {
                follower(peer).record = DirtyMapRecord.decode(entry.getKey(), entry.getValue());
            }
        }
        if (copies != null) {
            copies.forEach((peer, sequence) -> follower(peer).has = sequence);
        }
        deleteUnknown();
        journal.heir(this);
    }

    private void deleteUnknown() throws StorageException {
        Set<String> known =
                followers.values().stream()
                        .map(each -> each.record)
                        .filter(record -> record != null && record.number() > 0)
                        .map(record -> fileName(record.number()))
                        .collect(Collectors.toSet());
        for (String name : directory.files()) {
            if (name.startsWith(FILE_PREFIX)) {
                long number = Long.parseLong(name.substring(FILE_PREFIX.length()), 16);
                lastNumber = Math.max(lastNumber, number);
                if (!known.contains(name)) {
                    directory.delete(name);
                }
            }
        }
    }

    private Follower follower(UUID peer) {
        return followers.computeIfAbsent(peer, id -> new Follower());
    }

    private static String fileName(long number) {
        return FILE_PREFIX + String.format("%016x", number);
    }

    /** A copy has everything up to a record: on its disk, and in order. */
    synchronized void has(UUID peer, long sequence) {
        Follower follower = follower(peer);
        follower.has = Math.max(follower.has, sequence);
        DirtyMapRecord record = follower.record;
        if (record != null && follower.has >= record.throughSequence()) {
            engine.maintenance.execute(() -> drop(peer));
        }
    }

    private synchronized void drop(UUID peer) {
        Follower follower = followers.get(peer);
        DirtyMapRecord record = follower == null ? null : follower.record;
        if (follower != null && record != null && follower.has >= record.throughSequence()) {
            remove(peer, record);
            follower.record = null;
        }
    }

    /** The peer has no copy any more that would be synchronised from here. */
    synchronized void forget(UUID peer) {
        Follower gone = followers.remove(peer);
        DirtyMapRecord record = gone == null ? null : gone.record;
        if (record != null) {
            engine.maintenance.execute(() -> forgotten(peer, record));
        }
    }

    private synchronized void forgotten(UUID peer, DirtyMapRecord record) {
        Follower again = followers.get(peer);
        if (again == null || again.record == null) {
            remove(peer, record);
        }
    }

    private void remove(UUID peer, DirtyMapRecord record) {
        try {
            journal.deleteAttribute(DirtyMapRecord.PREFIX + peer, true);
            deleteFile(record);
        } catch (JournalException | StorageException failure) {
            engine.listener.event(
                    engine.id, "a dirty map stays until the next start: " + failure.getMessage());
        }
    }

    private void deleteFile(DirtyMapRecord record) throws StorageException {
        String name = fileName(record.number());
        if (record.number() > 0 && directory.exists(name)) {
            directory.delete(name);
        }
    }

    @Override
    public synchronized Map<String, byte[]> before(Boundary from, Boundary to) {
        Map<String, byte[]> attributes = new LinkedHashMap<>();
        followers.forEach((peer, follower) -> {
            if (follower.has < to.sequence() && !follower.isLost()) {
                DirtyMapRecord before = follower.record;
                DirtyMapRecord next = inherit(peer, follower, from, to);
                if (before != null && before.number() > 0) {
                    obsolete.add(fileName(before.number()));
                }
                follower.record = next;
                attributes.put(DirtyMapRecord.PREFIX + peer, next.encode());
            }
        });
        return attributes;
    }

    private DirtyMapRecord inherit(UUID peer, Follower follower, Boundary from, Boundary to) {
        String why;
        try {
            DirtyMap map = begun(peer, follower, from);
            fold(map, follower.has, to);
            if (!map.isTooLarge()) {
                return save(peer, map);
            }
            why = "it has outgrown " + DirtyMap.MAXIMUM_REGIONS + " regions";
        } catch (JournalException | StorageException | ReplicaException failure) {
            why = String.valueOf(failure.getMessage());
        }
        engine.listener.event(
                engine.id,
                "the map of what the copy at "
                        + peer
                        + " lacks is lost, so that it has to be compared as a whole: "
                        + why);
        return new DirtyMapRecord(0, to.sequence(), to.timeMicros(), 0, why);
    }

    /** The map so far; a new one when the history up to now told everything. */
    private DirtyMap begun(UUID peer, Follower follower, Boundary from)
            throws ReplicaException, StorageException {
        DirtyMapRecord record = follower.record;
        if (record != null && follower.has < record.throughSequence()) {
            return read(peer, record);
        }
        Boundary base = follower.has <= from.sequence() ? from : journal.boundaryUpTo(follower.has);
        Boundary begin = base == null ? from : base;
        DirtyMap map =
                new DirtyMap(
                        Math.max(follower.has, from.sequence()), begin.timeMicros(), begin.run());
        map.boundary(begin.sequence(), begin.timeMicros());
        return map;
    }

    private void fold(DirtyMap map, long has, Boundary to) throws JournalException {
        Set<Integer> ids =
                engine.volumes.all().stream().map(Volume::id).collect(Collectors.toSet());
        map.retain(ids);
        map.forgetBefore(has);
        if (map.throughRun() >= to.run()) {
            return;
        }
        Boundary begin = journal.boundary(map.throughRun());
        for (int volume : ids) {
            journal.visitChanged(
                    begin, to, volume, (offset, length) -> map.add(volume, offset, length));
        }
        for (Boundary at = begin; at != null && at.run() <= to.run(); ) {
            map.boundary(at.sequence(), at.timeMicros());
            at = journal.boundaryAfter(at);
        }
        map.through(to.run(), to.sequence());
    }

    /** Writes a new file, on the disk when this returns. */
    private DirtyMapRecord save(UUID peer, DirtyMap map) throws StorageException {
        long number = ++lastNumber;
        String name = fileName(number);
        boolean whole = false;
        try {
            try (StorageFile file = directory.create(name)) {
                file.write(0, map.encode(engine.id, peer));
                file.force();
            }
            directory.force();
            whole = true;
        } finally {
            if (!whole) {
                obsolete.add(name);
            }
        }
        return new DirtyMapRecord(
                number, map.throughSequence(), map.sinceMicros(), map.dirtyBytes(), "");
    }

    private DirtyMap read(UUID peer, DirtyMapRecord record)
            throws ReplicaException, StorageException {
        String name = fileName(record.number());
        try (StorageFile file = directory.openReadOnly(name)) {
            ByteBuffer bytes =
                    ByteBuffer.allocate(
                            (int) Math.min(file.sizeBytes(), DirtyMap.maximumFileBytes()));
            file.read(0, bytes);
            DirtyMap map = DirtyMap.decode(engine.id, peer, bytes.flip());
            if (map == null) {
                engine.listener.corrupt(engine.id, file.path(), 0, "a dirty map is damaged");
                throw new ReplicaException(
                        ReplicaException.Kind.CORRUPT, file.path() + " is damaged");
            }
            return map;
        }
    }

    /** The manifest names the new files: those before them are needed no longer. */
    @Override
    public synchronized void after() {
        List<String> all = new ArrayList<>(obsolete);
        obsolete.clear();
        all.forEach(this::deleteQuietly);
    }

    private void deleteQuietly(String name) {
        try {
            if (directory.exists(name)) {
                directory.delete(name);
            }
        } catch (StorageException failure) {
            engine.listener.event(
                    engine.id, name + " stays until the next start: " + failure.getMessage());
        }
    }

    /**
     * What changed between a copy's record and the oldest boundary, which the caller holds; null
     * when that is not known.
     *
     * @param floorMicros no record of the copy's is older
     */
    synchronized @Nullable DirtyMap since(
            UUID peer, StreamPosition copy, long floorMicros, Boundary tail)
            throws JournalException {
        Follower follower = followers.get(peer);
        DirtyMapRecord record = follower == null ? null : follower.record;
        if (follower == null || record == null || !record.lost().isEmpty()) {
            return null;
        }
        DirtyMap map;
        try {
            map = read(peer, record);
        } catch (ReplicaException | StorageException failure) {
            String why = String.valueOf(failure.getMessage());
            follower.record =
                    new DirtyMapRecord(0, record.throughSequence(), record.sinceMicros(), 0, why);
            journal.putAttribute(DirtyMapRecord.PREFIX + peer, follower.record.encode(), true);
            deleteQuietly(fileName(record.number()));
            return null;
        }
        boolean tells =
                map.sinceSequence() <= copy.sequence()
                        && map.throughRun() >= tail.run()
                        && map.isOwn(copy, floorMicros);
        return tells ? map : null;
    }

    /** Counts what a copy may lack; null when nothing is known of it. May wait for a disk. */
    synchronized @Nullable CopyLack lack(UUID peer) throws JournalException {
        Follower follower = followers.get(peer);
        if (follower == null) {
            return null;
        }
        DirtyMapRecord record = follower.record;
        if (follower.isLost() && record != null) {
            return new CopyLack(record.sinceMicros(), allBytes(), record.lost());
        }
        Boundary tail = journal.oldestBoundary();
        try {
            DirtyMap map = follower.counted;
            if (map == null
                    || map.throughRun() < tail.run()
                    || map.throughSequence() <= follower.has) {
                map = begun(peer, follower, tail);
                follower.counted = map;
            }
            if (map.sinceSequence() > follower.has) {
                return new CopyLack(map.sinceMicros(), allBytes(), "history does not reach back");
            }
            fold(map, follower.has, journal.goldBoundary());
            return new CopyLack(map.sinceMicros(), map.dirtyBytes(), "");
        } catch (ReplicaException | StorageException failure) {
            return new CopyLack(
                    tail.timeMicros(), allBytes(), String.valueOf(failure.getMessage()));
        }
    }

    private long allBytes() {
        return engine.volumes.all().stream().mapToLong(Volume::sizeBytes).sum();
    }
}
