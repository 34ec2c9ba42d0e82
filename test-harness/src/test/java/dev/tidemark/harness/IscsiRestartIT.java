package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The gateway ends and comes back under the load of a kernel's initiator, which waits for it. */
@Timeout(300)
final class IscsiRestartIT {
    private static final int ROUNDS = 4;

    @TempDir Path folder;

    @Test
    void a_host_goes_on_after_stops_and_kills_and_has_its_reservation_still() throws Exception {
        try (IscsiGuest guest = new IscsiGuest(folder);
                GatewayProcess gateway = guest.gateway(folder.resolve("gateway")).start()) {
            gateway.api().createVolume("disk", 96L << 20, null);
            Future<String> running = guest.start(LOAD);
            for (int round = 1; round <= ROUNDS; round++) {
                guest.await("loaded-" + round, running);
                guest.letGo("loaded-" + round);
                if (round % 2 == 0) {
                    gateway.kill();
                } else {
                    assertThat(gateway.stop()).as(gateway.log()).isZero();
                }
                gateway.start();
                guest.await("restarted-" + round, running);
                guest.letGo("restarted-" + round);
            }
            assertThat(running.get())
                    .contains("Key=0xabc123")
                    .contains("Write Exclusive, registrants only")
                    .contains("detected conn error");
            assertThat(gateway.stop()).isZero();
        }
    }

    /**
     * A writer in the background, whose every file is forced; the main script counts its files, and
     * waits until it has written more after each restart. Writers of raw blocks beside it go past
     * the page cache, so that writes are under way all the time.
     */
    private static final String LOAD =
            """
            load iscsi
            initiator one <<'SETTINGS'
            node.session.timeo.replacement_timeout = 120
            SETTINGS
            login disk
            disk=$(disk_of disk)
            /sbin/sg_persist --out --no-inquiry --register --param-sark=0xabc123 --param-aptpl $disk
            /sbin/sg_persist --out --no-inquiry --reserve --param-rk=0xabc123 --prout-type=5 $disk
            /sbin/mke2fs -q -t ext4 $disk
            mount -t ext4 $disk /live
            mkdir /live/files
            load_disk() {
              i=0
              while [ ! -e /tmp/enough ]; do
                i=$((i + 1))
                dd if=/dev/urandom of=/tmp/file bs=16k count=8 2>/dev/null
                dd if=/tmp/file of=/live/files/$((i % 100)) bs=16k conv=fsync 2>/tmp/error || { echo "load: write failed"; cat /tmp/error; return 1; }
                sum=$(sha256sum </tmp/file)
                echo "${sum%% *}  $((i % 100))" >/tmp/sums/$((i % 100))
                echo $i >/tmp/written
              done
            }
            mkdir /tmp/sums
            echo 0 >/tmp/written
            load_disk &
            load=$!
            await_files() {
              target=$(($(cat /tmp/written) + $1))
              for try in $(seq 600); do
                [ $(cat /tmp/written) -ge $target ] && return
                sleep 0.1
              done
              dmesg | tail -n 20
              return 1
            }
            for round in 1 2 3 4; do
              await_files 10
              tell loaded-$round
              # The gateway ends about now, and the load stops until it is back.
              await_files 10
              tell restarted-$round
              await_files 5
              /sbin/sg_persist --in --no-inquiry --read-reservation $disk
            done
            touch /tmp/enough
            wait $load
            umount /live
            mount -t ext4 $disk /live
            (cd /live/files; cat /tmp/sums/* | sha256sum -c | grep -v ': OK' && exit 1 || true)
            umount /live
            /sbin/e2fsck -fn $disk
            dmesg | grep -E 'detected conn error|I/O error|EXT4-fs'
            dmesg | grep -E 'I/O error|EXT4-fs.*(error|warning)' && exit 1 || true
            logout disk
            """;
}
