package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Hosts over iSCSI learn that the gateway's file system runs full before it is, and when it is. */
@Timeout(120)
final class SharedSpaceIT {
    private static final long MIB = 1 << 20;
    private static final int WRITE_BYTES = 256 << 10;
    private static final byte[] NOTHING = {};

    private final LoopDisk below;
    private final InetSocketAddress portal = GatewayProcess.freeAddress();
    private final GatewayProcess gateway;

    SharedSpaceIT(@TempDir Path folder) throws Exception {
        below = new LoopDisk(folder, 400 * MIB);
        gateway =
                new GatewayProcess(below.path())
                        .set("journal.storage_unit", "\"4MiB\"")
                        .set("journal.pool", "\"4GiB\"")
                        .set("iscsi.listen", "[\"127.0.0.1:%d\"]".formatted(portal.getPort()));
    }

    @AfterEach
    void unmount() throws Exception {
        gateway.close();
        below.unmount();
    }

    private ScsiInitiator login() throws IOException {
        return ScsiInitiator.login(
                portal, "iqn.2026-11.org.example:host", 1, IscsiGuest.PREFIX + "disk");
    }

    private static String ready(ScsiInitiator host) throws IOException {
        return host.run(0, new byte[6], NOTHING, 0).senseCode();
    }

    /** What LOG SENSE, page 0Ch, calls available. */
    private static long availableMib(ScsiInitiator host) throws IOException {
        ByteBuffer cdb = ScsiScript.cdb10(0x4d).put(2, (byte) 0x0c).putShort(7, (short) 64);
        ScsiInitiator.Answer answer = host.run(0, ScsiScript.content(cdb), NOTHING, 64);
        assertThat(answer.status()).isZero();
        return ByteBuffer.wrap(answer.data()).getInt(8);
    }

    private static String write(ScsiInitiator host, int number) throws IOException {
        byte[] data = new byte[WRITE_BYTES];
        ByteBuffer.wrap(data).putInt(number + 1);
        int blocks = WRITE_BYTES / 512;
        ByteBuffer cdb = ScsiScript.cdb10(0x2a).putInt(2, number * blocks);
        cdb.putShort(7, (short) blocks);
        return host.run(0, ScsiScript.content(cdb), data, 0).senseCode();
    }

    @Test
    void a_host_is_told_of_a_threshold_and_of_a_full_file_system() throws Exception {
        gateway.start();
        gateway.api().createVolume("disk", 256 * MIB, null);
        try (ScsiInitiator host = login()) {
            assertThat(ready(host)).isEqualTo("6/2900");
            assertThat(ready(host)).isEmpty();
            assertThat(availableMib(host)).isBetween(below.freeBytes() / MIB - 16, 400L);

            below.fillUpTo(24 * MIB);
            Await.until(
                    "the threshold is reached",
                    Duration.ofSeconds(10),
                    () -> ready(host).equals("6/3807"));
            assertThat(ready(host)).isEmpty();
            assertThat(availableMib(host)).isLessThanOrEqualTo(24);

            String sense = "";
            for (int i = 0; i < 512 && sense.isEmpty(); i++) {
                sense = write(host, i);
            }
            assertThat(sense).as("the first write that fails").isEqualTo("7/2707");

            below.freeAgain();
            Await.until("room again", Duration.ofSeconds(30), () -> write(host, 0).isEmpty());
            Await.until(
                    "the log tells of it", Duration.ofSeconds(10), () -> availableMib(host) > 100);
            assertThat(ready(host)).isEmpty();
        }
        assertThat(gateway.stop()).isZero();
    }
}
