package dev.tidemark.harness;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Writes to two disks of a group in turns, each write after the acknowledgement of the one before,
 * at any byte; after each it asks the gateway for its newest point. So the exact content of both
 * disks is known at many points, and at any point between two of them both disks must show the
 * state before or the state after the one write between. The copies are kept in memory.
 */
final class TokenWriter implements AutoCloseable {
    static final int DISK_BYTES = 1 << 20;

    private static final int LONGEST_WRITE_BYTES = 40_000;
    private static final int WRITE_MILLIS = 20;
    private static final int TURNS_PER_SAMPLE = 4;
    private static final int TURNS_PER_TAG = 50;

    private final GatewayApi api;
    private final String group;
    private final List<NbdTestClient> disks;
    private final List<byte[]> copies = List.of(new byte[DISK_BYTES], new byte[DISK_BYTES]);
    private final Random random;
    private final ConcurrentNavigableMap<Integer, Sample> samples = new ConcurrentSkipListMap<>();
    private final ConcurrentNavigableMap<Integer, Sample> tags = new ConcurrentSkipListMap<>();
    private final AtomicInteger turn = new AtomicInteger();
    private final Semaphore turns = new Semaphore(0);
    private final ScheduledExecutorService pace = Executors.newSingleThreadScheduledExecutor();

    /**
     * What both disks hold after the write of a turn.
     *
     * @param sequence a point after this write and before the next
     * @param time that point's time as the API writes it
     */
    record Sample(int turn, long sequence, String time, List<String> hashes, long nanos) {
        static String tag(int turn) {
            return "token-" + turn;
        }
    }

    TokenWriter(GatewayApi api, String group, List<NbdTestClient> disks, Random random) {
        this.api = api;
        this.group = group;
        this.disks = disks;
        this.random = random;
    }

    int turn() {
        return turn.get();
    }

    /** By turn. */
    ConcurrentNavigableMap<Integer, Sample> samples() {
        return samples;
    }

    /** Those that are tagged checkpoints, by turn. */
    ConcurrentNavigableMap<Integer, Sample> tags() {
        return tags;
    }

    /** Writes until told to stop. */
    void run(Condition stopped) throws Exception {
        var ticks =
                pace.scheduleAtFixedRate(turns::release, 0, WRITE_MILLIS, TimeUnit.MILLISECONDS);
        while (!stopped.met()) {
            if (turns.tryAcquire(1, TimeUnit.SECONDS)) {
                turns.drainPermits();
                take();
            }
        }
        ticks.cancel(false);
    }

    /** Whether to stop. */
    interface Condition {
        boolean met();
    }

    private void take() throws Exception {
        int now = turn.get() + 1;
        write(now);
        turn.set(now);
        // Two neighbours each time: between them lies exactly one write.
        if (now % TURNS_PER_SAMPLE < 2) {
            var point = api.resolve(group, "latest");
            samples.put(now, sample(now, point.sequence(), point.time()));
        }
        if (now % TURNS_PER_TAG == 0) {
            var checkpoint = api.addCheckpoint(group, Sample.tag(now));
            tags.put(now, sample(now, checkpoint.sequence(), checkpoint.time()));
        }
    }

    private Sample sample(int now, long sequence, String time) {
        List<String> hashes = copies.stream().map(Hashes::sha256).toList();
        return new Sample(now, sequence, time, hashes, System.nanoTime());
    }

    private void write(int now) throws IOException {
        NbdTestClient disk = disks.get(now % 2);
        byte[] copy = copies.get(now % 2);
        int length = 1 + random.nextInt(LONGEST_WRITE_BYTES);
        int offset = random.nextInt(DISK_BYTES - length);
        byte[] content = new byte[length];
        switch (random.nextInt(10)) {
            case 0 -> disk.zero(offset, length);
            case 1 -> disk.trim(offset, length);
            default -> {
                random.nextBytes(content);
                disk.write(offset, content);
            }
        }
        System.arraycopy(content, 0, copy, offset, length);
    }

    /** The copies as they are; only when nobody writes. */
    List<String> finalHashes() {
        return new ArrayList<>(
                copies.stream()
                        .map(copy -> Hashes.sha256(Arrays.copyOf(copy, DISK_BYTES)))
                        .toList());
    }

    @Override
    public void close() {
        pace.shutdownNow();
    }
}
