package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PointSpec;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two groups on two simulated machines: hosts write at the source, records are carried to the copy,
 * either machine loses its power now and then. The copy is the source after some record, always,
 * and every checkpoint it has is the source's.
 */
class CopyProperties {
    private static final int SEEDS = Integer.getInteger("tidemark.copy.seeds", 200);

    static LongStream seeds() {
        return LongStream.range(100, 100 + SEEDS);
    }

    /** Source, copy, and what carries the records between them. */
    private static final class World implements AutoCloseable {
        final Rig source;
        final Rig copy;
        final List<BlockDevice> devices = new ArrayList<>();
        private @Nullable Shipment shipment;
        private @Nullable Feed feed;
        private int crashes;
        private int checked;

        World(long seed) throws ReplicaException {
            this(seed, false);
        }

        World(long seed, boolean shipsUndurable) throws ReplicaException {
            source = new Rig(seed);
            source.rules =
                    source.new NotingRules() {
                        @Override
                        boolean shipsUndurable() {
                            return shipsUndurable;
                        }
                    };
            source.create();
            copy = new Rig(seed + 1_000_000);
            int count = 1 + source.random.nextInt(3);
            for (int i = 0; i < count; i++) {
                source.addVolume("disk" + i, 150_000 + 4096 * i + 512);
            }
            openDevices();
        }

        private void openDevices() throws ReplicaException {
            devices.clear();
            for (VolumeInfo volume : source.group().volumes()) {
                devices.add(source.group().openVolume(volume.id()));
            }
        }

        /** What an initial synchronisation comes to when nothing is written meanwhile. */
        void makeCopy() throws ReplicaException {
            source.flush(devices.getFirst());
            long sequence = source.group().status().headSequence();
            Shipment begin = source.group().ship(sequence);
            StreamPosition position = begin.begin();
            begin.close();
            SyncImages images = copy.beginCopy();
            for (VolumeInfo volume : source.group().volumes()) {
                images.volume(volume.id(), volume.name(), volume.sizeBytes());
                BlockDevice device = source.group().openVolume(volume.id());
                byte[] all = source.readAll(device);
                device.close();
                images.write(volume.id(), 0, Unpooled.wrappedBuffer(all));
            }
            images.force();
            copy.createStandby(images, new StandbyStart(position, 0, new UUID(1, 1)), source);
            connect();
        }

        void connect() throws ReplicaException {
            disconnect();
            feed = copy.group().feed(new UUID(1, 1));
            copy.await(feed.force());
            StreamPosition at = feed.position();
            Shipment from = source.group().ship(at.sequence());
            shipment = from;
            assertThat(at.sequence()).isLessThanOrEqualTo(source.group().status().headSequence());
            StreamPosition own = from.begin();
            if (own.epoch() != 0) {
                boolean begins = at.sequence() == copy.group().role().newest().sourceSequence();
                assertThat(at.epoch()).isEqualTo(begins ? 0 : own.epoch());
                assertThat(at.timeMicros())
                        .as("seed %d: the same history", source.seed)
                        .isEqualTo(own.timeMicros());
            }
        }

        void disconnect() {
            if (shipment != null) {
                shipment.close();
                shipment = null;
            }
            if (feed != null) {
                feed.close();
                feed = null;
            }
        }

        /** Carries up to so many batches. */
        void carry(int batches) throws ReplicaException {
            Shipment from = shipment;
            Feed into = feed;
            if (from == null || into == null) {
                return;
            }
            if (source.random.nextBoolean()) {
                from.force(() -> {});
                source.scheduler.runUntilIdle();
            }
            for (int i = 0; i < batches; i++) {
                ShippedRecords records = from.next(1 + source.random.nextInt(60_000));
                if (records == null) {
                    return;
                }
                try {
                    copy.await(into.append(records.body()));
                } finally {
                    records.body().release();
                }
                if (copy.random.nextInt(3) == 0) {
                    from.acknowledged(copy.await(into.force()));
                }
            }
        }

        void step() throws ReplicaException {
            switch (source.random.nextInt(12)) {
                case 0, 1, 2, 3, 4 -> write();
                case 5, 6 -> carry(1 + source.random.nextInt(8));
                case 7 -> source.scheduler.runFor(source.random.nextInt(900) * 1_000_000L);
                case 8 -> copy.scheduler.runFor(copy.random.nextInt(900) * 1_000_000L);
                case 9 -> mark();
                case 10 -> trouble();
                default -> check();
            }
        }

        private void write() {
            source.randomWrite(devices.get(source.random.nextInt(devices.size())), 9_000);
        }

