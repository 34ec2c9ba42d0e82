package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A Linux kernel's own initiator and the kinds of disks: groups, large blocks, XFS. */
@Timeout(300)
final class IscsiDisksGuestIT {
    private static final int BLOCK_BYTES = 4096;

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

    /** A volume whose first block says its name. */
    private void createNamed(String name, long sizeBytes) throws Exception {
        gateway.api().createVolume(name, sizeBytes, null);
        byte[] block =
                Arrays.copyOf((name + "\n").getBytes(StandardCharsets.US_ASCII), BLOCK_BYTES);
        try (NbdTestClient client = gateway.connect(name)) {
            client.write(0, block);
        }
    }

    @Test
    void a_group_and_a_test_of_it_are_targets_with_a_unit_for_each_volume() throws Exception {
        gateway.start();
        List<String> volumes = List.of("data", "log", "raw");
        for (String volume : volumes) {
            createNamed(volume, 48L << 20);
        }
        Future<String> running =
                guest.start(
                        """
                        initiator one </dev/null
                        units() { ls -d /sys/class/iscsi_session/session*/device/target*/*:*/block/sd* | wc -l; }
                        serial() { tail -c +5 /sys/block/${1##*/}/device/vpd_pg80; }
                        login group.default
                        lun=0
                        for volume in data log raw; do
                          unit=$(disk_of group.default $lun)
                          [ "$(head -n 1 $unit)" = $volume ]
                          login $volume
                          [ "$(serial $unit)" = "$(serial $(disk_of $volume))" ]
                          echo "serial $(serial $unit)"
                          logout $volume
                          lun=$((lun + 1))
                        done
                        [ $(units) = 3 ]

                        data=$(disk_of group.default 0)
                        log=$(disk_of group.default 1)
                        mkdir -p /data /log /tested/data /tested/log
                        for name in data log; do
                          eval "unit=\\$$name"
                          /sbin/mke2fs -q -t ext4 -L $name $unit
                          mount -t ext4 $unit /$name
                          dd if=/dev/urandom of=/$name/file bs=64k count=16 2>/dev/null
                          (cd /$name; sha256sum file >sums)
                        done
                        sync
                        tell written
                        for name in data log; do
                          rm /$name/file
                          echo later >/$name/later
                        done
                        sync

                        login test.1
                        test0=$(disk_of test.1 0)
                        test1=$(disk_of test.1 1)
                        [ "$(head -n 1 $(disk_of test.1 2))" = raw ]
                        [ $(units) = 6 ]
                        for unit in $test0 $test1 $(disk_of test.1 2); do echo "serial $(serial $unit)"; done
                        mount -t ext4 $test0 /tested/data
                        mount -t ext4 $test1 /tested/log
                        for name in data log; do
                          (cd /tested/$name; sha256sum -cs sums)
                          [ ! -e /tested/$name/later ]
                          echo of the test >/tested/$name/only-there
                        done
                        umount /tested/data
                        umount /tested/log
                        umount /data
                        umount /log
                        for unit in $data $log $test0 $test1; do /sbin/e2fsck -fn $unit; done
                        logout test.1
                        logout group.default
                        """);
        guest.await("written", running);
        gateway.api().addCheckpoint("default", "both");
        gateway.api().startTests("default", "both");
        guest.letGo("written");
        assertThat(
                        running.get()
                                .lines()
                                .filter(line -> line.startsWith("serial "))
                                .map(String::strip)
                                .toList())
                .as("serial numbers of three volumes and of a test's three disks")
                .hasSize(6)
                .doesNotHaveDuplicates()
                .allMatch(line -> line.length() > "serial ".length());
    }

    /** XFS needs 300 MB. */
    @Test
    void blocks_of_4096_bytes_and_xfs_are_used_trimmed_and_found_clean() throws Exception {
        gateway.set("iscsi.blocks_of_4096", "[\"large-*\"]");
        gateway.start();
        gateway.api().createVolume("large-ext", 64L << 20, null);
        gateway.api().createVolume("large-xfs", 320L << 20, null);
        gateway.api().createVolume("small-xfs", 320L << 20, null);
        Future<String> running =
                guest.start(
                        """
                        load xfs
                        initiator one </dev/null
                        for name in large-ext large-xfs small-xfs; do
                          login $name
                          disk=$(disk_of $name)
                          queue=/sys/block/${disk##*/}/queue
                          echo "blocks $name $(cat $queue/logical_block_size) $(cat $queue/physical_block_size) $(blockdev --getsize64 $disk)"
                        done
                        ext=$(disk_of large-ext)
                        large=$(disk_of large-xfs)
                        small=$(disk_of small-xfs)

                        /sbin/mke2fs -q -t ext4 $ext
                        /sbin/mkfs.xfs -q -L large $large
                        /sbin/mkfs.xfs -q -L small $small
                        for disk in $ext $large $small; do
                          folder=/mnt/${disk##*/}
                          mkdir $folder
                          [ $disk = $ext ] && type=ext4 || type=xfs
                          mount -t $type $disk $folder
                          for i in $(seq 30); do dd if=/dev/urandom of=$folder/$i bs=64k count=16 2>/dev/null; done
                          (cd $folder; sha256sum ? >sums)
                        done
                        sync
                        tell written
                        for folder in /mnt/sd*; do
                          rm $folder/??
                          # XFS frees what was removed in the background; this waits for it.
                          mount -o remount,ro $folder
                          mount -o remount,rw $folder
                          fstrim -v $folder
                          umount $folder
                        done
                        /sbin/e2fsck -fn $ext
                        /sbin/xfs_repair -n $large
                        /sbin/xfs_repair -n $small
                        mount -t ext4 $ext /mnt/${ext##*/}
                        mount -t xfs $large /mnt/${large##*/}
                        mount -t xfs $small /mnt/${small##*/}
                        for folder in /mnt/sd*; do
                          (cd $folder; sha256sum -cs sums)
                          umount $folder
                        done
                        echo "start $(dd if=$ext bs=4k count=64 iflag=direct 2>/dev/null | sha256sum)"
                        for name in large-ext large-xfs small-xfs; do logout $name; done
                        """);
        guest.await("written", running);
        gateway.api().awaitFolded("default");
        long[] before = allocatedBytes();
        guest.letGo("written");
        assertThat(running.get())
                .contains("blocks large-ext 4096 4096 " + (64L << 20))
                .contains("blocks large-xfs 4096 4096 " + (320L << 20))
                .contains("blocks small-xfs 512 4096 " + (320L << 20))
                .contains("start " + startOf("large-ext"));
        gateway.api().awaitFolded("default");
        long[] after = allocatedBytes();
        for (int i = 0; i < before.length; i++) {
            assertThat(after[i])
                    .as("bytes of volume %d after 21 MiB were trimmed, %d before", i, before[i])
                    .isLessThan(before[i] - (16L << 20));
        }
    }

    private long[] allocatedBytes() throws Exception {
        return gateway.api().volumes().stream()
                .mapToLong(volume -> volume.allocatedBytes())
                .toArray();
    }

    /** The digest of the first 256 KiB, over NBD. */
    private String startOf(String volume) throws Exception {
        try (NbdTestClient client = gateway.connect(volume)) {
            return Hashes.sha256(client.read(0, 256 << 10));
        }
    }
}
