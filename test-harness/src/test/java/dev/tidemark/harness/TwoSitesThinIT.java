package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.SyncDocument;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A thin volume of 1 TiB with little in it: the first copy costs what is in it, and the way back
 * what was written since.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
final class TwoSitesThinIT {
    private static final long TIB = 1L << 40;
    private static final int MIB = 1 << 20;
    private static final int DATA_MIB = Integer.getInteger("tidemark.sites.dataMiB", 512);
    private static final int WRITTEN_MIB = Integer.getInteger("tidemark.sites.writtenMiB", 64);
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final String GROUP = "shop";

    private final Random random = new Random(5);

    @Test
    void a_copy_costs_what_is_written_and_the_way_back_what_was_written_since(@TempDir Path scratch)
            throws Exception {
        try (Sites sites = Sites.two(scratch)) {
            GatewayProcess berlin = sites.berlin();
            GatewayProcess paris = sites.paris();
            berlin.api().createGroup(new Requests.CreateGroup(GROUP, null, null, null, null));
            var _ = berlin.api().createVolume("thin", TIB, GROUP);
            write(berlin, DATA_MIB);
            berlin.api().awaitFolded(GROUP);

            long begun = System.nanoTime();
            double before = berlin.api().metric("tidemark_site_link_sent_raw_bytes_total");
            sites.protect("berlin", GROUP, "paris");
            Await.until(
                    "the copy to be made",
                    LIMIT,
                    () -> Sites.copy(berlin, GROUP).state().equals("shipping"));
            SyncDocument sync = Sites.copy(berlin, GROUP).sync();
            double sent = berlin.api().metric("tidemark_site_link_sent_raw_bytes_total") - before;
            System.out.printf(
                    "TwoSitesThinIT: 1 TiB with %d MiB in it: %.1f s, %d MiB read, %d MiB sent, %.0f MiB on the link before compression%n",
                    DATA_MIB,
                    (System.nanoTime() - begun) / 1e9,
                    sync.readBytes() / MIB,
                    sync.sentBytes() / MIB,
                    sent / MIB);
            long data = (long) DATA_MIB * MIB;
            assertThat(sync.totalBytes()).isEqualTo(TIB);
            assertThat(sync.readBytes()).isBetween(data * 9 / 10, data * 11 / 10);
            assertThat(sync.sentBytes()).isBetween(data * 9 / 10, data * 11 / 10);
            assertThat(sent).isLessThan(data * 1.2 + 16 * MIB);

            Sites.run(
                    paris,
                    "failover",
                    "--group",
                    GROUP,
                    "--at",
                    "latest",
                    "--policy",
                    "commit",
                    "--yes");
            double back = paris.api().metric("tidemark_site_link_sent_raw_bytes_total");
            write(paris, WRITTEN_MIB);
            Sites.run(paris, "reverse", "--group", GROUP);
            Sites.awaitEven(paris, GROUP);
            double returned = paris.api().metric("tidemark_site_link_sent_raw_bytes_total") - back;
            System.out.printf(
                    "TwoSitesThinIT: %d MiB written after the failover, %.0f MiB sent back%n",
                    WRITTEN_MIB, returned / MIB);
            long written = (long) WRITTEN_MIB * MIB;
            assertThat(returned).isBetween(written * 0.95, written * 1.1 + 4 * MIB);
            assertThat(Sites.copy(paris, GROUP).sync().sentBytes()).isZero();
        }
    }

    /** Random bytes, each MiB at a place of its own. */
    private void write(GatewayProcess gateway, int count) throws Exception {
        byte[] bytes = new byte[MIB];
        try (NbdTestClient disk = gateway.connect("thin")) {
            for (int i = 0; i < count; i++) {
                random.nextBytes(bytes);
                disk.write((long) random.nextInt((int) (TIB / MIB)) * MIB, bytes);
            }
        }
    }
}
