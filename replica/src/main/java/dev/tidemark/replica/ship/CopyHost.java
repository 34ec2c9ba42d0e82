package dev.tidemark.replica.ship;

import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.StandbyStart;
import dev.tidemark.replica.SyncImages;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Where a site keeps the copies of other sites' groups. Methods may wait for a disk. */
public interface CopyHost {
    /** The open group with that id; null when there is none. */
    @Nullable ProtectionGroup find(UUID group);

    /**
     * Where the images of a copy are made; those of an attempt before are still there.
     *
     * @throws ReplicaException when this site does not take the copy: the text says why
     */
    SyncImages begin(GroupOffer offer, UUID source) throws ReplicaException;

    /**
     * Asks whether a volume of a copy can have a name here.
     *
     * @throws ReplicaException when something else has it: the text says what
     */
    void requireFree(UUID group, String volume) throws ReplicaException;

    /**
     * A peer is active in a newer tenure of a group that is no copy here: fences the group, and has
     * it become a copy of the peer's.
     *
     * @return how far that is
     * @throws ReplicaException when it cannot
     */
    String rejoin(ProtectionGroup group, GroupOffer offer, UUID source) throws ReplicaException;

    /** The images are complete: opens the copy as a group of this site. */
    ProtectionGroup adopt(GroupOffer offer, UUID source, SyncImages images, StandbyStart start)
            throws ReplicaException;
}
