package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
            attach() { /sbin/nbd-client -N "$1" HOST PORT "/dev/$2" >/tmp/client 2>&1 || { cat /tmp/client; return 1; }; }
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
}
