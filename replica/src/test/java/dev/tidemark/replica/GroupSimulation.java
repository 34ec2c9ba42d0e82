package dev.tidemark.replica;

import static dev.tidemark.replica.GroupModel.check;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.HistoryStatus;
import dev.tidemark.journal.IndexCache;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.storage.simulation.FaultPlan;
import dev.tidemark.storage.simulation.SimulatedDisk;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A protection group's life on a simulated machine, drawn from one seed: hosts write, checkpoints
 * pass, views and tests come and go, disks are rolled back, the disk runs full or fails, power is
 * lost at any operation. A model knows what must be; every difference is an AssertionError that
 * names what differs. The real engine runs on {@link SimulatedDisk} and {@link SimulatedScheduler};
 * nothing else is simulated.
 *
 * <p>Single-threaded. The seed alone repeats a run.
 */
final class GroupSimulation {
    private static final int UNIT_BYTES = 1 << 20;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(120);

    /** What trouble a life sees. */
    enum Trouble {
        NONE,
        /** Reads fail now and then. */
        BAD_READS,
        /** Writes fail now and then. */
        BAD_WRITES,
        /** A force fails sooner or later. */
        BAD_FORCES,
        /** The disk runs full and gets room again. */
        FULL_DISK
    }

    /** A view kept open for a while. */
    private record OpenView(PointInTimeView view, long sequence) {}

    private final long seed;
    private final SimulationRules rules;
    private final Random random;
    private final SimulatedDisk disk;
    private final SimulatedScheduler scheduler;
    private final GroupModel model = new GroupModel();
    private final GroupOptions options;
    private final long poolBytes;
    private final UUID id;
    private final List<OpenView> views = new ArrayList<>();
    private final Map<UUID, ImageModel> images = new HashMap<>();
    private final Map<Integer, BlockDevice> disks = new HashMap<>();
    private Trouble trouble = Trouble.NONE;
    private int checkpointCount;
    private long stamp;
    private int life = 1;
    private boolean rotten;
    private String doing = "starting";
    private @Nullable ProtectionGroup group;

    GroupSimulation(long seed, SimulationRules rules) {
        this.seed = seed;
        this.rules = rules;
        rules.watch(model);
        rules.interleave(this::otherThreads);
        this.random = new Random(seed);
        this.disk = new SimulatedDisk(random.nextLong());
        this.scheduler = new SimulatedScheduler(random.nextLong());
        this.id = new UUID(random.nextLong(), random.nextLong());
        this.poolBytes =
                (long) UNIT_BYTES * (random.nextInt(4) == 0 ? 12 + random.nextInt(12) : 256);
        this.options = randomOptions();
    }

    private GroupOptions randomOptions() {
        boolean shortHistory = random.nextInt(4) == 0;
        return GroupOptions.defaults()
                .withUnitBytes(UNIT_BYTES)
                .withCheckpointInterval(Duration.ofMillis(100 + random.nextInt(400)))
                .withRetryInterval(Duration.ofMillis(200))
                .withHistory(
                        shortHistory
                                ? Duration.ofSeconds(2 + random.nextInt(5))
                                : Duration.ofHours(1),
                        Long.MAX_VALUE,
                        random.nextInt(3) == 0 ? Duration.ofMillis(500) : Duration.ofMinutes(10));
    }

    /** Runs the whole life; an AssertionError says what was broken. */
    void run() {
        try {
            create();
            int lives = 2 + random.nextInt(4);
            for (life = 1; life <= lives && !rotten; life++) {
                live();
                boolean powerLost = die();
                if (!reopen(powerLost)) {
                    return;
                }
            }
            finish();
        } catch (AssertionError | RuntimeException broken) {
            throw new AssertionError(
                    "seed "
                            + seed
                            + ", life "
                            + life
                            + " with "
                            + trouble
                            + ", while "
                            + doing
                            + ": "
                            + broken,
                    broken);
        }
    }

    /** In the middle of a read: whatever is ready may run, a fold among it. */
    private void otherThreads() {
        int steps = random.nextInt(3) == 0 ? random.nextInt(12) : 0;
        for (int i = 0; i < steps; i++) {
            scheduler.step();
        }
    }

