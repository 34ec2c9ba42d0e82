package dev.tidemark.journal;

import java.util.Map;

/** Is told of history before it goes, and may keep of it what somebody will need. */
public interface HistoryHeir {
    /** Keeps nothing. */
    HistoryHeir NONE = (from, to) -> Map.of();

    /**
     * The runs in (from, to] are about to go, and can still be asked. What the answer names must be
     * on the disk. Under retention's lock: may wait for a disk, must not ask for a pin or a hold.
     *
     * @return attributes of the manifest, recorded before the new tail and forced with it: a crash
     *     leaves both, the attributes alone, or neither
     */
    Map<String, byte[]> before(Boundary from, Boundary to);

    /** They have gone, durably. In the same way. */
    default void after() {}
}
