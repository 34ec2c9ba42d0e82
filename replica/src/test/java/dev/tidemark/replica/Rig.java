package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.journal.IndexCache;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.simulation.SimulatedDisk;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * A protection group on a simulated disk and clock, with a model of each volume that notes every
 * record as it is appended. Everything comes from the seed.
 */
final class Rig {
    static final UUID ID = new UUID(7, 7);
    static final int UNIT_BYTES = 1 << 20;

    final long seed;
    final Random random;
    final SimulatedDisk disk;
    final SimulatedScheduler scheduler;
    final Map<Integer, VolumeModel> models = new TreeMap<>();
    final List<String> alerts = new ArrayList<>();
    final List<String> events = new ArrayList<>();
    final GroupListener listener = new NotingListener();
    GroupOptions options = GroupOptions.defaults().withUnitBytes(UNIT_BYTES);
    NotingRules rules = new NotingRules();
    SegmentPool pool = new SegmentPool(1L << 40);

    /** What is known of copies when the group is opened again; null when nobody says. */
    @Nullable Map<UUID, Long> copies;

    private @Nullable ProtectionGroup group;

    /** A write that failed, but whose record may be in the log. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record LostWrite(int volume, int offset, byte[] data) {}

    private @Nullable LostWrite lostWrite;

    Rig(long seed) {
        this.seed = seed;
        this.random = new Random(seed);
        this.disk = new SimulatedDisk(random);
        this.scheduler = new SimulatedScheduler(random);
    }

    /** Keeps the model: every record at its sequence number. */
    class NotingRules extends Rules {
        final TreeMap<Integer, byte[]> promotedTo = new TreeMap<>();
        int promotions;
        long promotedAt;

        @Override
        void appended(PendingRecord record) {
            VolumeModel model = models.get(record.volume());
            if ((record.flags() & PendingRecord.FLAG_INTERNAL) != 0
                    && record.kind() != RecordKind.PROMOTE) {
                return; // a copy changes nothing that the promotion has not changed already
            }
            if (record.kind() == RecordKind.WRITE && model != null) {
                ByteBuf payload = record.payload();
                assertThat(payload).isNotNull();
                model.write(record.sequence(), record.offsetBytes(), payload);
            } else if (record.kind() == RecordKind.ZERO && model != null) {
                model.zero(record.sequence(), record.offsetBytes(), record.lengthBytes());
            } else if (record.kind() == RecordKind.RESIZE && model != null) {
                model.resize(record.sequence(), record.lengthBytes());
            } else if (record.kind() == RecordKind.PROMOTE) {
                promotions++;
                promotedAt = record.sequence();
                promotedTo.forEach(
                        (volume, image) -> model(volume).write(record.sequence(), 0, image));
            }
        }
    }

    private final class NotingListener implements GroupListener {
        @Override
        public void stalled(UUID id, String reason) {
            alerts.add("stalled: " + reason);
        }

        @Override
        public void resumed(UUID id) {
            alerts.add("resumed");
        }

        @Override
        public void failed(UUID id, String reason) {
            alerts.add("failed: " + reason);
        }

        @Override
        public void event(UUID id, String detail) {
            events.add(detail);
        }

        @Override
        public void poolFull(UUID id, String detail) {
            alerts.add("pool full: " + detail);
        }

        @Override
        public void corrupt(UUID id, String file, long position, String detail) {
            alerts.add("corrupt: " + file + " " + position + " " + detail);
        }
    }

    Environment environment() {
        return new Environment(scheduler, pool, new IndexCache(1 << 20), listener);
    }

    Rig create() throws ReplicaException {
        group = ProtectionGroup.create(options, ID, directory(disk.root()), environment(), rules);
        return this;
    }

    /** A folder in which a copy can be made. */
    SyncImages beginCopy() throws ReplicaException {
        return SyncImages.open(directory(disk.root()));
    }

    /** A copy of another rig's group: the models are shared, and written by the other one only. */
    Rig createStandby(SyncImages images, StandbyStart start, Rig source) throws ReplicaException {
        models.putAll(source.models);
        rules = new SilentRules();
        return createStandby(images, start);
    }

    /** A copy with models of its own, for whoever fills them. */
    Rig createStandby(SyncImages images, StandbyStart start) throws ReplicaException {
        group = ProtectionGroup.createStandby(options, ID, images, environment(), rules, start);
        return this;
    }

    /** Notes nothing. */
    class SilentRules extends NotingRules {
        @Override
        void appended(PendingRecord record) {
            // The source has noted it.
        }
    }

    private static StorageDirectory directory(StorageDirectory root) throws ReplicaException {
        try {
            StorageDirectory directory = root.directory("group");
            root.force();
            return directory;
        } catch (StorageException failure) {
            throw Failures.replica(failure);
        }
    }

