package dev.tidemark.harness;

import static dev.tidemark.harness.BlockModel.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Collectors;

/**
 * A group of two disks with hosts, checkpoints and recovery tests, and what all of them must hold.
 * Used by one thread.
 */
final class CrashWorld {
    private static final String GROUP = "crash";
    private static final List<String> DISKS = List.of("left", "right");
    private static final int DISK_BLOCKS = 6144;
    private static final int CONNECTIONS_PER_DISK = 2;
    private static final int TESTS = 2;
    private static final int LEAST_WRITES = 200;
    private static final int SPREAD_WRITES = 3000;

    /** Tagged in the midst of writes, per round. */
    private static final int CHECKPOINTS = 5;

    private static final int OLD_CHECKPOINTS = 2;

    private final GatewayProcess gateway;
    private final Random random;
    private final List<BlockModel> disks = new ArrayList<>();
    private final List<Mark> marks = new ArrayList<>();

    /** By the test's number: what its disks hold. */
    private final Map<Long, List<BlockModel>> tests = new TreeMap<>();

    /** Where the marks of the round begin, among all. */
    private int firstFreshMark;

    private int checkpointCount;
    private int imageCount;
    private int rollbackCount;
    private int comparedPoints;
    private long acknowledgedWrites;

    /** An acknowledged checkpoint. */
    private record Mark(String name, long sequence, List<BlockModel.Snapshot> disks) {}

    CrashWorld(GatewayProcess gateway, Random random) {
        this.gateway = gateway;
        this.random = random;
    }

    void create() throws Exception {
        gateway.api().createGroup(new CreateGroup(GROUP, null, null, null, null));
        for (String name : DISKS) {
            gateway.api().createVolume(name, (long) DISK_BLOCKS * BLOCK_BYTES, GROUP);
            disks.add(new BlockModel(name, disks.size(), DISK_BLOCKS, null));
        }
    }

    // Load

    /** Lets hosts, testers and an administrator work, and kills the gateway in the midst of it. */
    void loadAndKill(int round) throws Exception {
        int writes = LEAST_WRITES + random.nextInt(SPREAD_WRITES);
        CountDownLatch enough = new CountDownLatch(writes);
        ReadWriteLock rest = new ReentrantReadWriteLock(true);
        firstFreshMark = marks.size();
        if (round % 3 == 0) {
            replaceOldestTest();
        }
        while (tests.size() < TESTS) {
            startTest();
        }
        if (round % 10 == 0) {
            rollback();
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> work = new ArrayList<>();
            for (LoadWriter writer : writers(rest, enough)) {
                work.add(threads.submit(writer));
            }
            work.add(threads.submit(() -> tagUntilDead(rest, enough, writes / CHECKPOINTS)));
            assertThat(enough.await(60, TimeUnit.SECONDS))
                    .as(
                            "%d writes within a minute; the gateway printed:%n%s",
                            writes, gateway.log())
                    .isTrue();
            gateway.kill();
            for (Future<?> each : work) {
                each.get();
            }
        }
        acknowledgedWrites += writes;
    }

    private List<LoadWriter> writers(ReadWriteLock rest, CountDownLatch enough) throws IOException {
        List<LoadWriter> writers = new ArrayList<>();
        for (BlockModel disk : disks) {
            addWriters(writers, disk.name(), disk, CONNECTIONS_PER_DISK, rest, enough);
        }
        for (var test : tests.entrySet()) {
            for (int i = 0; i < DISKS.size(); i++) {
                String export = export(test.getKey(), i);
                addWriters(writers, export, test.getValue().get(i), 1, rest, enough);
            }
        }
        return writers;
    }

    private static String export(long test, int disk) {
        return "test." + test + "." + DISKS.get(disk);
    }

    private void addWriters(
            List<LoadWriter> writers,
            String export,
            BlockModel model,
            int connections,
            ReadWriteLock rest,
            CountDownLatch enough)
            throws IOException {
        int share = model.blockCount() / connections;
        for (int i = 0; i < connections; i++) {
            writers.add(
                    new LoadWriter(
                            gateway.connect(export),
                            model,
                            i * share,
                            share,
                            new Random(random.nextLong()),
                            rest.readLock(),
                            enough));
        }
    }

    /** Tags a checkpoint every so many writes; ends when the gateway does. */
    private Void tagUntilDead(ReadWriteLock rest, CountDownLatch enough, int everyWrites)
            throws Exception {
        long next = enough.getCount() - everyWrites / 2;
        while (gateway.running()) {
            long threshold = Math.max(0, next);
            Await.until(
                    "writes or death",
                    Duration.ofMinutes(1),
                    () -> enough.getCount() <= threshold || !gateway.running());
            rest.writeLock().lock();
            try {
                tag();
            } catch (GatewayApi.RefusedException e) {
                throw new AssertionError("a checkpoint was refused", e);
            } catch (IOException | IllegalStateException e) {
                // Not acknowledged, or a writer went with its writes in flight: the gateway is
                // dead.
                assertThat(gateway.endsWithin(Duration.ofSeconds(10)))
                        .as("a failure without a kill: %s%n%s", e, gateway.log())
                        .isTrue();
            } finally {
                rest.writeLock().unlock();
            }
            next = threshold - everyWrites;
        }
        return null;
    }

