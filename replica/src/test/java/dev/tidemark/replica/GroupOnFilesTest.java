package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.storage.FileStorageDirectory;
import dev.tidemark.storage.StorageFile;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GroupOnFilesTest {
    private static final int SIZE = 4 << 20;

    @TempDir Path folder;

    private final VolumeModel model = new VolumeModel(SIZE);

    /** Records are noted in the order of the log, under its lock. */
    private final class Noting extends Rules {
        @Override
        void appended(PendingRecord record) {
            if (record.kind() == RecordKind.WRITE) {
                var payload = record.payload();
                assertThat(payload).isNotNull();
                model.write(record.sequence(), record.offsetBytes(), payload);
            } else if (record.kind() == RecordKind.ZERO) {
                model.zero(record.sequence(), record.offsetBytes(), record.lengthBytes());
            }
        }
    }

    @Test
    void writersOnSeveralThreadsFoldsAndViewsAgreeOnOneOrder() throws Exception {
        List<Thread> writers = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        try (RealDisk disk = new RealDisk(folder.resolve("group"), true, new Noting())) {
            disk.group.setCheckpointInterval(Duration.ofMillis(100));
            disk.group.addVolume("disk", SIZE).get(30, TimeUnit.SECONDS);
            for (int i = 0; i < 3; i++) {
                long seed = i;
                writers.add(
                        Thread.ofPlatform()
                                .uncaughtExceptionHandler((thread, e) -> failures.add(e))
                                .start(() -> write(disk.group, seed)));
            }
            for (int i = 0; i < 15; i++) {
                PointInTimeView view =
                        disk.group.openView(new PointSpec.Latest()).get(30, TimeUnit.SECONDS);
                byte[] first = readAll(view.device(1));
                byte[] second = readAll(view.device(1));
                assertThat(second).isEqualTo(first);
                view.close();
            }
            for (Thread writer : writers) {
                writer.join();
            }
            assertThat(failures).isEmpty();
            Random random = new Random(5);
            long head = disk.group.status().headSequence();
            for (int i = 0; i < 40; i++) {
                checkView(disk.group, 1 + random.nextLong(head));
            }
            checkView(disk.group, head);
            assertThat(disk.group.counters().folds()).isPositive();
        }
        try (RealDisk again = new RealDisk(folder.resolve("group"), false, Rules.SAFE)) {
            byte[] now = readAll(again.group.openVolume(1));
            assertThat(model.firstDifference(Long.MAX_VALUE, 0, now)).isEqualTo(-1);
            again.drainAndClose();
        }
        byte[] gold = Files.readAllBytes(folder.resolve("group/volumes/1/gold.raw"));
        assertThat(model.firstDifference(Long.MAX_VALUE, 0, gold)).isEqualTo(-1);
    }

    /** Where a file system cannot tell what is cached, nothing counts as cached. */
    @Test
    void foldedRedoLeavesThePageCache() throws Exception {
        try (RealDisk disk = new RealDisk(folder.resolve("group"), true, Rules.SAFE)) {
            disk.group.addVolume("disk", SIZE).get(30, TimeUnit.SECONDS);
            byte[] data = new byte[1 << 20];
            new Random(7).nextBytes(data);
            Outcome outcome = new Outcome();
            BlockDevice device = disk.group.openVolume(1);
            device.write(0, Unpooled.wrappedBuffer(data), false, outcome);
            device.submit();
            outcome.await().expectSuccess();
            device.close();
            disk.group.drain().get(30, TimeUnit.SECONDS);
            assertThat(disk.group.counters().folds()).isPositive();
            try (StorageFile redo =
                    FileStorageDirectory.at(folder.resolve("group"))
                            .open("redo-0000000000000001")) {
                ByteBuffer middle = ByteBuffer.allocate(64 << 10);
                assertThat(redo.readIfCached(512 << 10, middle)).isEqualTo(StorageFile.WOULD_BLOCK);
                assertThat(redo.read(512 << 10, middle)).isEqualTo(64 << 10);
            }
        }
    }

    private static void write(ProtectionGroup group, long seed) {
        Random random = new Random(seed);
        BlockDevice device;
        try {
            device = group.openVolume(1);
        } catch (ReplicaException failure) {
            throw new AssertionError(failure);
        }
        for (int i = 0; i < 150; i++) {
            List<Outcome> batch = new ArrayList<>();
            for (int k = 0; k < 4; k++) {
                int length = 1 + random.nextInt(30_000);
                int offset = random.nextInt(SIZE - length);
                Outcome outcome = new Outcome();
                batch.add(outcome);
                if (random.nextInt(5) == 0) {
                    device.zero(offset, length, true, false, outcome);
                } else {
                    byte[] data = new byte[length];
                    random.nextBytes(data);
                    device.write(
                            offset, Unpooled.wrappedBuffer(data), random.nextInt(9) == 0, outcome);
                }
            }
            device.submit();
            batch.forEach(outcome -> outcome.await().expectSuccess());
        }
        device.close();
    }

    private static byte[] readAll(BlockDevice device) {
        byte[] all = new byte[SIZE];
        int step = 1 << 20;
        for (int at = 0; at < SIZE; at += step) {
            Outcome outcome = new Outcome();
            device.read(at, step, outcome);
            System.arraycopy(outcome.await().expectBytes(), 0, all, at, step);
        }
        device.close();
        return all;
    }

    private void checkView(ProtectionGroup group, long sequence) throws Exception {
        try (PointInTimeView view =
                group.openView(new PointSpec.AtSequence(sequence)).get(30, TimeUnit.SECONDS)) {
            assertThat(model.firstDifference(sequence, 0, readAll(view.device(1))))
                    .as("sequence number %d", sequence)
                    .isEqualTo(-1);
        }
    }
}
