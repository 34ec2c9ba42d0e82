package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux kernel's own NBD client and file system on live disks, past points and recovery tests.
 */
@Timeout(300)
final class GuestIT {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final String REQUESTS = "tidemark_request_seconds_count";
    private static final String BYTES = "tidemark_request_bytes_total";
    private static final String LIVE = "kind=\"live\"";
    private static final Pattern TRIMMED = Pattern.compile("(\\d+) bytes.* trimmed");

    @TempDir Path folder;
    private Guest guest;

    @BeforeEach
    void prepareGuest() throws Exception {
        guest = Guest.prepare(folder);
    }

    @Test
    void a_guest_tells_how_its_script_ended() throws Exception {
        Guest.Outcome outcome = guest.run("echo in the guest: $((6 * 7)); exit 3", LIMIT);
        assertThat(outcome.output()).contains("in the guest: 42");
        assertThat(outcome.status()).isEqualTo(3);
    }

    @Test
    void a_guest_that_hangs_fails_the_test() {
        assertThatThrownBy(() -> guest.run("sleep 600", Duration.ofSeconds(1)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("ends within PT1S");
    }

    /** Run in the guest before each script. Paths, since busybox prefers tools of its own. */
    private static final String TOOLS =
            """
            set -e
            attach() { disk=$1; device=$2; shift 2; /sbin/nbd-client -N "$disk" HOST PORT "/dev/$device" "$@" >/tmp/client 2>&1 || { cat /tmp/client; return 1; }; }
            fill() { dd if=/dev/urandom "of=$1" bs=64k count=16 2>/dev/null; }
            expect_failure() { if "$@" 2>/dev/null; then echo "should have failed: $*"; return 1; fi; }
            mkdir -p /live /past /test
            """;

    private String boot(GatewayProcess gateway, String script) throws Exception {
        String tools =
                TOOLS.replace("HOST", Guest.HOST)
                        .replace("PORT", Integer.toString(gateway.nbdAddress().getPort()));
        return guest.run(tools + script, LIMIT).expectSuccess();
    }

    @Test
    void a_kernel_mounts_a_live_disk_then_its_past_and_a_test_of_its_crash() throws Exception {
        try (GatewayProcess gateway = new GatewayProcess(folder.resolve("gateway")).start()) {
            gateway.api().createVolume("disk", 96L << 20, null);
            writeOldFiles(gateway);
            gateway.api().addCheckpoint("default", "before");
            gateway.api().awaitFolded("default");
            long fullBytes = allocatedBytes(gateway);

            overwriteTrimAndCrash(gateway);
            gateway.api().addCheckpoint("default", "crashed");
            gateway.api().awaitFolded("default");
            assertThat(allocatedBytes(gateway))
                    .as("bytes of gold after the guest trimmed, %d before", fullBytes)
                    .isLessThan(fullBytes - (8L << 20));

            TestDocument test = gateway.api().startTests("default", "crashed").tests().getFirst();
            mountPastAndTest(gateway, test.exports().getFirst().name());
            gateway.api().stopTest(test.id(), "passed");
            assertThat(gateway.stop()).isZero();
        }
    }

    private static long allocatedBytes(GatewayProcess gateway) throws Exception {
        return gateway.api().volumes().getFirst().allocatedBytes();
    }

    private void writeOldFiles(GatewayProcess gateway) throws Exception {
        boot(
                gateway,
                """
                attach disk nbd0
                /sbin/mke2fs -q -t ext4 /dev/nbd0
                mount -t ext4 /dev/nbd0 /live
                for i in $(seq 40); do fill /live/old$i; done
                cd /live; sha256sum old* >sums; cd /
                umount /live
                /sbin/e2fsck -fn /dev/nbd0
                /sbin/nbd-client -d /dev/nbd0
                """);
    }

    /** Ends with the file system mounted, as a machine that loses power. */
    private void overwriteTrimAndCrash(GatewayProcess gateway) throws Exception {
        String console =
                boot(
                        gateway,
                        """
                        attach disk nbd0
                        mount -t ext4 /dev/nbd0 /live
                        (cd /live; sha256sum -cs sums)
                        for i in $(seq 10); do fill /live/old$i; done
                        for i in $(seq 11 40); do rm /live/old$i; done
                        sync
                        fstrim -v /live
                        for i in $(seq 5); do fill /live/new$i; done
                        cd /live; sha256sum old* new* >sums; cd /
                        sync
                        """);
        Matcher trimmed = TRIMMED.matcher(console);
        assertThat(trimmed.find()).as("fstrim's report in:%n%s", console).isTrue();
        assertThat(Long.parseLong(trimmed.group(1))).isGreaterThan(20L << 20);
    }

    private void mountPastAndTest(GatewayProcess gateway, String test) throws Exception {
        String console =
                boot(
                        gateway,
                        """
                        attach disk@before nbd0
                        expect_failure dd if=/dev/zero of=/dev/nbd0 bs=4k count=1 conv=fsync
                        mount -t ext4 -o ro /dev/nbd0 /past
                        (cd /past; sha256sum -cs sums; test -e old40; test ! -e new1)

                        attach TEST nbd1
                        mount -t ext4 /dev/nbd1 /test
                        (cd /test; sha256sum -cs sums; test ! -e old40)
                        fill /test/only-in-the-test
                        rm /test/new5
                        umount /test
                        /sbin/e2fsck -fn /dev/nbd1

                        attach disk nbd2
                        mount -t ext4 /dev/nbd2 /live
                        (cd /live; sha256sum -cs sums; test ! -e only-in-the-test)
                        umount /live
                        /sbin/e2fsck -fn /dev/nbd2

                        (cd /past; sha256sum -cs sums)
                        umount /past
                        dmesg | grep -F 'EXT4-fs (nbd1): recovery complete'
                        """
                                .replace("TEST", test));
        assertThat(console).contains("recovery complete");
    }

    @Test
    void a_kernel_spreads_its_writers_over_four_connections() throws Exception {
        try (GatewayProcess gateway = new GatewayProcess(folder.resolve("gateway")).start()) {
            gateway.api().createVolume("disk", 64L << 20, null);
            boot(
                    gateway,
                    """
                    attach disk nbd0 -connections 4
                    for i in 0 1 2 3; do dd if=/dev/urandom of=/tmp/$i bs=64k count=48 2>/dev/null; done
                    writers=
                    for i in 0 1 2 3; do
                      dd if=/tmp/$i of=/dev/nbd0 bs=64k seek=$((i * 256)) oflag=direct conv=notrunc 2>/dev/null &
                      writers="$writers $!"
                    done
                    for writer in $writers; do wait $writer; done
                    for i in 0 1 2 3; do
                      dd if=/dev/nbd0 bs=64k skip=$((i * 256)) count=48 iflag=direct 2>/dev/null | cmp - /tmp/$i
                    done
                    """);
            assertThat(gateway.api().metric("tidemark_nbd_connections_opened_total")).isEqualTo(4);
            assertThat(gateway.api().metric(BYTES, LIVE, "op=\"write\"")).isEqualTo(4 * 48 * 65536);
            assertThat(gateway.stop()).isZero();
        }
    }

    @Test
    void a_trim_of_almost_four_gibibytes_is_one_request() throws Exception {
        long trimmedBytes = (4L << 30) - 512; // The kernel counts a request's bytes in 32 bits.
        try (GatewayProcess gateway = new GatewayProcess(folder.resolve("gateway")).start()) {
            gateway.api().createVolume("disk", 6L << 30, null);
            boot(
                    gateway,
                    """
                    attach disk nbd0
                    for at in 0 2047 4095 5000; do
                      dd if=/dev/urandom of=/dev/nbd0 bs=1M seek=$at count=1 oflag=direct conv=notrunc 2>/dev/null
                    done
                    dd if=/dev/nbd0 bs=1M skip=5000 count=1 iflag=direct of=/tmp/behind 2>/dev/null
                    blkdiscard -o 0 -l TRIMMED /dev/nbd0
                    for at in 0 2047; do
                      dd if=/dev/nbd0 bs=1M skip=$at count=1 iflag=direct 2>/dev/null | cmp -n 1048576 - /dev/zero
                    done
                    dd if=/dev/nbd0 bs=1M skip=5000 count=1 iflag=direct 2>/dev/null | cmp - /tmp/behind
                    """
                            .replace("TRIMMED", Long.toString(trimmedBytes)));
            String zeroes = "op=\"zero\"";
            assertThat(gateway.api().metric(REQUESTS, LIVE, zeroes)).isEqualTo(1);
            assertThat(gateway.api().metric(BYTES, LIVE, zeroes)).isEqualTo((double) trimmedBytes);
            gateway.api().awaitFolded("default");
            String map = ForeignProgram.run("nbdinfo", "--map", gateway.uri("disk"));
            // The block that holds the last 512 bytes is not trimmed as a whole.
            assertThat(map.lines().map(String::strip).map(line -> line.split(" +", 3)[0]).toList())
                    .as(map)
                    .startsWith("0", Long.toString((4L << 30) - 4096));
            assertThat(map.lines().findFirst().orElseThrow()).contains("hole,zero");
            assertThat(gateway.stop()).isZero();
        }
    }
}
