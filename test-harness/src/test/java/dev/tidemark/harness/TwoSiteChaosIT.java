package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A group is copied to another site while the network between them does everything that networks
 * do, and hosts write. Whatever checkpoint arrives there, it is the one that was made here: the
 * same bytes on each disk, and of tokens that were written in turns to all disks none that lacks
 * one before it. When the network is good again, the copy has everything.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
final class TwoSiteChaosIT {
    private static final long SEED = Long.getLong("tidemark.seed", System.nanoTime());
    private static final String GROUP = "shop";
    private static final List<String> DISKS = List.of("orders", "stock", "ledger");
    private static final long DISK_BYTES = 256 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** What is there before the group is copied: its first copy takes a moment. */
    private static final int FIRST_BYTES = 16 << 20;

    private static final long FIRST_OFFSET = 100 << 20;
    private static final long NARROW_BYTES_PER_SECOND = 1 << 20;

    private final Random random = new Random(SEED);

    @Test
    void every_checkpoint_of_a_copy_is_exact_on_a_bad_network(@TempDir Path home) throws Exception {
        System.out.printf("TwoSiteChaosIT: -Dtidemark.seed=%d%n", SEED);
        try (DistantSites sites = new DistantSites(home)) {
            sites.start(LIMIT);
            try {
                run(sites);
            } catch (Exception | AssertionError e) {
                throw new AssertionError(
                        "%s%n%s%nthe left one printed:%n%s%nthe right one printed:%n%s"
                                .formatted(
                                        e,
                                        group(sites.left()),
                                        sites.left().log(),
                                        sites.right().log()),
                        e);
            }
        }
    }

    private void run(DistantSites sites) throws Exception {
        GatewayProcess left = sites.left();
        left.api().createGroup(new CreateGroup(GROUP, null, null, null, null));
        for (String disk : DISKS) {
            left.api().createVolume(disk, DISK_BYTES, GROUP);
        }
        fill(left);
        try (var chain = new TokenChain(left, DISKS);
                var fio = fio(left);
                var checks = new CopyChecks(left, sites.right(), GROUP, DISKS, chain)) {
            badNetwork(sites, chain, fio, checks);
            assertThat(fio.running()).as("fio: %s", fio.printed()).isTrue();
            fio.kill();
            chain.stop();
            sites.proxy().heal();
            checks.stopMaking();
            CopyChecks.Made last = checks.make("last");
            awaitEven(sites);
            checks.awaitChecked(last, LIMIT);
            checks.expectSameThroughout(last);
            checks.expectAllArrived();
            System.out.printf(
                    "TwoSiteChaosIT: %d tokens, %s, %d connections, %s%n",
                    chain.acknowledged(),
                    checks.summary(),
                    sites.proxy().acceptedConnections(),
                    protection(sites));
        }
    }

    private void fill(GatewayProcess gateway) throws Exception {
        byte[] content = new byte[1 << 20];
        for (String disk : DISKS) {
            try (NbdTestClient client = gateway.connect(disk)) {
                for (int at = 0; at < FIRST_BYTES; at += content.length) {
                    random.nextBytes(content);
                    client.write(FIRST_OFFSET + at, content);
                }
            }
        }
    }