    // Tests and rollback, with everything at rest

    private void startTest() throws Exception {
        Mark mark = marks.isEmpty() ? tag() : marks.get(random.nextInt(marks.size()));
        long id = gateway.api().startTests(GROUP, mark.name).tests().getFirst().id();
        List<BlockModel> images = new ArrayList<>();
        for (BlockModel.Snapshot base : mark.disks) {
            imageCount++;
            images.add(
                    new BlockModel(
                            "test." + id + "." + base.disk().name(),
                            1000 + imageCount,
                            DISK_BLOCKS,
                            base));
        }
        tests.put(id, images);
    }

    private void replaceOldestTest() throws Exception {
        Iterator<Long> oldest = tests.keySet().iterator();
        if (oldest.hasNext()) {
            gateway.api().stopTest(oldest.next(), "passed");
            oldest.remove();
        }
    }

    /**
     * Checkpoints between a rollback and the end of its copying are given up when it ends, so they
     * are not kept.
     */
    private Mark tag() throws Exception {
        String name = "mark-" + ++checkpointCount;
        List<BlockModel.Snapshot> snapshots = disks.stream().map(BlockModel::snapshot).toList();
        boolean lasting = gateway.api().group(GROUP).promotion() == null;
        Mark mark = new Mark(name, gateway.api().addCheckpoint(GROUP, name).sequence(), snapshots);
        if (lasting) {
            marks.add(mark);
        }
        return mark;
    }

    /** Sets the group back; the copying goes on while hosts write and the gateway is killed. */
    private void rollback() throws Exception {
        Mark mark = marks.get(random.nextInt(marks.size()));
        gateway.api().awaitNoPromotion(GROUP);
        gateway.api().rollback(GROUP, mark.name);
        for (int i = 0; i < disks.size(); i++) {
            disks.get(i).rolledBack(mark.disks.get(i));
        }
        rollbackCount++;
    }

    // Verification

    void verify() throws Exception {
        for (BlockModel disk : disks) {
            try (NbdTestClient client = gateway.connect(disk.name())) {
                client.readAll(disk::settle);
            }
        }
        verifyTests();
        expectAllListed();
        Set<Integer> chosen = new HashSet<>();
        for (int index = firstFreshMark; index < marks.size(); index++) {
            chosen.add(index);
        }
        for (int i = 0; i < OLD_CHECKPOINTS && !marks.isEmpty(); i++) {
            chosen.add(random.nextInt(marks.size()));
        }
        for (int index : chosen) {
            verify(marks.get(index));
        }
    }

    /** Every acknowledged checkpoint is at its place in the order of writes. */
    private void expectAllListed() throws Exception {
        Map<String, Long> listed =
                gateway.api().taggedCheckpoints(GROUP).stream()
                        .collect(
                                Collectors.toMap(
                                        CheckpointDocument::name, CheckpointDocument::sequence));
        for (Mark mark : marks) {
            assertThat(listed).containsEntry(mark.name, mark.sequence);
        }
    }

    private void verifyTests() throws Exception {
        List<Long> running =
                gateway.api().runningTests().stream().map(TestDocument::id).sorted().toList();
        assertThat(running).as("running tests").containsExactlyElementsOf(tests.keySet());
        for (var test : tests.entrySet()) {
            for (int i = 0; i < DISKS.size(); i++) {
                try (NbdTestClient client = gateway.connect(export(test.getKey(), i))) {
                    client.readAll(test.getValue().get(i)::settle);
                }
            }
        }
    }

    private void verify(Mark mark) throws IOException {
        for (int i = 0; i < DISKS.size(); i++) {
            String export = DISKS.get(i) + "@" + mark.name;
            BlockModel.Snapshot expected = mark.disks.get(i);
            try (NbdTestClient client = gateway.connect(export)) {
                client.readAll((offsetBytes, content) ->
                        BlockModel.check(expected, export, offsetBytes, content));
            }
        }
        comparedPoints++;
    }

    /** Opens every checkpoint that was acknowledged in any round. */
    void verifyAllCheckpoints() throws IOException {
        for (Mark mark : marks) {
            verify(mark);
        }
    }

    String summary() {
        return "%d acknowledged writes, %d checkpoints, %d compared, %d test disks, %d rollbacks"
                .formatted(
                        acknowledgedWrites,
                        marks.size(),
                        comparedPoints,
                        imageCount,
                        rollbackCount);
    }

    /** So that a loop that did next to nothing cannot pass. */
    void expectRealLoad(int rounds) {
        assertThat(acknowledgedWrites).isGreaterThanOrEqualTo((long) rounds * LEAST_WRITES);
        assertThat(marks).hasSizeGreaterThan(rounds);
        assertThat(comparedPoints).isGreaterThan(marks.size() + rounds);
        assertThat(imageCount).isGreaterThan(rounds / 3);
    }
}