        private void mark() throws ReplicaException {
            int id = 1 + source.random.nextInt(devices.size());
            if (source.random.nextInt(4) == 0) {
                long size = source.model(id).sizeAt(Long.MAX_VALUE) + 4096;
                source.await(source.group().resizeVolume(id, size));
            } else {
                String name = "tag" + source.group().status().headSequence();
                source.await(source.group().addCheckpoint(name, "a test"));
            }
        }

        private void trouble() throws ReplicaException {
            int what = source.random.nextInt(4);
            if (what == 0) {
                disconnect();
                copy.crashAndOpen();
                crashes++;
                connect();
            } else if (what == 1) {
                disconnect();
                long durable = source.group().status().durableSequence();
                source.crashAndOpen();
                long head = source.group().status().headSequence();
                assertThat(head).isGreaterThanOrEqualTo(durable);
                source.models.values().forEach(model -> model.discardAfter(head));
                openDevices();
                crashes++;
                connect();
            } else if (what == 2) {
                connect();
            }
        }

        /** The copy's newest point and one of its checkpoints are the source's at those records. */
        void check() throws ReplicaException {
            Feed into = feed;
            if (into == null) {
                return;
            }
            long last = into.position().sequence();
            assertThat(copy.group().status().headSequence()).isEqualTo(last);
            copy.checkView(last);
            List<Checkpoint> all = checkpoints();
            if (!all.isEmpty()) {
                copy.checkView(all.get(copy.random.nextInt(all.size())).sequence());
            }
            checked++;
        }

        private List<Checkpoint> checkpoints() {
            return copy.group().checkpoints(new CheckpointQuery(0, Long.MAX_VALUE, 1000, false));
        }

        /** Everything arrives, and both have the same checkpoints since the copy began. */
        void finish() throws ReplicaException {
            connect();
            source.flush(devices.getFirst());
            carry(Integer.MAX_VALUE);
            long last = source.group().status().headSequence();
            assertThat(copy.group().status().headSequence()).isEqualTo(last);
            assertThat(copy.group().epoch()).isEqualTo(source.group().epoch());
            copy.scheduler.runFor(3_000_000_000L);
            assertThat(copy.group().status().headSequence())
                    .as("a copy adds nothing of its own")
                    .isEqualTo(last);
            List<Checkpoint> all = checkpoints();
            List<Checkpoint> there =
                    source.group().checkpoints(new CheckpointQuery(0, Long.MAX_VALUE, 1000, false));
            assertThat(there).endsWith(all.toArray(Checkpoint[]::new));
            for (Checkpoint checkpoint : all) {
                copy.checkView(checkpoint.sequence());
            }
            copy.checkView(last);
            copy.await(copy.group().drain());
        }

        @Override
        public void close() {
            disconnect();
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void aCopyIsItsSourceAfterSomeRecordWhateverBreaks(long seed) throws Exception {
        try (World world = new World(seed)) {
            for (int i = 0; i < 30; i++) {
                world.write();
            }
            world.makeCopy();
            for (int i = 0; i < 250; i++) {
                world.step();
            }
            world.finish();
            assertThat(world.crashes + world.checked).isPositive();
        }
    }

    @Test
    void aSourceThatShipsWhatItCanStillLoseIsCaught() {
        int caught = 0;
        for (long seed = 500; seed < 520; seed++) {
            try (World world = new World(seed, true)) {
                for (int i = 0; i < 30; i++) {
                    world.write();
                }
                world.makeCopy();
                for (int i = 0; i < 250; i++) {
                    world.step();
                }
                world.finish();
            } catch (AssertionError | ReplicaException broken) {
                caught++;
            }
        }
        assertThat(caught).isGreaterThan(5);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void aRollbackAtTheSourceReachesTheCopyAndItsInsideIsRefused(long seed) throws Exception {
        try (World world = new World(seed)) {
            for (int i = 0; i < 20; i++) {
                world.write();
            }
            world.makeCopy();
            for (int i = 0; i < 20; i++) {
                world.write();
            }
            world.carry(100);
            long point = world.source.group().status().headSequence() - 5;
            for (int volume : world.source.models.keySet()) {
                world.source.rules.promotedTo.put(
                        volume, world.source.model(volume).imageAt(point));
            }
            PromotionTask task = world.source.group().rollback(new PointSpec.AtSequence(point));
            world.source.await(task.usable());
            world.write();
            world.carry(100);
            if (seed % 2 == 0) {
                world.disconnect();
                world.copy.crashAndOpen();
                world.connect();
            }
            for (int i = 0; i < 5; i++) {
                world.write();
            }
            world.source.await(task.done());
            world.write();
            world.finish();
            assertThat(world.copy.group().epoch()).isEqualTo(2);
        }
    }
}
