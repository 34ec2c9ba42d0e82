package dev.tidemark.gateway.service;

import dev.tidemark.replica.PointVolume;
import dev.tidemark.replica.VolumeInfo;
import java.util.List;

/** Is told when disks have come or gone. Called on any thread, after the fact; must not block. */
public interface DiskListener {
    /** Tells nobody. */
    DiskListener NONE = new DiskListener() {};

    /** A group has more volumes, or fewer, or one has another name. */
    default void volumesChanged(Group group) {}

    /** A volume is gone for good. */
    default void volumeDeleted(Group group, VolumeInfo volume) {}

    /**
     * A test is over, and its disks are gone.
     *
     * @param disks those it had
     */
    default void testEnded(RecoveryTests.Running test, List<PointVolume> disks) {}
}
