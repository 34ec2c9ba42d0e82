package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.StatusSource;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Maps of changes and of last writes against a list of all writes. */
class HistoryMapProperties {
    private static final int SIZE = 300_000;

    private record Write(long sequence, long timeMicros, int offset, int length) {}

    /** A disk at work that notes what is written to it. */
    private static final class World {
        final Rig rig;
        final List<Write> writes = new ArrayList<>();
        final List<Checkpoint> tagged = new ArrayList<>();
        final BlockDevice device;
        final int volume;

        World(long seed) throws Exception {
            rig = new Rig(seed);
            rig.rules =
                    rig.new NotingRules() {
                        @Override
                        void appended(PendingRecord record) {
                            super.appended(record);
                            if (record.kind() == RecordKind.WRITE
                                    || record.kind() == RecordKind.ZERO) {
                                writes.add(
                                        new Write(
                                                record.sequence(),
                                                record.timeMicros(),
                                                (int) record.offsetBytes(),
                                                (int) record.lengthBytes()));
                            }
                        }
                    };
            rig.create();
            volume = rig.addVolume("disk", SIZE).id();
            device = rig.group().openVolume(volume);
        }

        void work(int count) throws Exception {
            for (int i = 0; i < count; i++) {
                rig.randomWrite(device, 9_000);
                if (rig.random.nextInt(8) == 0) {
                    rig.scheduler.runFor(rig.random.nextInt(1500) * 1_000_000L);
                }
                if (rig.random.nextInt(12) == 0) {
                    tagged.add(rig.await(rig.group().addCheckpoint("c" + tagged.size(), "")));
                }
            }
        }

        long head() {
            return rig.group().status().headSequence();
        }

        long anyPoint(long upTo) {
            return 1 + rig.random.nextLong(upTo);
        }

        boolean[] written(long after, long upTo) {
            boolean[] bytes = new boolean[SIZE];
            for (Write write : writes) {
                if (write.sequence > after && write.sequence <= upTo) {
                    Arrays.fill(bytes, write.offset, write.offset + write.length, true);
                }
            }
            return bytes;
        }

        /** Each byte's number, asked for in answers of any length. */
        long[] ask(StatusSource source) {
            long[] numbers = new long[SIZE];
            int at = 0;
            while (at < SIZE) {
                Outcome asked = new Outcome();
                source.status(at, SIZE - at, 1 + rig.random.nextInt(30), asked);
                for (int i = 0; i < 1000 && !asked.isEnded(); i++) {
                    rig.scheduler.step();
                }
                RangeStatus status = asked.expectStatus();
                assertThat(status.count()).isPositive();
                for (int i = 0; i < status.count(); i++) {
                    int end = at + (int) status.lengthBytes(i);
                    Arrays.fill(numbers, at, end, status.value(i));
                    at = end;
                }
            }
            return numbers;
        }

        /** Nothing is missed; from a checkpoint on nothing is said that is not so. */
        void checkChanged(HistoryMap map, long since, long until) {
            long[] told = ask(map);
            boolean[] must = written(since, until);
            boolean exact = tagged.stream().anyMatch(mark -> mark.sequence() == since);
            boolean[] may = exact ? must : written(intervalBefore(since), until);
            for (int i = 0; i < SIZE; i++) {
                assertThat(told[i] == 1 || !must[i])
                        .as(
                                "seed %d: byte %d changed in (%d, %d] is told",
                                rig.seed, i, since, until)
                        .isTrue();
                assertThat(told[i] == 0 || may[i])
                        .as(
                                "seed %d: byte %d told of (%d, %d] has changed",
                                rig.seed, i, since, until)
                        .isTrue();
            }
            map.close();
        }

        /** A boundary that is surely not after the beginning of a point's interval. */
        private long intervalBefore(long sequence) {
            long found = 0;
            for (Checkpoint checkpoint : rig.group().checkpoints(CheckpointQuery.newest(100_000))) {
                found = checkpoint.sequence() <= sequence ? checkpoint.sequence() : found;
            }
            return found;
        }

