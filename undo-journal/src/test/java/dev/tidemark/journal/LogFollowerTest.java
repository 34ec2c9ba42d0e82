package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.simulation.SimulatedDisk;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A reader of a growing log sees every record once, in order, as it was written. */
final class LogFollowerTest {
    private static final long SEED = Long.getLong("tidemark.seed", 20_260_301L);
    private static final int WORLDS = Integer.getInteger("tidemark.worlds", 60);
    private static final RecordLogOptions OPTIONS =
            new RecordLogOptions(SegmentKind.REDO, 1 << 20, true, 64 << 10, 16);

    private final SimulatedDisk disk = new SimulatedDisk(5);
    private final SimulatedScheduler scheduler = new SimulatedScheduler(5);

    /** A log beside the payloads of its records. */
    private static final class World {
        final Random random;
        final SimulatedDisk disk;
        final SimulatedScheduler scheduler;
        final List<TestRecord> staged = new ArrayList<>();
        StorageDirectory directory;
        RecordLog log;

        World(Random random, SimulatedDisk disk, SimulatedScheduler scheduler) throws Exception {
            this.random = random;
            this.disk = disk;
            this.scheduler = scheduler;
            this.directory = disk.root();
            log =
                    RecordLog.create(
                            OPTIONS,
                            LogWorld.OWNER,
                            directory,
                            scheduler,
                            new SegmentPool(Long.MAX_VALUE),
                            JournalListener.NONE);
            scheduler.runUntilIdle();
        }

        void write(int length) {
            TestRecord record =
                    random.nextInt(5) == 0
                            ? TestRecord.zero(1, random.nextInt(1 << 30), 512)
                            : TestRecord.write(
                                    1,
                                    random.nextInt(1 << 30),
                                    TestRecord.bytes(random, length),
                                    false);
            staged.add(record);
            log.stage(record);
        }

        void force() {
            log.force(
                    new Completion() {
                        @Override
                        public void succeeded() {}

                        @Override
                        public void failed(BlockDeviceException failure) {}
                    });
        }

        void open() throws Exception {
            directory = disk.crash(random);
            scheduler.discardAll();
            log =
                    RecordLog.open(
                            OPTIONS,
                            LogWorld.OWNER,
                            directory,
                            scheduler,
                            new SegmentPool(Long.MAX_VALUE),
                            JournalListener.NONE);
        }
    }

    private World world(long seed) throws Exception {
        return new World(new Random(seed), disk, scheduler);
    }

    private static void assertAt(LogFollower follower, TestRecord expected) throws Exception {
        assertThat(follower.sequence()).isEqualTo(expected.sequence());
        assertThat(follower.kind()).isEqualTo(expected.kind());
        assertThat(follower.timeMicros()).isEqualTo(expected.timeMicros());
        assertThat(follower.offsetBytes()).isEqualTo(expected.offsetBytes());
        assertThat(follower.lengthBytes()).isEqualTo(expected.lengthBytes());
        ByteBuf payload = expected.payload();
        int length = payload == null ? 0 : payload.readableBytes();
        assertThat(follower.payloadBytes()).isEqualTo(length);
        ByteBuf copied = Unpooled.buffer(length + 3).writeZero(3);
        follower.copyPayload(copied);
        assertThat(copied.readableBytes()).isEqualTo(length + 3);
        if (payload != null) {
            assertThat(ByteBufUtil.equals(copied, 3, payload, payload.readerIndex(), length))
                    .isTrue();
            for (int i = 0; i < RecordHeader.chunkCount(length); i++) {
                assertThat(follower.chunkChecksum(i)).isEqualTo(expected.chunkChecksums[i]);
            }
        }
    }

    @Test
    void itGoesOnWhereItStoppedAsTheLogGrowsAcrossSegments() throws Exception {
        World world = world(1);
        int seen = 0;
        try (LogFollower follower = world.log.follow(0)) {
            assertThat(follower.next(Long.MAX_VALUE)).isFalse();
            for (int round = 0; round < 60; round++) {
                for (int i = world.random.nextInt(6); i >= 0; i--) {
                    world.write(world.random.nextInt(60_000));
                }
                world.log.submit();
                world.scheduler.runUntilIdle();
                while (follower.next(Long.MAX_VALUE)) {
                    assertAt(follower, world.staged.get(seen++));
                }
                assertThat(seen).isEqualTo(world.staged.size());
            }
        }
        assertThat(world.log.store().segments()).hasSizeGreaterThan(4);
    }

