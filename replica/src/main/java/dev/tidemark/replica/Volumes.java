package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The live volumes by id: an immutable map, replaced by the maintenance executor. Thread-safe. */
final class Volumes {
    private volatile Map<Integer, Volume> byId = Collections.emptyMap();

    @Nullable Volume find(int id) {
        return byId.get(id);
    }

    Volume existing(int id) throws BlockDeviceException {
        Volume volume = byId.get(id);
        if (volume == null) {
            throw new BlockDeviceException(ErrorCode.SHUTDOWN, "volume " + id + " is deleted");
        }
        return volume;
    }

    Volume named(int id) throws ReplicaException {
        Volume volume = byId.get(id);
        if (volume == null) {
            throw new ReplicaException(
                    ReplicaException.Kind.NOT_FOUND,
                    "there is no volume " + id + " in this group; it has " + byId.keySet());
        }
        return volume;
    }

    /** Ascending by id. */
    Collection<Volume> all() {
        return byId.values();
    }

    void add(Volume volume) {
        Map<Integer, Volume> more = new TreeMap<>(byId);
        more.put(volume.id(), volume);
        byId = more;
    }

    void remove(int id) {
        Map<Integer, Volume> fewer = new TreeMap<>(byId);
        fewer.remove(id);
        byId = fewer;
    }
}