    VolumeModel model(int volume) {
        return Objects.requireNonNull(models.get(volume));
    }

    ProtectionGroup group() {
        ProtectionGroup open = group;
        assertThat(open).isNotNull();
        return open;
    }

    /** The process dies; its writes stay. */
    Rig killAndOpen() throws ReplicaException {
        scheduler.discardAll();
        disk.kill();
        return reopen();
    }

    /** Power is lost. */
    Rig crashAndOpen() throws ReplicaException {
        scheduler.discardAll();
        disk.crash(random);
        return reopen();
    }

    Rig reopen() throws ReplicaException {
        pool = new SegmentPool(pool.budgetBytes());
        group = ProtectionGroup.open(options, directory(disk.root()), environment(), rules, copies);
        return this;
    }

    /** Runs the group until the future has its value. */
    <T> T await(CompletableFuture<T> future) throws ReplicaException {
        for (int i = 0; i < 200 && !future.isDone(); i++) {
            scheduler.runUntilIdle();
            if (!future.isDone()) {
                scheduler.runFor(100_000_000L);
            }
        }
        assertThat(future).as("seed %d", seed).isDone();
        try {
            return future.join();
        } catch (CompletionException failure) {
            if (failure.getCause() instanceof ReplicaException cause) {
                throw cause;
            }
            throw failure;
        }
    }

    VolumeInfo addVolume(String name, long sizeBytes) throws ReplicaException {
        VolumeInfo info = await(group().addVolume(name, sizeBytes));
        models.put(info.id(), new VolumeModel(sizeBytes));
        return info;
    }

    void write(BlockDevice device, long offset, byte[] data) {
        write(device, offset, data, false);
    }

    void write(BlockDevice device, long offset, byte[] data, boolean fua) {
        start(device, offset, data, fua).expectSuccess();
    }

    Outcome start(BlockDevice device, long offset, byte[] data, boolean fua) {
        ByteBuf buffer = Unpooled.wrappedBuffer(data);
        Outcome outcome = new Outcome();
        device.write(offset, buffer, fua, outcome);
        device.submit();
        settle(outcome);
        return outcome;
    }

    /**
     * A write that may fail because power does; what it would have done is remembered, for its
     * record may have survived.
     */
    boolean tryWrite(BlockDevice device, int maximum, boolean fua) {
        int size = (int) device.geometry().sizeBytes();
        int length = 1 + random.nextInt(maximum);
        int offset = random.nextInt(size - length);
        byte[] data = bytes(length);
        long before = lastModelSequence();
        Outcome outcome = start(device, offset, data, fua);
        boolean noted = lastModelSequence() > before;
        assertThat(noted || !succeeded(outcome))
                .as("seed %d: an acknowledged write is in the log", seed)
                .isTrue();
        if (!noted) {
            lostWrite = new LostWrite(volumeOf(device), offset, data);
        }
        return succeeded(outcome);
    }

    /** The volumes of a rig have sizes of their own. */
    private int volumeOf(BlockDevice device) {
        long size = device.geometry().sizeBytes();
        for (Map.Entry<Integer, VolumeModel> entry : models.entrySet()) {
            if (entry.getValue().sizeAt(Long.MAX_VALUE) == size) {
                return entry.getKey();
            }
        }
        throw new AssertionError("no volume of " + size + " bytes");
    }

    private static boolean succeeded(Outcome outcome) {
        try {
            outcome.expectSuccess();
            return true;
        } catch (AssertionError failed) {
            return false;
        }
    }

    /** The PROMOTE record survived although its write had failed. */
    void noteLostPromotion() {
        if (rules.promotions == 0) {
            long head = group().status().headSequence();
            rules.promotedTo.forEach((id, image) -> model(id).write(head, 0, image));
        }
    }

    /** A failed write, while the process lives on, is in no log. */
    void forgetLostWrite() {
        lostWrite = null;
    }

    boolean tryFlush(BlockDevice device) {
        Outcome outcome = new Outcome();
        device.flush(outcome);
        device.submit();
        settle(outcome);
        return succeeded(outcome);
    }

    long lastModelSequence() {
        return models.values().stream().mapToLong(VolumeModel::lastSequence).max().orElse(0);
    }

    /**
     * After a crash: the head is exactly a prefix, no shorter than what was forced; the models
     * forget the rest.
     */
    void checkRecovered(long forced) throws ReplicaException {
        long head = group().status().headSequence();
        assertThat(head)
                .as("seed %d: what was forced is there", seed)
                .isGreaterThanOrEqualTo(forced);
        LostWrite lost = lostWrite;
        lostWrite = null;
        models.values().forEach(model -> model.discardAfter(head));
        if (lost != null && head > lastModelSequence()) {
            VolumeModel model = model(lost.volume());
            BlockDevice device = group().openVolume(lost.volume());
            byte[] now = read(device, lost.offset(), lost.data().length);
            device.close();
            if (Arrays.equals(now, lost.data())) {
                model.write(head, lost.offset(), lost.data());
            }
        }
    }

