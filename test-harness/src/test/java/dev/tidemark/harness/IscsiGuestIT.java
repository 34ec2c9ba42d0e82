package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Future;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A Linux kernel's own initiator, its file systems and its multipath, against the gateway. */
@Timeout(300)
final class IscsiGuestIT {
    private static final long DISK_BYTES = 96L << 20;
    private static final Pattern WWID = Pattern.compile("(?m)^wwid (\\S+)\\s*$");

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

    private void startWithDisk() throws Exception {
        gateway.start();
        gateway.api().createVolume("disk", DISK_BYTES, null);
    }

    @Test
    void a_kernel_proves_itself_and_asks_for_proof_and_digests() throws Exception {
        Path secrets = gateway.data().resolve("chap");
        Files.createDirectories(gateway.data());
        Files.createFile(
                secrets,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(
                secrets,
                List.of(
                        "initiator host-1 secret-of-host-1",
                        "target gateway secret-of-gateway",
                        "discovery finder secret-of-finder"));
        gateway.set("iscsi.chap", "\"chap\"");
        startWithDisk();
        String console =
                guest.run(
                        """
                        initiator one <<'SETTINGS'
                        discovery.sendtargets.auth.authmethod = CHAP
                        discovery.sendtargets.auth.username = finder
                        discovery.sendtargets.auth.password = secret-of-finder
                        node.session.auth.authmethod = CHAP
                        node.session.auth.username = host-1
                        node.session.auth.password = wrong-secret-of-1
                        node.conn[0].iscsi.HeaderDigest = CRC32C
                        node.conn[0].iscsi.DataDigest = CRC32C
                        SETTINGS
                        set_secret() { /sbin/iscsiadm -m node -T PREFIXdisk -o update -n node.session.auth.$1 -v $2; }
                        /sbin/iscsiadm -m discovery -t sendtargets -p FIRST
                        expect_failure session disk --login
                        grep 'authorization failure' /tmp/failed

                        set_secret password secret-of-host-1
                        session disk --login
                        logout disk

                        set_secret username_in gateway
                        set_secret password_in another-secret-of-it
                        expect_failure session disk --login
                        set_secret password_in secret-of-gateway
                        session disk --login
                        connection=/sys/class/iscsi_connection/connection*
                        echo digests $(cat $connection/header_digest) $(cat $connection/data_digest)

                        disk=$(disk_of disk)
                        dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null
                        dd if=/tmp/data of=$disk bs=64k seek=1 oflag=direct 2>/dev/null
                        dd if=$disk of=/tmp/back bs=64k skip=1 count=16 iflag=direct 2>/dev/null
                        cmp /tmp/data /tmp/back
                        echo sum $(sha256sum </tmp/data)
                        logout disk
                        """
                                .replace("PREFIX", IscsiGuest.PREFIX)
                                .replace("FIRST", guest.firstPortal()));
        assertThat(console)
                .contains(guest.firstPortal() + ",1 " + IscsiGuest.PREFIX + "disk")
                .contains(guest.secondPortal() + ",2 " + IscsiGuest.PREFIX + "disk")
                .contains("digests 1 1")
                .contains("sum " + Hashes.sha256(read(64 << 10, 1 << 20)));
    }

    private byte[] read(long offsetBytes, int lengthBytes) throws Exception {
        try (NbdTestClient client = gateway.connect("disk")) {
            return client.read(offsetBytes, lengthBytes);
        }
    }

    @Test
    void a_file_system_is_trimmed_checked_and_grown_while_it_is_mounted() throws Exception {
        startWithDisk();
        Future<String> running =
                guest.start(
                        """
                        initiator one </dev/null
                        login disk
                        disk=$(disk_of disk)
                        /sbin/mke2fs -q -t ext4 $disk
                        mount -t ext4 $disk /live
                        for i in $(seq 20); do dd if=/dev/urandom of=/live/$i bs=64k count=16 2>/dev/null; done
                        (cd /live; sha256sum ? >sums)
                        sync
                        tell written
                        rm /live/1?
                        sync
                        fstrim -v /live
                        tell trimmed
                        before=$(df /live | awk 'END { print $2 }')
                        /sbin/iscsiadm -m session --rescan >/dev/null
                        for try in $(seq 100); do [ $(blockdev --getsize64 $disk) != 100663296 ] && break; sleep 0.1; done
                        echo grown to $(blockdev --getsize64 $disk)
                        /sbin/resize2fs $disk
                        [ $(df /live | awk 'END { print $2 }') -gt $((before + 20000)) ]
                        dd if=/dev/urandom of=/live/large bs=1M count=95 2>/dev/null
                        (cd /live; sha256sum -cs sums)
                        umount /live
                        /sbin/e2fsck -fn $disk
                        logout disk
                        """);
        guest.await("written", running);
        gateway.api().awaitFolded("default");
        long fullBytes = allocatedBytes();
        guest.letGo("written");
        guest.await("trimmed", running);
        gateway.api().awaitFolded("default");
        assertThat(allocatedBytes())
                .as("bytes of gold after the guest trimmed, %d before", fullBytes)
                .isLessThan(fullBytes - (8L << 20));
        gateway.api().growVolume("disk", 128L << 20);
        guest.letGo("trimmed");
        assertThat(running.get()).contains("grown to " + (128L << 20));
    }

    private long allocatedBytes() throws Exception {
        return gateway.api().volumes().getFirst().allocatedBytes();
    }

    /** Type 5 is Write Exclusive, Registrants Only (SPC-4, table of reservation types). */
    @Test
    void a_reservation_keeps_another_host_out_until_it_registers_and_preempts() throws Exception {
        startWithDisk();
        String tools =
                """
                load iscsi
                login disk
                disk=$(disk_of disk)
                sg=/dev/$(basename $(echo /sys/class/scsi_generic/sg*))
                out() { /sbin/sg_persist --out --no-inquiry "$@" $disk; }
                in_() { /sbin/sg_persist --in --no-inquiry "$@" $disk; }
                write() { dd if=/dev/zero of=$disk bs=4k count=1 oflag=direct; }
                """;
        Future<String> one =
                guest.start(
                        "initiator one </dev/null\n"
                                + tools
                                + """
                                out --register --param-sark=0x1
                                out --reserve --param-rk=0x1 --prout-type=5
                                write
                                tell reserved
                                expect_failure write
                                in_ --read-keys >/tmp/keys
                                expect_failure grep '0x1$' /tmp/keys
                                grep '0x2$' /tmp/keys
                                dmesg | grep 'reservation conflict'
                                """);
        guest.await("reserved", one);
        String two =
                guest.run(
                        "initiator two </dev/null\n"
                                + tools
                                + """
                                in_ --read-reservation
                                dd if=$disk of=/dev/null bs=4k count=1 iflag=direct
                                expect_failure write
                                expect_failure out --reserve --param-rk=0x1 --prout-type=5
                                out --register --param-sark=0x2
                                write
                                out --preempt --param-rk=0x2 --param-sark=0x1 --prout-type=5
                                in_ --read-reservation | grep 'Key=0x2'
                                dmesg | grep 'reservation conflict'
                                """);
        assertThat(two).contains("Key=0x1").contains("Write Exclusive, registrants only");
        guest.letGo("reserved");
        assertThat(one.get()).contains("reservation conflict");
    }

    @Test
    void writes_go_on_over_the_other_portal_when_a_network_is_cut() throws Exception {
        startWithDisk();
        String console =
                guest.run(
                        """
                        load iscsi
                        /sbin/systemd-udevd --daemon
                        cat >/etc/multipath.conf <<'SETTINGS'
                        defaults {
                          find_multipaths no
                          polling_interval 2
                          no_path_retry 30
                        }
                        SETTINGS
                        initiator one <<'SETTINGS'
                        node.session.timeo.replacement_timeout = 3
                        node.conn[0].timeo.noop_out_interval = 1
                        node.conn[0].timeo.noop_out_timeout = 2
                        SETTINGS
                        /sbin/multipathd
                        /sbin/iscsiadm -m discovery -t sendtargets -p FIRST
                        /sbin/iscsiadm -m node --login
                        active() { /sbin/multipath -ll | grep -c 'active ready'; }
                        await_paths() { for try in $(seq 60); do [ "$(active)" = $1 ] && return; sleep 0.5; done; /sbin/multipath -ll; return 1; }
                        await_paths 2
                        /sbin/multipath -ll
                        device=/dev/mapper/$(ls /dev/mapper | grep -v control)

                        /sbin/mke2fs -q -t ext4 $device
                        mount -t ext4 $device /live
                        put() { for i in $(seq $1 $2); do dd if=/dev/urandom of=/live/$i bs=16k count=4 conv=fsync 2>/dev/null; done; }
                        put 1 10
                        # Reading takes the path that is cut or the other one; both are tried.
                        for network in eth0 eth1; do
                          ip link set $network down
                          put 11 20
                          await_paths 1
                          echo went on without $network
                          ip link set $network up
                          ip route replace default via 10.0.2.2
                          await_paths 2
                        done
                        (cd /live; sha256sum * 2>/dev/null >/tmp/sums || true)
                        umount /live
                        mount -t ext4 $device /live
                        (cd /live; grep -v lost /tmp/sums | sha256sum -cs)
                        umount /live
                        /sbin/e2fsck -fn $device
                        dmesg | grep 'I/O error, dev dm' && exit 1 || true
                        """
                                .replace("FIRST", guest.firstPortal()));
        assertThat(console).contains("went on without eth0").contains("went on without eth1");
    }

    @Test
    void a_host_mounts_three_tests_beside_the_live_disk() throws Exception {
        startWithDisk();
        Future<String> running =
                guest.start(
                        """
                        initiator one </dev/null
                        login disk
                        disk=$(disk_of disk)
                        /sbin/mke2fs -q -t ext4 $disk
                        mount -t ext4 $disk /live
                        for stage in 1 2 3 4; do
                          echo $stage >/live/stage
                          dd if=/dev/urandom of=/live/data$stage bs=64k count=8 2>/dev/null
                          (cd /live; sha256sum data* >sums)
                          sync
                          tell stage-$stage
                        done
                        wwid() { echo "wwid $(/lib/udev/scsi_id -g -u -d $1)"; }
                        wwid $disk
                        for test in 1 2 3; do
                          login test.$test.disk
                          mkdir /$test
                          mount -t ext4 $(disk_of test.$test.disk) /$test
                          wwid $(disk_of test.$test.disk)
                          (cd /$test; sha256sum -cs sums)
                          [ $(cat /$test/stage) = $test ]
                          [ ! -e /$test/data$((test + 1)) ]
                          echo changed >/$test/stage
                          sync
                        done
                        [ $(cat /live/stage) = 4 ]
                        for test in 1 2 3; do
                          umount /$test
                          /sbin/e2fsck -fn $(disk_of test.$test.disk)
                          logout test.$test.disk
                        done
                        umount /live
                        /sbin/e2fsck -fn $disk
                        logout disk
                        """);
        for (int stage = 1; stage <= 3; stage++) {
            guest.await("stage-" + stage, running);
            gateway.api().addCheckpoint("default", "stage-" + stage);
            guest.letGo("stage-" + stage);
        }
        guest.await("stage-4", running);
        List<TestDocument> tests =
                gateway.api().startTests("default", "stage-1", "stage-2", "stage-3").tests();
        assertThat(tests).extracting(TestDocument::id).containsExactly(1L, 2L, 3L);
        guest.letGo("stage-4");
        List<String> names =
                WWID.matcher(running.get()).results().map((MatchResult m) -> m.group(1)).toList();
        assertThat(names).hasSize(4).doesNotHaveDuplicates().allMatch(name -> name.length() > 8);
        for (TestDocument test : tests) {
            gateway.api().stopTest(test.id(), "passed");
        }
    }
}
