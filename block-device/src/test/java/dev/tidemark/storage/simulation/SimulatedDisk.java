package dev.tidemark.storage.simulation;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageException.Kind;
import dev.tidemark.storage.simulation.FaultPlan.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * A disk with a tree of files in memory, whose behaviour in trouble comes from a seed.
 *
 * <ul>
 *   <li><b>Power loss</b> ({@link #crash}): a file's changes since its last force are kept, lost,
 *       or torn at 512 bytes, each on its own; entries created, renamed and deleted since their
 *       directory's last force likewise, in order per name.
 *   <li><b>Death of the process</b> ({@link #kill}): everything written stays, handles and locks
 *       end.
 *   <li><b>Faults</b>: {@link FaultPlan} for input/output errors; a byte budget for running full;
 *       {@link #rot} for bits that flip. A failed force leaves each of its changes durable or
 *       dropped for good: a second one that succeeds says nothing about them.
 * </ul>
 *
 * <p>After a crash or kill the old handles fail for ever; {@link #root} gives new ones.
 * Deterministic: the same seed and the same calls give the same results. Thread-safe by one lock.
 */
public final class SimulatedDisk {
    private static final long DEFAULT_BUDGET_BYTES = 1L << 40;

    private final Random random;
    private final DirectoryNode tree = new DirectoryNode();
    private FaultPlan faults = FaultPlan.NONE;
    private double blockingReads = 0.5;
    private long budgetBytes = DEFAULT_BUDGET_BYTES;
    private long usedBytes;
    private long operations;

    /** Operations until power fails; 0 when it will not. */
    private long untilPowerOff;

    private boolean poweredOff;

    /** Handles of an earlier life are dead. */
    private int life;

    public SimulatedDisk(long seed) {
        this(new Random(seed));
    }

    public SimulatedDisk(Random random) {
        this.random = random;
    }

    /** Something to run on the disk, under its lock. */
    interface Action<T> {
        T run() throws StorageException;
    }

    /** The same without a result. */
    interface Step {
        void run() throws StorageException;
    }

    /** A handle of the root directory for the running process. */
    public synchronized SimulatedDirectory root() {
        return new SimulatedDirectory(this, tree, life, "disk");
    }

    public synchronized void faults(FaultPlan plan) {
        faults = plan;
    }

    /**
     * Space for all files together; may be set below what is used: then nothing more can be
     * allocated.
     */
    public synchronized void budgetBytes(long bytes) {
        budgetBytes = bytes;
    }

    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** Share of cached reads that find nothing cached, 0.5 by default. */
    public synchronized void blockingReads(double share) {
        blockingReads = share;
    }

    /** Operations asked for so far, in all lives: what {@link #powerOffAfter} counts. */
    public synchronized long operations() {
        return operations;
    }

    /**
     * Power fails during the {@code count}-th coming operation: it fails with "powered off" and may
     * or may not have taken place; all later ones fail and change nothing, until {@link #crash}.
     */
    public synchronized void powerOffAfter(long count) {
        if (count < 1) {
            throw new IllegalArgumentException("count " + count + " is below 1");
        }
        untilPowerOff = count;
    }

    public synchronized boolean isPoweredOff() {
        return poweredOff;
    }

    /** Power is lost and comes back; returns the root for the process started then. */
    public synchronized SimulatedDirectory crash(Random fate) {
        tree.losePower(Survival.random(fate));
        startLife();
        return root();
    }

    /**
     * The process dies, its writes stay in the system's cache; returns the root for the next
     * process.
     */
    public synchronized SimulatedDirectory kill() {
        if (poweredOff) {
            throw new IllegalStateException("the disk is powered off: crash() starts it again");
        }
        tree.loseHandles();
        startLife();
        return root();
    }

    private void startLife() {
        life++;
        poweredOff = false;
        untilPowerOff = 0;
        usedBytes = tree.allocatedBytes();
    }

    /** Where a bit may flip. */
    @FunctionalInterface
    public interface RotChoice {
        /**
         * Whether this sector may rot.
         *
         * @param path of the file, from the root, without the root's own name
         * @param position of the sector in the file, in bytes
         */
        boolean accepts(String path, long position);
    }

    /** A flipped bit: {@code position} is the byte's. */
    public record Rot(String path, long position, int bit) {}

    private record Candidate(String path, FileNode file, long sector) {}

    /**
     * Flips a bit in a random allocated, durable sector among those chosen; empty when there is
     * none.
     */
    public synchronized Optional<Rot> rot(RotChoice choice, Random fate) {
        List<Candidate> candidates = new ArrayList<>();
        collect(tree, "", choice, candidates);
        if (candidates.isEmpty()) {
            return Optional.empty();
        }
        Candidate victim = candidates.get(fate.nextInt(candidates.size()));
        int bit = fate.nextInt(Pages.SECTOR_BYTES * Byte.SIZE);
        victim.file.rot(victim.sector, bit);
        return Optional.of(
                new Rot(
                        victim.path,
                        victim.sector * Pages.SECTOR_BYTES + bit / Byte.SIZE,
                        bit % Byte.SIZE));
    }

    private static void collect(
            DirectoryNode directory, String prefix, RotChoice choice, List<Candidate> found) {
        directory
                .entries()
                .forEach((name, node) -> {
                    String path = prefix + name;
                    switch (node) {
                        case DirectoryNode inner -> collect(inner, path + "/", choice, found);
                        case FileNode file -> {
                            for (long sector : file.durableSectors()) {
                                if (choice.accepts(path, sector * Pages.SECTOR_BYTES)) {
                                    found.add(new Candidate(path, file, sector));
                                }
                            }
                        }
                    }
                });
    }

    /** Runs an operation of a handle: dead handles and power loss first, then what was asked. */
    synchronized <T> T perform(int handleLife, Operation operation, String path, Action<T> action)
            throws StorageException {
        if (poweredOff || handleLife != life) {
            throw failure(
                    Kind.IO,
                    operation,
                    path,
                    handleLife == life ? "powered off" : "powered off or killed since");
        }
        operations++;
        if (untilPowerOff > 0 && --untilPowerOff == 0) {
            poweredOff = true;
            StorageException off = failure(Kind.IO, operation, path, "powered off");
            if (operation.changes() && random.nextBoolean()) {
                try {
                    action.run();
                } catch (StorageException failed) {
                    off.addSuppressed(failed);
                }
            }
            throw off;
        }
        return action.run();
    }

    void perform(int handleLife, Operation operation, String path, Step step)
            throws StorageException {
        perform(
                handleLife,
                operation,
                path,
                () -> {
                    step.run();
                    return true;
                });
    }

    /** Whether the fault plan makes this operation fail; with a failure that changed nothing. */
    void failIfPlanned(Operation operation, String path) throws StorageException {
        if (faults.fails(operation, path)) {
            throw inputOutputError(operation, path);
        }
    }

    boolean isPlannedToFail(Operation operation, String path) {
        return faults.fails(operation, path);
    }

    Random random() {
        return random;
    }

    boolean blocks() {
        return random.nextDouble() < blockingReads;
    }

    long freeBytes() {
        return Math.max(0, budgetBytes - usedBytes);
    }

    void used(long moreBytes) {
        usedBytes += moreBytes;
    }

    boolean isAlive(int handleLife) {
        return handleLife == life && !poweredOff;
    }

    static StorageException inputOutputError(Operation operation, String path) {
        return failure(Kind.IO, operation, path, "input/output error (simulated)");
    }

    static StorageException failure(Kind kind, Operation operation, String path, String reason) {
        return new StorageException(kind, operation + " failed on " + path + ": " + reason, null);
    }
}