    void zero(BlockDevice device, long offset, long length) {
        Outcome outcome = new Outcome();
        device.zero(offset, length, random.nextBoolean(), false, outcome);
        device.submit();
        settle(outcome);
        outcome.expectSuccess();
    }

    void flush(BlockDevice device) {
        Outcome outcome = new Outcome();
        device.flush(outcome);
        device.submit();
        settle(outcome);
        outcome.expectSuccess();
    }

    byte[] read(BlockDevice device, long offset, int length) {
        Outcome outcome = new Outcome();
        device.read(offset, length, outcome);
        device.submit();
        settle(outcome);
        return outcome.expectBytes();
    }

    void settle(Outcome outcome) {
        for (int i = 0; i < 1000 && !outcome.isEnded(); i++) {
            if (!scheduler.step()) {
                scheduler.runFor(50_000_000L);
            }
        }
        assertThat(outcome.isEnded()).as("seed %d: the request ended", seed).isTrue();
    }

    byte[] readAll(BlockDevice device) {
        int size = (int) device.geometry().sizeBytes();
        byte[] all = new byte[size];
        int step = device.geometry().maximumBytes();
        for (int at = 0; at < size; at += step) {
            int part = Math.min(step, size - at);
            System.arraycopy(read(device, at, part), 0, all, at, part);
        }
        return all;
    }

    byte[] bytes(int length) {
        byte[] data = new byte[length];
        random.nextBytes(data);
        if (random.nextInt(6) == 0) {
            Arrays.fill(data, random.nextInt(length), length, (byte) 0);
        }
        return data;
    }

    /** One random write or zero of up to {@code maximum} bytes somewhere in the volume. */
    void randomWrite(BlockDevice device, int maximum) {
        int size = (int) device.geometry().sizeBytes();
        boolean aligned = random.nextBoolean();
        int length = 1 + random.nextInt(maximum);
        int offset = random.nextInt(size - length);
        if (aligned) {
            offset &= -4096;
            length = Math.min((length + 4095) & -4096, size - offset);
        }
        if (random.nextInt(5) == 0) {
            zero(device, offset, length);
        } else {
            write(device, offset, bytes(length), random.nextInt(10) == 0);
        }
    }

    /** A view at a sequence number shows every volume as the model knows it. */
    void checkView(long sequence) throws ReplicaException {
        try (PointInTimeView view = await(group().openView(new PointSpec.AtSequence(sequence)))) {
            checkView(view);
        }
    }

    void checkView(PointInTimeView view) throws ReplicaException {
        Point point = view.point();
        for (PointVolume volume : view.volumes()) {
            BlockDevice device = view.device(volume.id());
            checkContent(device, volume.id(), point.sequence());
            device.close();
        }
    }

    void checkContent(BlockDevice device, int volume, long sequence) {
        VolumeModel model = model(volume);
        assertThat(device.geometry().sizeBytes()).isEqualTo(model.sizeAt(sequence));
        assertThat(model.firstDifference(sequence, 0, readAll(device)))
                .as(
                        "seed %d: first difference of volume %d at sequence number %d",
                        seed, volume, sequence)
                .isEqualTo(-1);
        checkAllocation(device, volume, sequence);
    }

    /** What is called zero reads as zeros, whatever length the answers have. */
    void checkAllocation(BlockDevice device, int volume, long sequence) {
        byte[] content = model(volume).imageAt(sequence);
        int at = 0;
        while (at < content.length) {
            RangeStatus status = allocation(device, at, content.length - at);
            for (int i = 0; i < status.count(); i++) {
                int end = at + (int) status.lengthBytes(i);
                int data = at;
                while (data < end && content[data] == 0) {
                    data++;
                }
                assertThat(data < end && (status.value(i) & Allocation.ZERO) != 0)
                        .as(
                                "seed %d: byte %d of volume %d at sequence number %d is called zero",
                                seed, data, volume, sequence)
                        .isFalse();
                at = end;
            }
        }
    }

    RangeStatus allocation(BlockDevice device, long offset, long length) {
        Outcome outcome = new Outcome();
        device.allocation(offset, length, 1 + random.nextInt(50), outcome);
        settle(outcome);
        RangeStatus status = outcome.expectStatus();
        assertThat(status.offsetBytes()).isEqualTo(offset);
        assertThat(status.endBytes()).isBetween(offset + 1, offset + length);
        return status;
    }

    /** The live disks are as the model is at its end. */
    void checkHead() throws ReplicaException {
        for (int volume : models.keySet()) {
            BlockDevice device = group().openVolume(volume);
            checkContent(device, volume, Long.MAX_VALUE);
            device.close();
        }
    }
}