    /** Writes to two ranges of each disk and trims in one, until it is killed. */
    private static ForeignProgram fio(GatewayProcess gateway) throws Exception {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "fio",
                                "--ioengine=nbd",
                                "--thread",
                                "--bsrange=4k-64k",
                                "--iodepth=4",
                                "--rate_iops=30",
                                "--fsync=64",
                                "--refill_buffers",
                                "--time_based",
                                "--runtime=1800"));
        for (String disk : DISKS) {
            for (CopyChecks.Range range : CopyChecks.LOAD) {
                command.addAll(job(gateway, disk, range, "randwrite"));
            }
        }
        command.addAll(job(gateway, DISKS.getFirst(), CopyChecks.LOAD.getLast(), "randtrim"));
        return ForeignProgram.start(command.toArray(String[]::new));
    }

    private static List<String> job(
            GatewayProcess gateway, String disk, CopyChecks.Range range, String kind) {
        return List.of(
                "--name=%s-%s-%d".formatted(disk, kind, range.offsetBytes()),
                "--uri=" + gateway.uri(disk),
                "--rw=" + kind,
                "--offset=" + range.offsetBytes(),
                "--size=" + range.lengthBytes());
    }

    // What the network does, in checkpoints, of which there is one a second

    private void badNetwork(
            DistantSites sites, TokenChain chain, ForeignProgram fio, CopyChecks checks)
            throws Exception {
        ChaosProxy proxy = sites.proxy();
        Future<?>[] work = {chain.writing(), checks.making(), checks.checking()};
        slow(proxy);
        protect(sites);
        awaitShipping(sites, checks);
        checks.expectAllFrom(group(sites.left()).path("headSequence").asLong());
        awaitCheckpoints(checks, 4, work);

        for (int i = 0; i < 4; i++) {
            assertThat(proxy.cut()).isPositive();
            awaitShipping(sites, checks);
            awaitCheckpoints(checks, 1 + random.nextInt(2), work);
        }

        proxy.refuse(true);
        proxy.cut();
        awaitCheckpoints(checks, 5, work);
        proxy.refuse(false);
        awaitShipping(sites, checks);

        proxy.hang(true); // Not long enough for anybody to give up.
        awaitCheckpoints(checks, 2, work);
        proxy.hang(false);
        awaitCheckpoints(checks, 1, work);

        proxy.hang(true);
        awaitCheckpoints(checks, 8, work);
        proxy.hang(false);
        awaitShipping(sites, checks);

        proxy.bandwidth(NARROW_BYTES_PER_SECOND);
        awaitCheckpoints(checks, 4, work);
        assertThat(proxy.cut()).isPositive(); // with a full network
        awaitCheckpoints(checks, 4, work);
        proxy.bandwidth(TokenBucket.UNLIMITED);
        awaitShipping(sites, checks);
        awaitCheckpoints(checks, 3, work);
        assertThat(fio.running()).as("fio: %s", fio.printed()).isTrue();
    }

    /** Twenty milliseconds there and back, and streams that overtake each other. */
    private static void slow(ChaosProxy proxy) {
        proxy.delay(Duration.ofMillis(8), Duration.ofMillis(4));
        proxy.extraDelay(number -> Duration.ofMillis(number % 4 * 5L));
    }

    private static void awaitCheckpoints(CopyChecks checks, int count, Future<?>... work)
            throws Exception {
        int end = checks.made() + count;
        Await.until(count + " checkpoints", LIMIT, () -> checks.made() >= end || anyEnded(work));
        for (Future<?> each : work) {
            if (each.isDone()) {
                each.get();
            }
        }
    }

    private static boolean anyEnded(Future<?>... work) {
        for (Future<?> each : work) {
            if (each.isDone()) {
                return true;
            }
        }
        return false;
    }

    // What the API says

    private static void protect(DistantSites sites) throws Exception {
        var _ = Sites.run(sites.left(), "group", "protect", GROUP, "--to", DistantSites.RIGHT);
    }

    private static JsonNode group(GatewayProcess gateway) throws Exception {
        return gateway.api().tree("/api/v1/groups/" + GROUP);
    }

    private static JsonNode protection(DistantSites sites) throws Exception {
        JsonNode all = group(sites.left()).path("protections");
        assertThat(all).hasSize(1);
        assertThat(all.path(0).path("site").asText()).isEqualTo(DistantSites.RIGHT);
        return all.path(0);
    }

    /** Waits until a record that is made from now on is on the copy's disk. */
    private static void awaitShipping(DistantSites sites, CopyChecks checks) throws Exception {
        long head = group(sites.left()).path("headSequence").asLong();
        Await.until(
                "the copy to be kept up",
                LIMIT,
                () -> {
                    JsonNode now = protection(sites);
                    return checks.ended()
                            || (now.path("state").asText().equals("shipping")
                                    && now.path("acknowledgedSequence").asLong() > head);
                });
        checks.rethrow();
        assertThat(group(sites.right()).path("role").asText()).isEqualTo("standby");
    }

    /** Waits until the copy has everything; nobody writes. */
    private static void awaitEven(DistantSites sites) throws Exception {
        Await.until(
                "the copy to have everything",
                LIMIT,
                () -> {
                    JsonNode now = protection(sites);
                    return now.path("state").asText().equals("shipping")
                            && now.path("acknowledgedSequence").asLong()
                                    == group(sites.left()).path("headSequence").asLong();
                });
        assertThat(protection(sites).path("backlogBytes").asLong()).isZero();
        assertThat(group(sites.right()).path("headSequence").asLong())
                .isEqualTo(group(sites.left()).path("headSequence").asLong());
    }
}