    /**
     * Equal for equal runs: what was written, in which order, when, and what the disk was asked
     * for.
     */
    String fingerprint() {
        return model.lastSequence()
                + " "
                + disk.operations()
                + " "
                + disk.usedBytes()
                + " "
                + scheduler.nanoTime()
                + " "
                + stamp;
    }

    // ------------------------------------------------------------------ lives

    private void create() {
        try {
            group =
                    ProtectionGroup.create(
                            options, id, disk.root().directory("group"), environment(), rules);
            disk.root().force();
        } catch (ReplicaException | dev.tidemark.storage.StorageException e) {
            throw new AssertionError("a fresh group could not be created: " + e, e);
        }
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            long size =
                    4096L * (8 + random.nextInt(56))
                            + (random.nextBoolean() ? random.nextInt(4096) : 0);
            VolumeInfo volume = await(group().addVolume("v" + i, size));
            model.addVolume(volume.id(), size);
        }
        openDisks();
    }

    private Environment environment() {
        return new Environment(
                scheduler, new SegmentPool(poolBytes), new IndexCache(1 << 20), GroupListener.NONE);
    }

    private void openDisks() {
        disks.clear();
        for (int volume : model.volumes.keySet()) {
            try {
                disks.put(volume, group().openVolume(volume));
            } catch (ReplicaException e) {
                throw new AssertionError("volume " + volume + " is gone: " + e, e);
            }
        }
    }

    private BlockDevice live(int volume) {
        BlockDevice device = disks.get(volume);
        if (device == null) {
            throw new IllegalStateException("volume " + volume + " is not open");
        }
        return device;
    }

    private ProtectionGroup group() {
        ProtectionGroup open = group;
        if (open == null) {
            throw new IllegalStateException("no group is open");
        }
        return open;
    }

    private void live() {
        trouble =
                random.nextInt(2) == 0
                        ? Trouble.NONE
                        : Trouble.values()[random.nextInt(Trouble.values().length)];
        disk.faults(faults(trouble));
        if (random.nextInt(2) == 0) {
            disk.powerOffAfter(1 + random.nextInt(1500));
        }
        int count = 10 + random.nextInt(60);
        for (int i = 0; i < count && !disk.isPoweredOff() && !failed(); i++) {
            step();
            scheduler.runFor(
                    random.nextInt(5) == 0
                            ? random.nextLong(800_000_000L)
                            : random.nextLong(30_000_000L));
            model.settle();
            settleImages();
        }
    }

    private boolean failed() {
        return group().status().state() == GroupState.FAILED;
    }

    private FaultPlan faults(Trouble kind) {
        return switch (kind) {
            case NONE, FULL_DISK -> FaultPlan.NONE;
            case BAD_READS -> FaultPlan.seeded(random, 0.02, 0, 0);
            case BAD_WRITES -> FaultPlan.seeded(random, 0, 0.02, 0);
            case BAD_FORCES -> FaultPlan.seeded(random, 0, 0, 0.02);
        };
    }

    private void step() {
        int choice = random.nextInt(100);
        if (choice < 45) {
            doing = "writing";
            writeBatch();
        } else if (choice < 52) {
            doing = "flushing";
            flush();
        } else if (choice < 58) {
            doing = "tagging a checkpoint";
            tag();
        } else if (choice < 68) {
            doing = "checking a view";
            openView(false);
        } else if (choice < 74) {
            doing = "keeping a view";
            openView(true);
        } else if (choice < 80) {
            doing = "looking at kept views";
            checkViews();
        } else if (choice < 86) {
            doing = "starting a test";
            startImage();
        } else if (choice < 92) {
            doing = "using a test";
            useImage();
        } else if (choice < 94) {
            doing = "rolling back";
            rollBack();
        } else if (choice < 96) {
            doing = "resizing";
            resize();
        } else if (choice < 98) {
            doing = "checking the live disks";
            checkHead(model.lastSequence());
        } else if (trouble == Trouble.FULL_DISK) {
            doing = "changing the disk's size";
            disk.budgetBytes(
                    random.nextBoolean()
                            ? disk.usedBytes() + random.nextInt(UNIT_BYTES)
                            : 1L << 40);
        } else {
            scheduler.jumpWallClock(random.nextInt(4_000_000) - 2_000_000);
        }
    }

    /** Returns whether power was lost, or the process only killed. */
    private boolean die() {
        boolean kill = random.nextBoolean();
        if (!disk.isPoweredOff()
                && random.nextInt(3) == 0
                && !failed()
                && trouble == Trouble.NONE) {
            doing = "draining";
            closeViews();
            drain();
        }
        boolean powerLost = disk.isPoweredOff() || !kill;
        model.settle();
        settleImages();
        scheduler.discardAll();
        disk.faults(FaultPlan.NONE);
        disk.budgetBytes(1L << 40);
        if (powerLost) {
            disk.crash(random);
        } else {
            disk.kill();
        }
        views.clear();
        return powerLost;
    }

    private void drain() {
        CompletableFuture<Void> drained = group().drain();
        long end = scheduler.nanoTime() + PATIENCE_NANOS;
        while (!drained.isDone() && !disk.isPoweredOff() && scheduler.nanoTime() < end) {
            scheduler.runFor(1_000_000);
        }
        check(
                disk.isPoweredOff() || drained.isDone(),
                "draining takes for ever: " + group().status());
        check(disk.isPoweredOff() || !drained.isCompletedExceptionally(), "draining failed");
    }

    /** Returns false when the group refuses to open, rightly. */
    private boolean reopen(boolean powerLost) {
        doing = powerLost ? "recovering from power loss" : "recovering from kill -9";
        long floor = powerLost ? model.durableFloor() : model.acknowledgedFloor();
        maybeRot();
        if (rotten) {
            rules.watchNothing();
        }
        try {
            group =
                    ProtectionGroup.open(
                            options, disk.root().directory("group"), environment(), rules, null);
        } catch (ReplicaException | dev.tidemark.storage.StorageException refused) {
            check(
                    rotten,
                    "the group does not open after a "
                            + (powerLost ? "crash" : "kill")
                            + ": "
                            + refused);
            return false;
        }
        if (rotten) {
            return checkNothingWrongIsServed();
        }
        long recovered = group().status().headSequence();
        check(recovered >= floor, "recovered up to " + recovered + ", promised " + floor);
        accept(recovered);
        // What is shown after a start is relied upon: no later loss of power may take it.
        model.durableUpTo(recovered);
        openDisks();
        checkTagged();
        checkImages(powerLost);
        return true;
    }

    /**
     * Finds which of the requests that were on their way when power went off are there, and makes
     * the model agree.
     */
    private void accept(long recovered) {
        List<HostOperation> unseen = model.unseen();
        long known = Math.min(recovered, model.lastSequence());
        model.recoveredAt(known, recovered);
        List<byte[]> head = new ArrayList<>();
        openDisks();
        for (int volume : model.volumes.keySet()) {
            head.add(read(live(volume), 0, (int) sizeOf(volume)));
        }
        for (HostOperation next : unseen) {
            if (matches(head)) {
                return;
            }
            check(
                    recovered > known,
                    "after recovery at " + recovered + " something differs: " + difference(head));
            model.apply(next, recovered);
        }
        check(
                matches(head),
                "after recovery at "
                        + recovered
                        + " the live disks are no prefix of what was written: "
                        + difference(head));
    }

    private boolean matches(List<byte[]> head) {
        return difference(head) == null;
    }

    private @Nullable String difference(List<byte[]> head) {
        int i = 0;
        for (var entry : model.volumes.entrySet()) {
            byte[] actual = head.get(i++);
            byte[] expected = entry.getValue().imageAt(Long.MAX_VALUE);
            int at = Arrays.mismatch(expected, actual);
            if (at >= 0) {
                return "volume " + entry.getKey() + " differs at byte " + at;
            }
        }
        return null;
    }

    private void maybeRot() {
        if (random.nextInt(12) == 0) {
            String kind = new String[] {"redo-", "undo-", "manifest-"}[random.nextInt(3)];
            rotten = disk.rot((path, position) -> path.contains(kind), random).isPresent();
        }
    }

    /**
     * With a rotten bit anything may be refused, but nothing wrong may be served as a point in
     * time.
     */
    private boolean checkNothingWrongIsServed() {
        doing = "reading with a rotten bit";
        for (GroupModel.Tagged checkpoint : model.tagged) {
            try {
                PointInTimeView view =
                        await(group().openView(new PointSpec.AtCheckpoint(checkpoint.name())));
                for (PointVolume volume : view.volumes()) {
                    compareUnlessRefused(view.device(volume.id()), volume, view.point().sequence());
                }
            } catch (Failed | ReplicaException refused) {
                // refusing is right
            }
        }
        return false;
    }

    private void compareUnlessRefused(BlockDevice device, PointVolume volume, long sequence) {
        byte[] actual;
        try {
            actual = read(device, 0, (int) volume.sizeBytes());
        } catch (Failed refused) {
            return;
        }
        long known = Math.min(sequence, model.lastSequence());
        if (sequence <= model.durableFloor()) {
            long at = model.volume(volume.id()).firstDifference(known, 0, actual);
            check(
                    at < 0,
                    "rot was served: volume "
                            + volume.id()
                            + " at "
                            + sequence
                            + " differs at byte "
                            + at);
        }
    }

    // ------------------------------------------------------------------ the host

    private void writeBatch() {
        int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 16 : 3);
        List<Integer> ids = List.copyOf(model.volumes.keySet());
        int volume = 0;
        for (int i = 0; i < count; i++) {
            volume = ids.get(random.nextInt(ids.size()));
            hand(volume, live(volume));
            if (random.nextInt(3) == 0) {
                live(volume).submit();
            }
        }
        disks.values().forEach(BlockDevice::submit);
    }

    private void hand(int volume, BlockDevice device) {
        long size = sizeOf(volume);
        boolean large = random.nextInt(10) == 0;
        long length = 1 + random.nextLong(Math.min(size, large ? 65536 : 9000));
        long offset = random.nextLong(size - length + 1);
        if (random.nextBoolean()) {
            offset = offset / 4096 * 4096;
        }
        boolean durable = random.nextInt(8) == 0;
        boolean zero = random.nextInt(8) == 0;
        byte[] data = zero ? null : payload((int) length);
        HostOperation operation =
                new HostOperation(volume, offset, length, data, durable, () -> {});
        model.issued(operation);
        if (data == null) {
            device.zero(offset, length, random.nextBoolean(), durable, operation);
        } else {
            device.write(offset, operation.buffer(), durable, operation);
        }
    }

    private byte[] payload(int length) {
        byte[] data = new byte[length];
        if (random.nextInt(10) > 0) {
            random.nextBytes(data);
        }
        stamp++;
        for (int i = 0; i < Math.min(8, length); i++) {
            data[i] = (byte) (stamp >>> (8 * i));
        }
        return data;
    }

    private void flush() {
        model.settle();
        long covered = model.acknowledgedFloor();
        BlockDevice device = disks.values().iterator().next();
        device.flush(
                new Completion() {
                    @Override
                    public void succeeded() {
                        model.durableUpTo(covered);
                    }

                    @Override
                    public void failed(BlockDeviceException failure) {
                        check(
                                trouble != Trouble.NONE || disk.isPoweredOff(),
                                "a flush failed: " + failure);
                    }
                });
        device.submit();
    }

    private void tag() {
        String name = "cp-" + checkpointCount++;
        CompletableFuture<Checkpoint> made = group().addCheckpoint(name, "seed " + seed);
        var _ =
                made.thenAccept(checkpoint -> {
                    model.tagged.add(new GroupModel.Tagged(name, checkpoint.sequence()));
                    model.durableUpTo(checkpoint.sequence());
                });
    }

    private void resize() {
        List<Integer> ids = List.copyOf(model.volumes.keySet());
        int volume = ids.get(random.nextInt(ids.size()));
        attempt(group().resizeVolume(volume, sizeOf(volume) + 1 + random.nextInt(20_000)));
    }

    private long sizeOf(int volume) {
        return model.volume(volume).sizeAt(Long.MAX_VALUE);
    }

    // ------------------------------------------------------------------ time

    private void openView(boolean keep) {
        HistoryStatus history = group().status().history();
        long from = random.nextInt(4) == 0 ? history.tail().sequence() : history.fineTailSequence();
        long asked = from + random.nextLong(Math.max(1, model.lastSequence() - from + 1));
        PointInTimeView view = attempt(group().openView(new PointSpec.AtSequence(asked)));
        if (view == null) {
            return;
        }
        long taken = view.point().sequence();
        check(taken <= asked, "asked for " + asked + ", got the later " + taken);
        check(
                asked < history.fineTailSequence() || taken == asked,
                "asked for " + asked + " in the fine window, got " + taken);
        compare(view, taken);
        if (keep && views.size() < 6) {
            views.add(new OpenView(view, taken));
        } else {
            view.close();
        }
    }

    private void compare(PointInTimeView view, long sequence) {
        if (!model.isExactAt(sequence)) {
            return;
        }
        if (random.nextInt(3) == 0 && !disk.isPoweredOff()) {
            // A fold is ready to run in the middle of the reads that follow.
            writeBatch();
            tag();
        }
        for (PointVolume volume : view.volumes()) {
            check(
                    volume.sizeBytes() == model.volume(volume.id()).sizeAt(sequence),
                    "at "
                            + sequence
                            + " volume "
                            + volume.id()
                            + " has "
                            + volume.sizeBytes()
                            + " bytes");
            compareRandomParts(view, volume, sequence);
            compareChanges(view, volume, sequence);
        }
    }

    private void compareRandomParts(PointInTimeView view, PointVolume volume, long sequence) {
        BlockDevice device;
        try {
            device = view.device(volume.id());
        } catch (ReplicaException e) {
            throw new AssertionError(e);
        }
        int size = (int) volume.sizeBytes();
        int parts = 1 + random.nextInt(3);
        for (int i = 0; i < parts; i++) {
            int offset = i == 0 ? 0 : random.nextInt(size);
            int length = i == 0 ? size : 1 + random.nextInt(size - offset);
            compare(device, volume.id(), sequence, offset, length);
        }
        device.close();
    }

    private void compare(BlockDevice device, int volume, long sequence, int offset, int length) {
        byte[] actual;
        try {
            actual = read(device, offset, length);
        } catch (Failed refused) {
            check(mayFail(refused), "a view at " + sequence + " fails: " + refused.getMessage());
            return;
        }
        long at = model.volume(volume).firstDifference(sequence, offset, actual);
        check(
                at < 0,
                "the view of volume "
                        + volume
                        + " at "
                        + sequence
                        + " (head "
                        + model.lastSequence()
                        + ") differs at byte "
                        + at);
        compareAllocation(device, volume, sequence, offset, length);
    }

    /** What a view calls zero reads as zeros, whatever is folded meanwhile. */
    private void compareAllocation(
            BlockDevice device, int volume, long sequence, int offset, int length) {
        byte[] content = new byte[length];
        model.volume(volume).readAt(sequence, offset, content);
        RangeStatus status;
        try {
            status = allocation(device, offset, length);
        } catch (Failed refused) {
            check(mayFail(refused), "a view at " + sequence + " fails: " + refused.getMessage());
            return;
        }
        checkZeros("the view of volume " + volume, sequence, content, status);
    }

    private boolean mayFail(Failed failure) {
        return disk.isPoweredOff()
                || trouble == Trouble.BAD_READS
                || failed()
                || failure.isShutdown();
    }

    private void checkViews() {
        for (OpenView open : views) {
            compare(open.view(), open.sequence());
        }
        if (random.nextInt(3) == 0) {
            closeViews();
        }
    }

    private void closeViews() {
        views.forEach(open -> open.view().close());
        views.clear();
    }

    private void checkHead(long sequence) {
        scheduler.runFor(1_000_000);
        model.settle();
        if (model.lastSequence() != sequence && random.nextBoolean()) {
            return;
        }
        for (var entry : disks.entrySet()) {
            byte[] actual;
            long expected = model.lastSequence();
            try {
                actual = read(entry.getValue(), 0, (int) sizeOf(entry.getKey()));
            } catch (Failed refused) {
                check(mayFail(refused), "the live disk fails: " + refused.getMessage());
                continue;
            }
            if (expected == model.lastSequence()) {
                long at = model.volume(entry.getKey()).firstDifference(expected, 0, actual);
                check(
                        at < 0,
                        "live volume "
                                + entry.getKey()
                                + " differs at byte "
                                + at
                                + " at "
                                + expected);
                compareLiveAllocation(entry.getKey(), expected);
                compareLiveChanges(entry.getKey(), expected);
            }
        }
    }

    /** What differs between two points is among what is told of the view at the later one. */
    private void compareChanges(PointInTimeView view, PointVolume volume, long sequence) {
        long from = group().status().history().fineTailSequence();
        if (from > sequence) {
            return;
        }
        long since = from + random.nextLong(sequence - from + 1);
        if (!model.isExactAt(since)) {
            return;
        }
        HistoryMap map =
                attempt(group().changedSince(view, volume.id(), new PointSpec.AtSequence(since)));
        if (map != null) {
            checkChanges(map, volume.id(), since, sequence);
        }
    }

    private void compareLiveChanges(int volume, long sequence) {
        long from = group().status().history().fineTailSequence();
        long since = from + random.nextLong(Math.max(1, sequence - from + 1));
        if (since > sequence || !model.isExactAt(since)) {
            return;
        }
        HistoryMap map = attempt(group().changedSince(volume, new PointSpec.AtSequence(since)));
        if (map != null) {
            checkChanges(map, volume, since, sequence);
        }
    }

    private void checkChanges(HistoryMap map, int volume, long since, long sequence) {
        byte[] before = model.volume(volume).imageAt(since);
        byte[] now = model.volume(volume).imageAt(sequence);
        CompletableFuture<RangeStatus> asked = new CompletableFuture<>();
        map.status(0, now.length, 1 + random.nextInt(500), completing(asked));
        RangeStatus status;
        try {
            status = await(asked);
        } catch (Failed refused) {
            check(mayFail(refused), "a map of changes fails: " + refused.getMessage());
            return;
        } finally {
            map.close();
        }
        int at = 0;
        for (int i = 0; i < status.count(); i++) {
            int end = at + (int) status.lengthBytes(i);
            if (status.value(i) != HistoryMap.CHANGED) {
                int same = Math.min(end, before.length);
                boolean differs = same < end || !Arrays.equals(before, at, end, now, at, end);
                check(
                        !differs,
                        "volume %d differs from %d to %d between %d and %d and it is not told (head %d)"
                                .formatted(volume, at, end, since, sequence, model.lastSequence()));
            }
            at = end;
        }
    }

    private static StatusCompletion completing(CompletableFuture<RangeStatus> result) {
        return new StatusCompletion() {
            @Override
            public void succeeded(RangeStatus status) {
                result.complete(status);
            }

            @Override
            public void failed(BlockDeviceException failure) {
                result.completeExceptionally(failure);
            }
        };
    }

    private void compareLiveAllocation(int volume, long sequence) {
        RangeStatus status;
        try {
            status = allocation(live(volume), 0, (int) sizeOf(volume));
        } catch (Failed refused) {
            check(mayFail(refused), "the live disk fails: " + refused.getMessage());
            return;
        }
        if (sequence != model.lastSequence()) {
            return;
        }
        byte[] content = model.volume(volume).imageAt(sequence);
        checkZeros("live volume " + volume, sequence, content, status);
    }

    /** What is called zero is zero in the content of the range. */
    private void checkZeros(String what, long sequence, byte[] content, RangeStatus status) {
        int at = 0;
        for (int i = 0; i < status.count(); i++) {
            int end = at + (int) status.lengthBytes(i);
            boolean zero = (status.value(i) & Allocation.ZERO) != 0;
            check(
                    !zero || Arrays.equals(content, at, end, new byte[end - at], 0, end - at),
                    what
                            + " at "
                            + sequence
                            + " calls "
                            + (end - at)
                            + " bytes from "
                            + (status.offsetBytes() + at)
                            + " zero that are not");
            at = end;
        }
    }

    private void checkTagged() {
        for (GroupModel.Tagged checkpoint : List.copyOf(model.tagged)) {
            PointInTimeView view;
            try {
                view = await(group().openView(new PointSpec.AtCheckpoint(checkpoint.name())));
            } catch (Failed gone) {
                // Only now: retention may have gone on while the view was asked for.
                HistoryStatus history = group().status().history();
                check(
                        checkpoint.sequence() < history.tail().sequence()
                                || insidePromotion(checkpoint.sequence()),
                        "checkpoint "
                                + checkpoint
                                + " does not open: "
                                + gone.getMessage()
                                + ", tail "
                                + history.tail());
                model.tagged.remove(checkpoint);
                continue;
            }
            check(
                    view.point().sequence() == checkpoint.sequence(),
                    "checkpoint " + checkpoint + " opens at " + view.point());
            compare(view, checkpoint.sequence());
            view.close();
        }
    }

    private boolean insidePromotion(long sequence) {
        return model.promotions.stream()
                .anyMatch(promotion -> sequence >= promotion.fromSequence());
    }

    // ------------------------------------------------------------------ tests

    private void startImage() {
        if (images.size() >= 3) {
            return;
        }
        HistoryStatus history = group().status().history();
        long from = history.fineTailSequence();
        long asked = from + random.nextLong(Math.max(1, model.lastSequence() - from + 1));
        UUID imageId = new UUID(random.nextLong(), random.nextLong());
        if (!model.isExactAt(asked)) {
            return;
        }
        Image image = attempt(group().startImage(imageId, new PointSpec.AtSequence(asked)));
        if (image != null) {
            images.put(imageId, new ImageModel(image, model));
        }
    }

    private void useImage() {
        if (images.isEmpty()) {
            return;
        }
        List<ImageModel> all = new ArrayList<>(images.values());
        all.sort((a, b) -> a.id().compareTo(b.id()));
        ImageModel chosen = all.get(random.nextInt(all.size()));
        switch (random.nextInt(8)) {
            case 0 -> stopImage(chosen);
            case 1 -> promote(chosen);
            case 2, 3 -> checkImage(chosen);
            default -> chosen.write(random, payload(1 + random.nextInt(9000)));
        }
    }

    private void stopImage(ImageModel image) {
        image.close();
        attempt(group().stopImage(image.id(), true));
        images.remove(image.id());
    }

    private void checkImage(ImageModel image) {
        scheduler.runFor(1_000_000);
        image.settle();
        String wrong = image.difference(device -> readOrNull(device));
        check(wrong == null, "image " + image.id() + ": " + wrong);
    }

    private byte @Nullable [] readOrNull(ImageModel.Part part) {
        try {
            return read(part.device(), 0, part.lengthBytes());
        } catch (Failed refused) {
            check(mayFail(refused), "an image fails: " + refused.getMessage());
            return null;
        }
    }

    private void settleImages() {
        images.values().forEach(ImageModel::settle);
    }

    private void checkImages(boolean powerLost) {
        Map<UUID, Image> running = new HashMap<>();
        group().images().forEach(image -> running.put(image.id(), image));
        for (ImageModel image : List.copyOf(images.values())) {
            Image found = running.remove(image.id());
            if (found == null) {
                check(image.mayBeGone(), "image " + image.id() + " is gone");
                images.remove(image.id());
                continue;
            }
            String wrong = image.recovered(found, powerLost, this::readOrNull);
            check(wrong == null, "image " + image.id() + " after a restart: " + wrong);
        }
        running.values().forEach(orphan -> attempt(group().stopImage(orphan.id(), true)));
    }

    // ------------------------------------------------------------------ in place

    private void rollBack() {
        if (group().promotion() != null) {
            return;
        }
        quiesce();
        HistoryStatus history = group().status().history();
        long asked =
                history.fineTailSequence()
                        + random.nextLong(
                                Math.max(1, model.lastSequence() - history.fineTailSequence() + 1));
        if (insidePromotion(asked) || !model.isExactAt(asked) || disk.isPoweredOff()) {
            return;
        }
        Map<Integer, byte[]> content = new HashMap<>();
        model.volumes.forEach((volume, versions) -> content.put(volume, versions.imageAt(asked)));
        model.expectPromotion(asked, content);
        watch(group().rollback(new PointSpec.AtSequence(asked)));
    }

    private void promote(ImageModel image) {
        if (group().promotion() != null || insidePromotion(image.pointSequence())) {
            return;
        }
        quiesce();
        image.settle();
        image.close();
        Map<Integer, byte[]> content = image.content();
        if (content == null || disk.isPoweredOff()) {
            image.reopen();
            return;
        }
        model.expectPromotion(image.pointSequence(), content);
        image.promoted();
        watch(group().promote(image.id()));
        images.remove(image.id());
    }

    private void watch(PromotionTask task) {
        var _ =
                task.usable()
                        .whenComplete((ignored, failure) -> {
                            if (failure == null) {
                                model.durableUpTo(model.lastPromotionSequence());
                            }
                        });
        scheduler.runFor(random.nextInt(50_000_000));
    }

    private void quiesce() {
        for (int i = 0; i < 50 && model.hasOpen() && !disk.isPoweredOff(); i++) {
            scheduler.runFor(10_000_000);
            model.settle();
        }
    }

    // ------------------------------------------------------------------ the end

    /** Everything stops: the live disks are right, gold is the disk, and space has come back. */
    private void finish() {
        doing = "finishing";
        trouble = Trouble.NONE;
        scheduler.runFor(TimeUnit.SECONDS.toNanos(3));
        checkHead(model.lastSequence());
        for (ImageModel image : List.copyOf(images.values())) {
            stopImage(image);
        }
        group().setHistory(Duration.ofMillis(1), Long.MAX_VALUE, Duration.ofMillis(1));
        scheduler.runFor(TimeUnit.SECONDS.toNanos(10));
        tag();
        scheduler.runFor(TimeUnit.SECONDS.toNanos(10));
        disks.values().forEach(BlockDevice::close);
        await(group().drain());
        group().close();
        long goldBytes =
                model.volumes.keySet().stream().mapToLong(volume -> sizeOf(volume) + 8192).sum();
        long limit = goldBytes + 6L * UNIT_BYTES + (512 << 10);
        check(
                disk.usedBytes() <= limit,
                disk.usedBytes()
                        + " bytes are used after all history has expired, at most "
                        + limit
                        + " expected");
    }

    // ------------------------------------------------------------------ waiting

    /** A request or operation that ended with an error. */
    static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1;

        Failed(Throwable cause) {
            super(cause.getMessage(), cause);
        }

        boolean isShutdown() {
            return getCause() instanceof BlockDeviceException e && e.code() == ErrorCode.SHUTDOWN;
        }
    }

    /**
     * Lets the simulation run until the future is done; null when it failed in a way this life's
     * trouble explains.
     */
    private <T> @Nullable T attempt(CompletableFuture<T> future) {
        try {
            return await(future);
        } catch (Failed failed) {
            boolean explained =
                    trouble != Trouble.NONE || disk.isPoweredOff() || isRefusal(failed.getCause());
            check(explained, "refused without a reason: " + failed.getCause());
            return null;
        }
    }

    private static boolean isRefusal(@Nullable Throwable cause) {
        return cause instanceof ReplicaException refused
                && switch (refused.kind()) {
                    case OUTSIDE_WINDOW, NO_SPACE, IN_USE -> true;
                    case NOT_FOUND, EXISTS, INVALID, CORRUPT, LOCKED, IO, FAILED -> false;
                };
    }

    private <T> T await(CompletableFuture<T> future) {
        long end = scheduler.nanoTime() + PATIENCE_NANOS;
        while (!future.isDone() && scheduler.nanoTime() < end) {
            scheduler.runFor(1_000_000);
        }
        check(
                future.isDone(),
                "nothing happened for "
                        + PATIENCE_NANOS / 1_000_000_000
                        + " s of simulated time"
                        + (disk.isPoweredOff() ? ", powered off" : "")
                        + ": "
                        + group().status());
        try {
            return future.join();
        } catch (CompletionException e) {
            throw new Failed(e.getCause() == null ? e : e.getCause());
        }
    }

    private RangeStatus allocation(BlockDevice device, int offset, int length) {
        CompletableFuture<RangeStatus> result = new CompletableFuture<>();
        device.allocation(offset, length, 1 + random.nextInt(40), completing(result));
        return await(result);
    }

    private byte[] read(BlockDevice device, int offset, int length) {
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        device.read(
                offset,
                length,
                new ReadCompletion() {
                    @Override
                    public void succeeded(ByteBuf data) {
                        byte[] bytes = new byte[data.readableBytes()];
                        data.readBytes(bytes);
                        data.release();
                        result.complete(bytes);
                    }

                    @Override
                    public void failed(BlockDeviceException failure) {
                        result.completeExceptionally(failure);
                    }
                });
        device.submit();
        return await(result);
    }
}
