package dev.tidemark.storage.simulation;

import java.util.Random;

/**
 * Decides which operations of a {@link SimulatedDisk} fail with an input/output error. Asked once
 * per operation, in order.
 */
@FunctionalInterface
public interface FaultPlan {
    /** Nothing fails. */
    FaultPlan NONE = (operation, path) -> false;

    /** What is asked of the disk. */
    enum Operation {
        LIST(false),
        CREATE(true),
        OPEN(false),
        DELETE(true),
        RENAME(true),
        DIRECTORY(true),
        DELETE_DIRECTORY(true),
        FORCE_DIRECTORY(false),
        LOCK(false),
        SPACE(false),
        READ(false),
        READ_CACHED(false),
        SIZE(false),
        WRITE(true),
        FORCE(false),
        PREALLOCATE(true),
        TRUNCATE(true),
        PUNCH_HOLE(true),
        CLOSE(false);

        private final boolean changes;

        Operation(boolean changes) {
            this.changes = changes;
        }

        /** Whether it changes what a reader sees. */
        boolean changes() {
            return changes;
        }
    }

    boolean fails(Operation operation, String path);

    /**
     * Each read, write and force fails with a probability of its own; entry operations fail like
     * writes, directory forces like forces.
     */
    static FaultPlan seeded(Random random, double reads, double writes, double forces) {
        return (operation, path) -> {
            double probability =
                    switch (operation) {
                        case READ, READ_CACHED, LIST, OPEN -> reads;
                        case WRITE, PREALLOCATE, TRUNCATE, PUNCH_HOLE -> writes;
                        case CREATE, DELETE, RENAME, DIRECTORY, DELETE_DIRECTORY -> writes;
                        case FORCE, FORCE_DIRECTORY -> forces;
                        case LOCK, SPACE, SIZE, CLOSE -> 0;
                    };
            return probability > 0 && random.nextDouble() < probability;
        };
    }
}
