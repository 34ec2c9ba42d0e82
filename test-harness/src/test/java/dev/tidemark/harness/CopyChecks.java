package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import java.io.IOException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes a tagged checkpoint of a group every second, keeps what its disks show there, and compares
 * with that what the copy at another site shows, for each checkpoint as soon as it has arrived
 * there. Only the ranges that somebody writes are read each time. It has a thread for each of the
 * two; its methods are for one other.
 */
final class CopyChecks implements AutoCloseable {
    /** A part of each disk. */
    record Range(long offsetBytes, int lengthBytes) {}

    /** Where hosts may write besides what tokens need. */
    static final List<Range> LOAD =
            List.of(new Range(4 << 20, 4 << 20), new Range(248 << 20, 4 << 20));

    private static final Duration PAUSE = Duration.ofMillis(100);

    /**
     * A checkpoint as it is at the active site.
     *
     * @param tokens that were acknowledged before it was made
     * @param hashes of what is written of each disk
     */
    record Made(String name, long sequence, long tokens, List<String> hashes) {}

    private final GatewayProcess active;
    private final GatewayProcess copy;
    private final String group;
    private final List<String> disks;
    private final TokenChain chain;
    private final Map<String, Made> made = new ConcurrentHashMap<>();
    private final Set<String> checked = ConcurrentHashMap.newKeySet();
    private final AtomicInteger number = new AtomicInteger();
    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(2);
    private final ScheduledFuture<?> making;
    private final ScheduledFuture<?> checking;
    private volatile long expectedFrom = Long.MAX_VALUE;

    /** Begins at once. */
    CopyChecks(
            GatewayProcess active,
            GatewayProcess copy,
            String group,
            List<String> disks,
            TokenChain chain) {
        this.active = active;
        this.copy = copy;
        this.group = group;
        this.disks = disks;
        this.chain = chain;
        making = threads.scheduleAtFixedRate(this::makeNext, 0, 1, TimeUnit.SECONDS);
        checking =
                threads.scheduleWithFixedDelay(
                        this::checkArrived, 0, PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    }

    // At the active site

    private void makeNext() {
        String name = "second-" + number.incrementAndGet();
        try {
            var _ = make(name);
        } catch (Exception e) {
            throw new AssertionError("at " + name, e);
        }
    }

    /** One more, now. */
    Made make(String name) throws Exception {
        long tokens = chain.acknowledged();
        CheckpointDocument checkpoint = active.api().addCheckpoint(group, name);
        Shown shown = look(active, name);
        assertThat(shown.lastToken).isGreaterThanOrEqualTo(tokens);
        Made one = new Made(name, checkpoint.sequence(), tokens, shown.hashes);
        made.put(name, one);
        return one;
    }

    // At the other site

    private void checkArrived() {
        String name = "the list of checkpoints";
        try {
            for (CheckpointDocument arrived : arrived()) {
                name = arrived.name();
                Made expected = made.get(name);
                if (expected != null && !checked.contains(name)) {
                    check(arrived, expected);
                    checked.add(name);
                }
            }
        } catch (Exception e) {
            throw new AssertionError("of the copy, at " + name, e);
        }
    }

    private List<CheckpointDocument> arrived() throws Exception {
        try {
            return copy.api().taggedCheckpoints(group);
        } catch (GatewayApi.RefusedException e) {
            if (e.status() == 404 || e.status() == 409) {
                return List.of(); // There is no copy yet, or it is being made.
            }
            throw e;
        }
    }

    private void check(CheckpointDocument arrived, Made expected) throws IOException {
        assertThat(arrived.sequence()).as(expected.name).isEqualTo(expected.sequence);
        Shown shown = look(copy, expected.name);
        assertThat(shown.hashes).as("%s of %s", expected.name, disks).isEqualTo(expected.hashes);
        assertThat(shown.lastToken).as(expected.name).isGreaterThanOrEqualTo(expected.tokens);
    }

    // At either

    private record Shown(List<String> hashes, long lastToken) {}

    private Shown look(GatewayProcess gateway, String checkpoint) throws IOException {
        List<String> hashes = new ArrayList<>();
        List<byte[]> areas = new ArrayList<>();
        for (String disk : disks) {
            try (NbdTestClient client = gateway.connect(disk + "@" + checkpoint)) {
                assertThat(client.readOnly()).isTrue();
                byte[] area = TokenChain.read(client, 0, TokenChain.Ring.LONG.bytes());
                areas.add(area);
                MessageDigest digest = Hashes.sha256();
                digest.update(area);
                for (Range range : LOAD) {
                    digest.update(TokenChain.read(client, range.offsetBytes, range.lengthBytes));
                }
                hashes.add(HexFormat.of().formatHex(digest.digest()));
            }
        }
        return new Shown(hashes, TokenChain.Ring.LONG.last(checkpoint, areas));
    }

    // For the test

    int made() {
        return made.size();
    }

    Future<?> making() {
        return making;
    }

    Future<?> checking() {
        return checking;
    }

    /** Whether something was found, so that it makes no sense to go on. */
    boolean ended() {
        return making.isDone() || checking.isDone();
    }

    /** Says what was found, if something was. */
    void rethrow() throws ExecutionException, InterruptedException {
        for (Future<?> each : Arrays.asList(making, checking)) {
            if (each.isDone() && !each.isCancelled()) {
                each.get();
            }
        }
    }

    /** From this record on, no checkpoint may be missing at the copy. */
    void expectAllFrom(long sequence) {
        expectedFrom = sequence;
    }

    /** Waits for the one that is being made. */
    void stopMaking() throws Exception {
        making.cancel(false);
        Await.until("the last checkpoint", Duration.ofSeconds(60), () -> made() >= number.get());
    }

    void awaitChecked(Made checkpoint, Duration limit) throws Exception {
        Await.until(
                "the copy of " + checkpoint.name,
                limit,
                () -> checked.contains(checkpoint.name) || checking.isDone());
        rethrow();
    }

    void expectAllArrived() throws Exception {
        List<Made> expected =
                made.values().stream().filter(each -> each.sequence > expectedFrom).toList();
        for (Made each : expected) {
            awaitChecked(each, Duration.ofSeconds(30));
        }
        assertThat(expected).hasSizeGreaterThan(20);
    }

    /** Compares all bytes of all disks. */
    void expectSameThroughout(Made checkpoint) throws IOException {
        for (String disk : disks) {
            String export = disk + "@" + checkpoint.name;
            try (NbdTestClient here = active.connect(export);
                    NbdTestClient there = copy.connect(export)) {
                assertThat(there.sha256()).as(export).isEqualTo(here.sha256());
            }
        }
    }

    String summary() {
        return "%d checkpoints made, %d of them compared".formatted(made(), checked.size());
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
