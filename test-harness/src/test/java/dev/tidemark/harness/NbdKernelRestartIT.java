package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The gateway ends and comes back under a file system on the kernel's NBD client, which waits for
 * new connections where it was told to by {@code scripts/nbd-attach}.
 */
@Timeout(300)
final class NbdKernelRestartIT {
    private static final int ROUNDS = 4;
    private static final Duration LIMIT = Duration.ofSeconds(150);

    @TempDir Path folder;

    @Test
    void a_file_system_goes_on_after_stops_and_kills_over_two_connections() throws Exception {
        Guest guest = Guest.prepare(folder);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                GuestSignals signals = new GuestSignals();
                GatewayProcess gateway = new GatewayProcess(folder.resolve("gateway")).start()) {
            gateway.api().createVolume("disk", 96L << 20, null);
            String script = signals.tools() + load(gateway);
            Future<String> running = threads.submit(() -> guest.run(script, LIMIT).expectSuccess());
            for (int round = 1; round <= ROUNDS; round++) {
                signals.await("loaded-" + round, running, LIMIT);
                signals.letGo("loaded-" + round);
                if (round % 2 == 0) {
                    gateway.kill();
                } else {
                    assertThat(gateway.stop()).as(gateway.log()).isZero();
                }
                gateway.start();
                signals.await("restarted-" + round, running, LIMIT);
                signals.letGo("restarted-" + round);
            }
            // Each of the two connections died in each round.
            assertThat(running.get().split("a link is new", -1)).hasSizeGreaterThan(2 * ROUNDS);
            assertThat(gateway.stop()).isZero();
        }
    }

    private static String load(GatewayProcess gateway) {
        return LOAD.replace("HOST", Guest.HOST)
                .replace("PORT", Integer.toString(gateway.nbdAddress().getPort()));
    }

    /**
     * Two writers, whose every file is forced; the main script counts their files, and waits until
     * they have written more after each restart. What was written is verified at the end, read from
     * the disk.
     */
    private static final String LOAD =
            """
            set -e
            mkdir -p /live /tmp/sums
            /sbin/nbd-attach HOST PORT disk /dev/nbd0 2 >/tmp/attached 2>&1 &
            attached=$!
            for try in $(seq 100); do
              ! grep -q attached /tmp/attached || break
              sleep 0.1
            done
            /sbin/mke2fs -q -t ext4 /dev/nbd0 || { cat /tmp/attached; exit 1; }
            mount -t ext4 /dev/nbd0 /live
            mkdir /live/files
            load_disk() {
              i=0
              while [ ! -e /tmp/enough ]; do
                i=$((i + 1))
                name=$1-$((i % 100))
                dd if=/dev/urandom of=/tmp/file-$1 bs=16k count=8 2>/dev/null
                dd if=/tmp/file-$1 of=/live/files/$name bs=16k conv=fsync 2>/tmp/error-$1 || { echo "load: write failed"; cat /tmp/error-$1; return 1; }
                sum=$(sha256sum </tmp/file-$1)
                echo "${sum%% *}  $name" >/tmp/sums/$name
                echo $i >/tmp/written-$1
              done
            }
            echo 0 >/tmp/written-1
            echo 0 >/tmp/written-2
            load_disk 1 &
            first=$!
            load_disk 2 &
            second=$!
            await_files() {
              for writer in 1 2; do
                target=$(($(cat /tmp/written-$writer) + $1))
                for try in $(seq 600); do
                  [ $(cat /tmp/written-$writer) -lt $target ] || break
                  sleep 0.1
                done
                [ $(cat /tmp/written-$writer) -ge $target ] || { dmesg | tail -n 20; cat /tmp/attached; return 1; }
              done
            }
            for round in 1 2 3 4; do
              await_files 5
              tell loaded-$round
              # The gateway ends about now, and the load stops until it is back.
              await_files 10
              tell restarted-$round
            done
            touch /tmp/enough
            wait $first
            wait $second
            umount /live
            blockdev --flushbufs /dev/nbd0
            mount -t ext4 /dev/nbd0 /live
            (cd /live/files; cat /tmp/sums/* | sha256sum -c | grep -v ': OK' && exit 1 || true)
            umount /live
            /sbin/e2fsck -fn /dev/nbd0
            cat /tmp/attached
            dmesg | grep -E 'nbd0|I/O error|EXT4-fs' || true
            dmesg | grep -E 'I/O error|EXT4-fs.*(error|warning)' && exit 1 || true
            kill $attached
            /sbin/nbd-client -d /dev/nbd0
            """;
}
