package dev.tidemark.harness;

import static dev.tidemark.harness.BlockModel.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * SIGTERM while hosts write: they are sent away, what was acknowledged is folded into the raw
 * images, and these are what the next start shows.
 */
@Timeout(300)
final class StopUnderLoadIT {
    private static final long SEED = Long.getLong("tidemark.seed", System.nanoTime());
    private static final int ROUNDS = 3;
    private static final List<String> DISKS = List.of("left", "right");
    private static final int DISK_BLOCKS = 4096;
    private static final int WRITERS_PER_DISK = 2;
    private static final int WRITES = 2000;

    @TempDir Path folder;

    private final List<BlockModel> disks = new ArrayList<>();

    @Test
    void a_stop_under_load_keeps_every_acknowledged_write_and_leaves_whole_images()
            throws Exception {
        System.out.printf("StopUnderLoadIT: -Dtidemark.seed=%d%n", SEED);
        Random random = new Random(SEED);
        try (GatewayProcess gateway = new GatewayProcess(folder)) {
            gateway.set("journal.storage_unit", "\"4MiB\"").start();
            for (String name : DISKS) {
                gateway.api().createVolume(name, (long) DISK_BLOCKS * BLOCK_BYTES, null);
                disks.add(new BlockModel(name, 1 + disks.size(), DISK_BLOCKS, null));
            }
            for (int round = 0; round < ROUNDS; round++) {
                List<Path> images = images(gateway);
                stopUnderLoad(gateway, random);
                for (int i = 0; i < DISKS.size(); i++) {
                    disks.get(i).settle(0, Files.readAllBytes(images.get(i)));
                }
                gateway.start();
                for (BlockModel disk : disks) {
                    expect(gateway, disk);
                }
            }
        }
    }

    /** The raw images of the disks. */
    private static List<Path> images(GatewayProcess gateway) throws Exception {
        Path group = gateway.data().resolve("groups").resolve(gateway.api().group("default").id());
        List<Path> images = new ArrayList<>();
        for (String name : DISKS) {
            int id =
                    gateway.api().volumes().stream()
                            .filter(volume -> volume.name().equals(name))
                            .findFirst()
                            .orElseThrow()
                            .id();
            images.add(group.resolve("volumes").resolve(Integer.toString(id)).resolve("gold.raw"));
        }
        return images;
    }

    private void stopUnderLoad(GatewayProcess gateway, Random random) throws Exception {
        CountDownLatch enough = new CountDownLatch(WRITES);
        ReadWriteLock rest = new ReentrantReadWriteLock();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> work = new ArrayList<>();
            int share = DISK_BLOCKS / WRITERS_PER_DISK;
            for (BlockModel disk : disks) {
                for (int i = 0; i < WRITERS_PER_DISK; i++) {
                    work.add(
                            threads.submit(
                                    new LoadWriter(
                                            gateway.connect(disk.name()),
                                            disk,
                                            i * share,
                                            share,
                                            new Random(random.nextLong()),
                                            rest.readLock(),
                                            enough)));
                }
            }
            assertThat(enough.await(60, TimeUnit.SECONDS)).as(gateway.log()).isTrue();
            assertThat(gateway.stop()).as("exit status:%n%s", gateway.log()).isZero();
            for (Future<?> each : work) {
                each.get();
            }
        }
    }

    /** After the images were looked at nothing is uncertain any more. */
    private static void expect(GatewayProcess gateway, BlockModel disk) throws Exception {
        BlockModel.Snapshot expected = disk.snapshot();
        try (NbdTestClient client = gateway.connect(disk.name())) {
            client.readAll((offsetBytes, content) ->
                    BlockModel.check(expected, disk.name(), offsetBytes, content));
        }
    }
}
