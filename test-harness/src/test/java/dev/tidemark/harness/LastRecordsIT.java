package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.harness.ChaosProxy.Way;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A failover to the latest moment over a narrow link that breaks: the source is fenced by then, and
 * what it has acknowledged still comes when the link is back.
 */
final class LastRecordsIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String GROUP = "shop";
    private static final String DISK = "disk";
    private static final int WRITE_BYTES = 1 << 20;
    private static final int WRITES = 24;

    /** Twelve seconds for all; the answers to what is asked stand in line behind the records. */
    private static final long NARROW_BYTES_PER_SECOND = 2 << 20;

    @Test
    void a_fenced_source_sends_what_it_has_acknowledged_when_the_link_is_back(@TempDir Path home)
            throws Exception {
        try (DistantSites sites = new DistantSites(home)) {
            sites.start(LIMIT);
            GatewayProcess source = sites.left();
            GatewayProcess copy = sites.right();
            sites.protectedGroup(GROUP, DISK, WRITES * WRITE_BYTES);

            sites.proxy().bandwidth(Way.THERE, NARROW_BYTES_PER_SECOND);
            fill(source);
            String written = Sites.hash(source, DISK);
            var _ =
                    copy.api()
                            .post(
                                    "/api/v1/groups/" + GROUP + "/failover",
                                    new Requests.FailOver("latest", "commit", null, null));
            Sites.awaitRole(source, GROUP, "fenced");
            sites.proxy().refuse(true);
            assertThat(sites.proxy().cut()).isPositive();
            assertThat(copy.api().group(GROUP).headSequence())
                    .as("the copy has not got everything yet")
                    .isLessThan(source.api().group(GROUP).headSequence());
            sites.proxy().heal();

            Sites.awaitRole(copy, GROUP, "active");
            assertThat(Sites.hash(copy, DISK)).isEqualTo(written);
        }
    }

    /** What does not become smaller when it is compressed. */
    private static void fill(GatewayProcess source) throws Exception {
        Random random = new Random(1);
        byte[] bytes = new byte[WRITE_BYTES];
        try (NbdTestClient client = source.connect(DISK)) {
            for (int i = 0; i < WRITES; i++) {
                random.nextBytes(bytes);
                client.write((long) i * WRITE_BYTES, bytes);
            }
            client.flush();
        }
    }
}
