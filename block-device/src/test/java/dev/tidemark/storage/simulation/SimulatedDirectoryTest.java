package dev.tidemark.storage.simulation;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageDirectoryContract;

/** The simulated disk keeps the contract while nothing goes wrong. */
class SimulatedDirectoryTest extends StorageDirectoryContract {
    @Override
    protected StorageDirectory newDirectory() {
        return new SimulatedDisk(7).root();
    }
}