    @Test
    void itArrivesAtNothingAfterTheLastWanted() throws Exception {
        World world = world(2);
        for (int i = 0; i < 10; i++) {
            world.write(100);
        }
        world.log.submit();
        try (LogFollower follower = world.log.follow(0)) {
            for (int i = 0; i < 4; i++) {
                assertThat(follower.next(4)).isTrue();
            }
            assertThat(follower.next(4)).isFalse();
            assertThat(follower.next(5)).isTrue();
            assertThat(follower.sequence()).isEqualTo(5);
            assertThat(follower.next(5)).isFalse();
        }
    }

    @Test
    void itBeginsAfterAnyNumber() throws Exception {
        World world = world(3);
        for (int i = 0; i < 60; i++) {
            world.write(50_000);
        }
        world.log.submit();
        world.scheduler.runUntilIdle();
        for (int after = 0; after < 60; after++) {
            try (LogFollower follower = world.log.follow(after)) {
                assertThat(follower.next(Long.MAX_VALUE)).isTrue();
                assertAt(follower, world.staged.get(after));
            }
        }
        try (LogFollower follower = world.log.follow(60)) {
            assertThat(follower.next(Long.MAX_VALUE)).isFalse();
        }
        assertThatThrownBy(() -> world.log.follow(61)).isInstanceOf(JournalException.class);
    }

    @Test
    void theBytesStillToReadAreCounted() throws Exception {
        World world = world(4);
        try (LogFollower follower = world.log.follow(0)) {
            assertThat(world.log.bytesAfter(follower.position())).isZero();
            for (int i = 0; i < 60; i++) {
                world.write(50_000);
            }
            world.log.submit();
            world.scheduler.runUntilIdle();
            long all = 0;
            for (TestRecord record : world.staged) {
                all += RecordHeader.recordBytes(record.payloadBytes());
            }
            assertThat(world.log.bytesAfter(follower.position())).isEqualTo(all);
            while (follower.next(Long.MAX_VALUE)) {
                all -= RecordHeader.recordBytes(follower.payloadBytes());
                assertThat(world.log.bytesAfter(follower.position())).isEqualTo(all);
            }
        }
    }

    @Test
    void whatWasFollowedUpToTheDurableNumberIsThereAfterPowerLoss() throws Exception {
        for (long seed = SEED; seed < SEED + WORLDS; seed++) {
            try {
                follows(
                        new World(
                                new Random(seed),
                                new SimulatedDisk(seed),
                                new SimulatedScheduler(seed)),
                        false);
            } catch (Exception | AssertionError failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
    }

    /** The rule that a shipper must keep: without it a copy gets ahead of its source's disk. */
    @Test
    void aFollowerOfWhatIsNotForcedYetSeesRecordsThatPowerLossTakesBack() {
        assertThatThrownBy(
                        () -> {
                            for (long seed = SEED; seed < SEED + WORLDS; seed++) {
                                follows(
                                        new World(
                                                new Random(seed),
                                                new SimulatedDisk(seed),
                                                new SimulatedScheduler(seed)),
                                        true);
                            }
                        })
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("what was shipped is kept");
    }

    private static void follows(World world, boolean broken) throws Exception {
        int seen = 0;
        for (int life = 0; life < 3; life++) {
            try (LogFollower follower = world.log.follow(seen)) {
                for (int turn = world.random.nextInt(60); turn >= 0; turn--) {
                    turn(world);
                    long last = broken ? Long.MAX_VALUE : world.log.durableSequence();
                    while (follower.next(last) && world.random.nextInt(20) > 0) {
                        assertAt(follower, world.staged.get(seen++));
                    }
                    seen = Math.toIntExact(follower.position().sequence() - 1);
                }
            }
            world.open();
            assertThat(world.log.lastSequence())
                    .as("what was shipped is kept")
                    .isGreaterThanOrEqualTo(seen);
            int kept = Math.toIntExact(world.log.lastSequence());
            world.staged.subList(kept, world.staged.size()).clear();
        }
    }

    private static void turn(World world) {
        switch (world.random.nextInt(4)) {
            case 0 -> world.force();
            case 1 -> world.scheduler.runUntilIdle();
            default -> {
                for (int i = world.random.nextInt(8); i >= 0; i--) {
                    world.write(world.random.nextInt(40_000));
                }
                world.log.submit();
                world.scheduler.step();
            }
        }
    }
}
