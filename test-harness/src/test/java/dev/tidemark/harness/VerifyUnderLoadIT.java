package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * fio writes and verifies a live disk while everything else happens to its group: folds, tagged
 * checkpoints, and sixteen views that come and go. At every point that a view shows, two more disks
 * of the group hold byte for byte what was written up to it.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
final class VerifyUnderLoadIT {
    private static final int SECONDS = Integer.getInteger("tidemark.verify.seconds", 150);
    private static final long SEED = Long.getLong("tidemark.seed", System.nanoTime());
    private static final String GROUP = "load";
    private static final List<String> TOKENS = List.of("token-a", "token-b");
    private static final int VIEWS = 16;
    private static final int LEAST_POINTS = 200;

    @TempDir Path folder;

    private final Set<Long> goldSequences = ConcurrentHashMap.newKeySet();

    @Test
    void every_point_is_exact_while_fio_verifies_the_live_disk() throws Exception {
        System.out.printf("VerifyUnderLoadIT: -Dtidemark.seed=%d%n", SEED);
        Random random = new Random(SEED);
        try (GatewayProcess gateway = new GatewayProcess(folder)) {
            gateway.set("journal.storage_unit", "\"16MiB\"").start();
            gateway.api().createGroup(new CreateGroup(GROUP, null, null, "60s", "500ms"));
            gateway.api().createVolume("fio", 256 << 20, GROUP);
            for (String name : TOKENS) {
                gateway.api().createVolume(name, TokenWriter.DISK_BYTES, GROUP);
            }
            try (var left = gateway.connect(TOKENS.get(0));
                    var right = gateway.connect(TOKENS.get(1));
                    var writer =
                            new TokenWriter(gateway.api(), GROUP, List.of(left, right), random);
                    var fio = fio(gateway)) {
                PointViewer viewer = new PointViewer(gateway, TOKENS, writer);
                load(gateway, writer, viewer, fio, random);
                expectVerified(fio);
                assertThat(List.of(left.sha256(), right.sha256()))
                        .as("the live disks at the end")
                        .isEqualTo(writer.finalHashes());
                System.out.printf(
                        "VerifyUnderLoadIT: %d writes, %s, %d folds seen%n",
                        writer.turn(), viewer.summary(), goldSequences.size());
                viewer.expectAtLeast(LEAST_POINTS);
                assertThat(goldSequences).as("folds").hasSizeGreaterThan(SECONDS / 4);
            }
        }
    }

    private static ForeignProgram fio(GatewayProcess gateway) throws Exception {
        return ForeignProgram.start(
                "fio",
                "--name=verify",
                "--ioengine=nbd",
                "--uri=" + gateway.uri("fio"),
                "--size=256m",
                "--rw=randwrite",
                "--bsrange=4k-32k",
                "--iodepth=16",
                "--rate_iops=1500",
                "--fsync=256",
                "--verify=crc32c",
                "--verify_fatal=1",
                "--verify_backlog=512",
                "--verify_backlog_batch=128",
                "--verify_state_save=0",
                "--time_based",
                "--runtime=" + SECONDS,
                "--output-format=json");
    }

    /** Writes, opens and closes views, and watches folds until fio ends. */
    private void load(
            GatewayProcess gateway,
            TokenWriter writer,
            PointViewer viewer,
            ForeignProgram fio,
            Random random)
            throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> work = new ArrayList<>();
            work.add(
                    threads.submit(() -> {
                        writer.run(() -> !fio.running());
                        return null;
                    }));
            work.add(threads.submit(() -> watchFolds(gateway, fio)));
            for (int i = 0; i < VIEWS; i++) {
                Random own = new Random(random.nextLong());
                work.add(threads.submit(() -> viewer.run(own, () -> !fio.running())));
            }
            for (Future<?> each : work) {
                each.get();
            }
        } catch (Exception e) {
            throw new AssertionError(
                    "under load: %s%nthe gateway printed:%n%s".formatted(e, gateway.log()), e);
        }
    }

    private Void watchFolds(GatewayProcess gateway, ForeignProgram fio) throws Exception {
        while (fio.running()) {
            long gold = gateway.api().group(GROUP).goldSequence();
            goldSequences.add(gold);
            Await.until(
                    "the next fold",
                    Duration.ofSeconds(30),
                    () -> !fio.running() || gateway.api().group(GROUP).goldSequence() > gold);
        }
        return null;
    }

    private static void expectVerified(ForeignProgram fio) throws Exception {
        String printed = fio.expectSuccess(Duration.ofSeconds(60));
        JsonNode job =
                Json.MAPPER.readTree(printed.substring(printed.indexOf('{'))).get("jobs").get(0);
        assertThat(job.get("error").asInt()).as(printed).isZero();
        assertThat(job.get("write").get("total_ios").asLong()).isGreaterThan(50L * SECONDS);
        assertThat(job.get("read").get("total_ios").asLong()).isGreaterThan(50L * SECONDS);
    }
}
