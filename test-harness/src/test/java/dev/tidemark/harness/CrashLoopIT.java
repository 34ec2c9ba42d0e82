package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The gateway is killed again and again while hosts write, checkpoints are tagged and recovery
 * tests run. Afterwards every acknowledged write is there, every acknowledged checkpoint opens
 * exactly, and the tests hold their writes.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
final class CrashLoopIT {
    private static final int ROUNDS = Integer.getInteger("tidemark.crashes", 50);
    private static final long SEED = Long.getLong("tidemark.seed", System.nanoTime());

    /** One kill in so many comes while the gateway starts. */
    private static final int KILLS_PER_STARTING_KILL = 7;

    private static final int LONGEST_START_MILLIS = 1500;

    @TempDir Path folder;

    @Test
    void nothing_acknowledged_is_lost_by_fifty_kills_in_a_row() throws Exception {
        System.out.printf("CrashLoopIT: -Dtidemark.seed=%d%n", SEED);
        Random random = new Random(SEED);
        try (GatewayProcess gateway = new GatewayProcess(folder)) {
            gateway.set("journal.storage_unit", "\"4MiB\"")
                    .set("history.checkpoint_interval", "\"200ms\"")
                    .set("history.fine_window", "\"30s\"");
            CrashWorld world = new CrashWorld(gateway, random);
            gateway.start();
            world.create();
            for (int round = 1; round <= ROUNDS; round++) {
                long begun = System.nanoTime();
                world.loadAndKill(round);
                long killed = System.nanoTime();
                if (round % KILLS_PER_STARTING_KILL == 0) {
                    killWhileStarting(gateway, random);
                }
                gateway.start();
                long started = System.nanoTime();
                world.verify();
                System.out.printf(
                        "kill %d: %d ms of load, %d ms to be ready again, %d ms to compare%n",
                        round,
                        millis(killed - begun),
                        millis(started - killed),
                        millis(System.nanoTime() - started));
            }
            world.verifyAllCheckpoints();
            assertThat(gateway.stop()).as("exit status after SIGTERM").isZero();
            gateway.start();
            world.verify();
            System.out.println("CrashLoopIT: " + world.summary());
            world.expectRealLoad(ROUNDS);
        }
    }

    private static long millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos);
    }

    private static void killWhileStarting(GatewayProcess gateway, Random random) throws Exception {
        gateway.launch();
        Duration pause = Duration.ofMillis(random.nextInt(LONGEST_START_MILLIS));
        assertThat(gateway.endsWithin(pause))
                .as("it starts; it printed:%n%s", gateway.log())
                .isFalse();
        gateway.kill();
    }
}