        /** The last write, or the first boundary after it. */
        void checkLastWrites(HistoryMap map, boolean times, long until) {
            long[] told = ask(map);
            List<Checkpoint> all = rig.group().checkpoints(CheckpointQuery.newest(100_000));
            Write[] last = new Write[SIZE];
            for (Write write : writes) {
                if (write.sequence <= until) {
                    Arrays.fill(last, write.offset, write.offset + write.length, write);
                }
            }
            for (int i = 0; i < SIZE; i++) {
                Write write = last[i];
                long from = write == null ? 0 : times ? write.timeMicros : write.sequence;
                assertThat(told[i] == 0)
                        .as("seed %d: byte %d up to %d was never written", rig.seed, i, until)
                        .isEqualTo(write == null);
                long limit = Long.MAX_VALUE;
                for (Checkpoint mark : all) {
                    if (write != null && mark.sequence() >= write.sequence) {
                        limit = times ? mark.timeMicros() : mark.sequence();
                        break;
                    }
                }
                assertThat(told[i])
                        .as("seed %d: last write of byte %d up to %d", rig.seed, i, until)
                        .isBetween(from, write == null ? 0 : limit);
            }
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {61, 62, 63, 64, 65, 66})
    void noChangeOfALiveDiskSinceAnyPointIsMissed(long seed) throws Exception {
        World world = new World(seed);
        for (int round = 0; round < 12; round++) {
            world.work(25);
            long since =
                    world.tagged.isEmpty() || world.rig.random.nextBoolean()
                            ? world.anyPoint(world.head())
                            : world.tagged
                                    .get(world.rig.random.nextInt(world.tagged.size()))
                                    .sequence();
            HistoryMap map =
                    world.rig.await(
                            world.rig
                                    .group()
                                    .changedSince(world.volume, new PointSpec.AtSequence(since)));
            if (world.rig.random.nextBoolean()) {
                world.work(5);
            }
            world.checkChanged(map, since, world.head());
        }
        assertThat(world.rig.group().counters().folds()).isPositive();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {71, 72, 73, 74, 75, 76})
    void theChangesBetweenTwoPointsAreThoseOfTheWritesInBetween(long seed) throws Exception {
        World world = new World(seed);
        for (int round = 0; round < 12; round++) {
            world.work(25);
            long until = world.anyPoint(world.head());
            long since = world.anyPoint(until);
            ProtectionGroup group = world.rig.group();
            try (PointInTimeView view =
                    world.rig.await(group.openView(new PointSpec.AtSequence(until)))) {
                world.work(3);
                HistoryMap map =
                        world.rig.await(
                                group.changedSince(
                                        view, world.volume, new PointSpec.AtSequence(since)));
                world.checkChanged(map, since, until);
                long later = world.head() + (until == world.head() ? 1 : 0);
                assertThatThrownBy(() ->
                                world.rig.await(
                                        group.changedSince(
                                                view,
                                                world.volume,
                                                new PointSpec.AtSequence(later))))
                        .isInstanceOf(ReplicaException.class);
            }
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {81, 82, 83})
    void aTestsOwnWritesCountAsChanges(long seed) throws Exception {
        World world = new World(seed);
        world.work(60);
        Checkpoint mark = world.rig.await(world.rig.group().addCheckpoint("mark", ""));
        world.tagged.add(mark);
        world.work(10);
        long until = world.head();
        ProtectionGroup group = world.rig.group();
        Image image =
                world.rig.await(
                        group.startImage(new UUID(1, seed), new PointSpec.AtSequence(until)));
        BlockDevice device = image.device(world.volume);
        world.rig.write(device, 100_001, new byte[5000]);
        HistoryMap map =
                world.rig.await(
                        group.changedSince(
                                image, world.volume, new PointSpec.AtCheckpoint("mark")));
        boolean[] expected = world.written(mark.sequence(), until);
        Arrays.fill(expected, 100_001, 105_001, true);
        long[] told = world.ask(map);
        for (int i = 0; i < SIZE; i++) {
            assertThat(told[i] == 1).as("seed %d: byte %d", seed, i).isEqualTo(expected[i]);
        }
        map.close();
        device.close();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {91, 92, 93, 94})
    void noDifferenceThatARollbackMakesIsMissedWhileItIsCopiedOrAfter(long seed) throws Exception {
        World world = new World(seed);
        world.work(80);
        long since = world.anyPoint(world.head());
        byte[] before = world.rig.model(world.volume).imageAt(since);
        HistoryMap map =
                world.rig.await(
                        world.rig
                                .group()
                                .changedSince(world.volume, new PointSpec.AtSequence(since)));
        long target = world.anyPoint(world.head());
        byte[] now = world.rig.model(world.volume).imageAt(target);
        world.rig.rules.promotedTo.put(world.volume, now);
        PromotionTask task = world.rig.group().rollback(new PointSpec.AtSequence(target));
        world.rig.await(task.usable());
        checkDifferences(world, map, before);
        world.work(10);
        checkDifferences(world, map, before);
        world.rig.await(task.done());
        checkDifferences(world, map, before);
        map.close();
    }

    private static void checkDifferences(World world, HistoryMap map, byte[] before) {
        byte[] now = world.rig.readAll(world.device);
        long[] told = world.ask(map);
        for (int i = 0; i < SIZE; i++) {
            assertThat(told[i] == 1 || now[i] == before[i])
                    .as("seed %d: byte %d differs and is told", world.rig.seed, i)
                    .isTrue();
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {101, 102, 103, 104})
    void theLastWriteOfEveryByteIsKnown(long seed) throws Exception {
        World world = new World(seed);
        ProtectionGroup group = world.rig.group();
        HistoryMap live = world.rig.await(group.lastWrites(world.volume, HistoryMap.Mark.SEQUENCE));
        HistoryMap times = world.rig.await(group.lastWrites(world.volume, HistoryMap.Mark.TIME));
        for (int round = 0; round < 8; round++) {
            world.work(25);
            world.checkLastWrites(live, false, world.head());
            world.checkLastWrites(times, true, world.head());
            long until = world.anyPoint(world.head());
            try (PointInTimeView view =
                    world.rig.await(group.openView(new PointSpec.AtSequence(until)))) {
                HistoryMap map =
                        world.rig.await(
                                group.lastWrites(view, world.volume, HistoryMap.Mark.SEQUENCE));
                world.checkLastWrites(map, false, until);
                map.close();
            }
        }
        live.close();
        times.close();
    }
}
