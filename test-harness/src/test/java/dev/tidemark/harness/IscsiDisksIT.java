package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Future;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a Linux kernel makes of groups as targets and of large blocks: its own file systems. */
@Timeout(300)
final class IscsiDisksIT {
    private static final Pattern SERIAL = Pattern.compile("(?m)^serial (\\S+) (\\S+)\\s*$");

    /** XFS takes no less than 300 MiB. */
    private static final long DISK_BYTES = 320L << 20;

    private static final String TOOLS =
            """
            load iscsi
            initiator one </dev/null
            serial() { echo "serial $1 $(/sbin/sg_inq --page=0x80 --raw $2 | tail -c +5)"; }
            fill() {
              mkdir -p $1
              mount -t $3 $2 $1
              for i in $(seq 12); do dd if=/dev/urandom of=$1/$i bs=64k count=4 2>/dev/null; done
              (cd $1; sha256sum ? ?? >sums)
              sync
            }
            """;

    @TempDir Path folder;
    private IscsiGuest guest;
    private GatewayProcess gateway;

    @BeforeEach
    void prepare() throws Exception {
        guest = new IscsiGuest(folder);
        gateway = guest.gateway(folder.resolve("gateway"));
    }

    @AfterEach
    void end() throws Exception {
        gateway.close();
        guest.close();
    }

    @Test
    void a_group_is_one_target_with_a_unit_for_each_disk_and_so_is_a_test_of_it() throws Exception {
        gateway.start();
        VolumeDocument data = gateway.api().createVolume("data", DISK_BYTES, null);
        VolumeDocument log = gateway.api().createVolume("log", DISK_BYTES, "default");
        Future<String> running =
                guest.start(
                        TOOLS
                                + """
                                login group.default
                                data=$(disk_of group.default 0)
                                log=$(disk_of group.default 1)
                                serial live-data $data
                                serial live-log $log
                                /sbin/mkfs.xfs -q $data
                                /sbin/mke2fs -q -t ext4 $log
                                fill /data $data xfs
                                fill /log $log ext4
                                tell filled
                                rm /data/1? /log/1?
                                sync
                                fstrim /data
                                login test.1
                                serial test-data $(disk_of test.1 0)
                                serial test-log $(disk_of test.1 1)
                                mkdir /then-data /then-log
                                mount -t xfs -o nouuid $(disk_of test.1 0) /then-data
                                mount -t ext4 $(disk_of test.1 1) /then-log
                                for then in data log; do
                                  (cd /then-$then; sha256sum -cs sums)
                                  echo changed >/then-$then/changed
                                  umount /then-$then
                                done
                                /sbin/xfs_repair -n $(disk_of test.1 0)
                                /sbin/e2fsck -fn $(disk_of test.1 1)
                                logout test.1
                                [ ! -e /data/changed ] && [ ! -e /log/changed ]
                                umount /data /log
                                /sbin/xfs_repair -n $data
                                /sbin/e2fsck -fn $log
                                logout group.default
                                """);
        guest.await("filled", running);
        gateway.api().addCheckpoint("default", "filled");
        List<TestDocument> tests = gateway.api().startTests("default", "filled").tests();
        assertThat(tests).extracting(TestDocument::id).containsExactly(1L);
        guest.letGo("filled");
        List<MatchResult> serials = SERIAL.matcher(running.get()).results().toList();
        assertThat(serials)
                .extracting(found -> found.group(1))
                .containsExactly("live-data", "live-log", "test-data", "test-log");
        assertThat(serials)
                .extracting(found -> found.group(2))
                .doesNotHaveDuplicates()
                .allMatch(serial -> serial.length() > 8);
        assertThat(Stream.of(data, log).map(VolumeDocument::name)).containsExactly("data", "log");
        gateway.api().stopTest(1, "passed");
    }

    @Test
    void file_systems_hold_on_a_disk_with_blocks_of_4096_bytes() throws Exception {
        gateway.set("iscsi.blocks_of_4096", "[\"large*\", \"test.*\"]").start();
        gateway.api().createVolume("large", DISK_BYTES, null);
        Future<String> running =
                guest.start(
                        TOOLS
                                + """
                                blocks() { echo "$1 blocks $(cat /sys/block/$(basename $2)/queue/logical_block_size) $(blockdev --getsize64 $2)"; }
                                login large
                                disk=$(disk_of large)
                                blocks large $disk
                                /sbin/mke2fs -q -t ext4 $disk
                                fill /ext4 $disk ext4
                                rm /ext4/1?
                                fstrim /ext4
                                umount /ext4
                                /sbin/e2fsck -fn $disk
                                /sbin/mkfs.xfs -q -f $disk
                                fill /xfs $disk xfs
                                tell filled
                                rm /xfs/1?
                                fstrim /xfs
                                umount /xfs
                                /sbin/xfs_repair -n $disk
                                logout large
                                login test.1.large
                                disk=$(disk_of test.1.large)
                                blocks test $disk
                                mount -t xfs $disk /xfs
                                (cd /xfs; sha256sum -cs sums)
                                umount /xfs
                                logout test.1.large
                                """);
        guest.await("filled", running);
        gateway.api().addCheckpoint("default", "filled");
        gateway.api().startTests("default", "filled");
        guest.letGo("filled");
        assertThat(running.get())
                .contains("large blocks 4096 " + DISK_BYTES)
                .contains("test blocks 4096 " + DISK_BYTES);
        gateway.api().stopTest(1, "passed");
    }
}
