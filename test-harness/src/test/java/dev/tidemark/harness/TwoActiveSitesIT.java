package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.AlsoActive;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A group whose site is gone, and both copies of which were failed over to while neither reached
 * the other: both say so once there is a link, somebody keeps one of them, and the other one gives
 * way without losing what only it has. Whoever is killed in between.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class TwoActiveSitesIT {
    private static final String GROUP = "shop";
    private static final String PATH = "/api/v1/groups/" + GROUP;
    private static final int DISK_BYTES = 8 << 20;
    private static final int BLOCK_BYTES = 256 << 10;
    private static final List<String> DISKS = List.of("data", "log");

    private final Random random = new Random(Long.getLong("tidemark.sites.seed", 12));
    private Sites sites;
    private GatewayProcess berlin;
    private GatewayProcess paris;
    private GatewayProcess oslo;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.three(scratch);
        berlin = sites.gateway("berlin");
        paris = sites.gateway("paris");
        oslo = sites.gateway("oslo");
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    /** Both take over in tenure 1, and their hosts write different things to the same places. */
    private void split() throws Exception {
        sites.group("berlin", GROUP, DISK_BYTES, DISKS);
        for (String disk : DISKS) {
            fill(berlin, disk, 0, 'b');
        }
        sites.protectAndAwait("berlin", GROUP, "paris", "oslo");
        sites.awaitEven("berlin", GROUP);
        // Either may dial the other one.
        sites.cut("paris");
        sites.cut("oslo");
        berlin.kill();
        failOver(paris, "commit");
        failOver(oslo, "none");
        for (String disk : DISKS) {
            fill(paris, disk, 1, 'p');
            fill(oslo, disk, 1, 'o');
        }
        fill(paris, DISKS.getFirst(), 2, 'p');
        fill(oslo, DISKS.getLast(), 3, 'o');
    }

    private static void failOver(GatewayProcess to, String policy) throws Exception {
        var _ =
                to.api()
                        .post(
                                PATH + "/failover",
                                new Requests.FailOver("latest", policy, null, null));
        Sites.awaitRole(to, GROUP, "active");
    }

    private static void fill(GatewayProcess at, String disk, int block, char content)
            throws Exception {
        byte[] bytes = new byte[BLOCK_BYTES];
        Arrays.fill(bytes, (byte) content);
        try (NbdTestClient client = at.connect(disk)) {
            client.write((long) block * BLOCK_BYTES, bytes);
            client.flush();
        }
    }

    private static List<String> hashes(GatewayProcess at, String prefix, String suffix)
            throws Exception {
        List<String> all = new ArrayList<>();
        for (String disk : DISKS) {
            all.add(Sites.hash(at, prefix + disk + suffix));
        }
        return all;
    }

    private static List<String> alsoActive(GatewayProcess at) throws Exception {
        return at.api().group(GROUP).alsoActive().stream().map(AlsoActive::site).toList();
    }

    private static boolean wasTold(GatewayProcess at, String kind, String words) throws Exception {
        for (var alert : at.api().tree("/api/v1/alerts")) {
            if (alert.path("kind").asText().equals(kind)
                    && alert.path("message").asText().contains(words)) {
                return true;
            }
        }
        return false;
    }

    /** Alert, status, field, metric and what a person sees: it is active at another site too. */
    private static void awaitTold(GatewayProcess at, String other) throws Exception {
        Await.until(
                "the group to be known as active at " + other + " too",
                Sites.LIMIT,
                () -> alsoActive(at).equals(List.of(other)));
        assertThat(at.api().group(GROUP).status()).isEqualTo("active_at_two_sites");
        assertThat(at.api().metric("tidemark_group_also_active", "peer=\"" + other + "\""))
                .isEqualTo(1);
        String next = "tidemark group keep " + GROUP + " --over " + other;
        assertThat(wasTold(at, "group-active-twice", next)).isTrue();
        assertThat(Sites.run(at, "group", "show", GROUP)).contains(next);
    }

    private static void awaitOver(GatewayProcess at) throws Exception {
        Await.until("nobody else to be active", Sites.LIMIT, () -> alsoActive(at).isEmpty());
        Await.until(
                "its metric to be gone",
                Sites.LIMIT,
                () -> at.api().metric("tidemark_group_also_active") == 0);
        assertThat(at.api().group(GROUP).status()).isNotEqualTo("active_at_two_sites");
    }

    @Test
    void one_of_two_active_sites_is_kept_and_the_other_one_keeps_what_only_it_has()
            throws Exception {
        split();
        List<String> parisHas = hashes(paris, "", "");
        List<String> osloHas = hashes(oslo, "", "");
        assertThat(parisHas).isNotEqualTo(osloHas);
        assertThat(Sites.refused(paris, "group", "keep", GROUP, "--over", "oslo", "--yes"))
                .contains("not known to be active at oslo");

        sites.heal("paris");
        sites.heal("oslo");
        awaitTold(paris, "oslo");
        awaitTold(oslo, "paris");
        oslo.kill();
        oslo.start();
        awaitTold(oslo, "paris");
        assertThat(alsoActive(paris)).containsExactly("oslo");
        assertThat(Sites.refused(paris, "group", "keep", GROUP, "--over", "oslo"))
                .contains("hosts would be refused at oslo");
        assertThat(Sites.refused(paris, "group", "keep", GROUP, "--over", "berlin", "--yes"))
                .contains("not known to be active at berlin");
        assertThat(paris.api().group(GROUP).tenure()).isEqualTo(1);

        try (NbdTestClient host = oslo.connect(DISKS.getFirst())) {
            keepAndKill();
            var _ = Sites.run(paris, "group", "keep", GROUP, "--over", "oslo", "--yes");
            Sites.awaitRole(oslo, GROUP, "fenced");
            assertThatThrownBy(() -> host.write(0, new byte[4096])).isInstanceOf(IOException.class);
        }
        assertThatThrownBy(() -> oslo.connect(DISKS.getFirst()).close())
                .isInstanceOf(IOException.class);
        int tenure = paris.api().group(GROUP).tenure();
        assertThat(tenure).isBetween(2, 3);
        assertThat(oslo.api().group(GROUP).tenure()).isEqualTo(tenure);
        assertThat(oslo.api().group(GROUP).handover()).isNull();
        awaitOver(paris);
        awaitOver(oslo);
        assertThat(wasTold(oslo, "group-active-once", "another site has the group")).isTrue();
        assertThat(Sites.run(paris, "group", "keep", GROUP, "--over", "oslo", "--yes"))
                .as("it is done already")
                .contains("tenure " + tenure);
        assertThat(Sites.refused(oslo, "group", "keep", GROUP, "--over", "paris", "--yes"))
                .contains("not active here");

        fill(paris, DISKS.getFirst(), 4, 'q');
        var _ = Sites.run(paris, "group", "protect", GROUP, "--to", "oslo");
        assertCopy(oslo, "oslo");
        TestDocument branch = oslo.api().runningTests().getFirst();
        assertThat(branch.note()).startsWith("branch: ");
        assertThat(hashes(oslo, "test." + branch.id() + ".", "")).isEqualTo(osloHas);

        berlin.start();
        sites.awaitConnected();
        var _ = Sites.run(paris, "reverse", "--group", GROUP);
        assertCopy(berlin, "berlin");
        assertThat(Sites.refused(paris, "group", "keep", GROUP, "--over", "oslo", "--yes"))
                .contains("is not active at oslo too");
    }

    /** Who fails over to a copy may not know that another one was failed over to. */
    @Test
    void a_copy_takes_a_group_that_another_one_has_only_by_force() throws Exception {
        sites.group("berlin", GROUP, DISK_BYTES, DISKS);
        fill(berlin, DISKS.getFirst(), 0, 'b');
        sites.protectAndAwait("berlin", GROUP, "paris", "oslo");
        sites.awaitEven("berlin", GROUP);
        berlin.kill();
        failOver(paris, "commit");
        fill(paris, DISKS.getFirst(), 1, 'p');
        List<String> parisHas = hashes(paris, "", "");

        String[] command = {"failover", "--group", GROUP, "--at", "latest", "--yes"};
        assertThat(Sites.refused(oslo, command)).contains("active at paris already", "--force");
        assertThat(oslo.api().group(GROUP).role()).isEqualTo("standby");
        assertThat(paris.api().group(GROUP).role()).isEqualTo("active");

        var _ =
                Sites.run(
                        oslo,
                        Stream.concat(Stream.of(command), Stream.of("--force"))
                                .toArray(String[]::new));
        Sites.awaitRole(oslo, GROUP, "active");
        assertThat(oslo.api().group(GROUP).tenure()).isEqualTo(2);
        Sites.awaitRole(paris, GROUP, "fenced");
        assertThatThrownBy(() -> paris.connect(DISKS.getFirst()).close())
                .isInstanceOf(IOException.class);
        var _ = Sites.run(oslo, "failover", "--group", GROUP, "--commit");
        var _ = Sites.run(oslo, "group", "protect", GROUP, "--to", "paris");
        sites.awaitState("oslo", GROUP, "paris", "shipping");
        Sites.awaitRole(paris, GROUP, "standby");
        TestDocument branch = paris.api().runningTests().getFirst();
        assertThat(branch.note()).startsWith("branch: ");
        assertThat(hashes(paris, "test." + branch.id() + ".", "")).isEqualTo(parisHas);
        assertThat(wasTold(paris, "group-active-twice", "")).isFalse();
    }

    /** The command is sent; the gateway is killed while it does it, or before, or after. */
    private void keepAndKill() throws Exception {
        Thread sent =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                var _ = paris.api().post(PATH + "/keep", new Requests.Keep("oslo"));
                            } catch (Exception killed) {
                                // Whether it was done is not known.
                            }
                        });
        Thread.sleep(random.nextInt(30));
        paris.kill();
        sent.join();
        paris.start();
        Await.until(
                "paris to reach oslo",
                Sites.LIMIT,
                () ->
                        paris.api()
                                .tree("/api/v1/site/peers/oslo")
                                .path("state")
                                .asText()
                                .equals("connected"));
    }

    /** A site becomes a copy of the one that was kept, with its content. */
    private void assertCopy(GatewayProcess copy, String name) throws Exception {
        sites.awaitState("paris", GROUP, name, "shipping");
        long head = paris.api().group(GROUP).headSequence();
        sites.awaitHas("paris", GROUP, name, head, Sites.LIMIT);
        Sites.awaitRole(copy, GROUP, "standby");
        assertThat(hashes(copy, "", Sites.newest(copy, GROUP))).isEqualTo(hashes(paris, "", ""));
    }
}
