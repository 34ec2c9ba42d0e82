package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.errorprone.annotations.FormatMethod;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A group with copies at two sites, of which one takes over while the other one is behind it or
 * ahead of it; any of the three is killed at any moment. Each time both others end as copies of the
 * site that took over, and what only they had is kept in a branch.
 */
final class ThreeSitesCrashIT {
    private static final int KILLS = Integer.getInteger("tidemark.sites.kills", 6);
    private static final long SEED = Long.getLong("tidemark.sites.seed", 12);
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final String GROUP = "shop";

    private final Random random = new Random(SEED);
    private final StringBuilder story = new StringBuilder();
    private SeveralSites sites;
    private String active = "berlin";
    private int kills;

    /** Newest number that the active site must have. */
    private long least;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = SeveralSites.start(scratch, active, "paris", "oslo");
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    @FormatMethod
    private void tell(String format, Object... values) {
        story.append(format.formatted(values)).append('\n');
    }

    @Test
    void whoever_is_killed_one_site_has_the_group_and_both_others_follow_it() throws Exception {
        GatewayApi api = sites.gateway(active).api();
        api.createGroup(new Requests.CreateGroup(GROUP, null, null, null, null));
        for (String disk : SiteTokens.DISKS) {
            var _ = api.createVolume(disk, SiteTokens.DISK_BYTES, GROUP);
        }
        var _ = api.createVolume(SiteTokens.BULK, SiteTokens.BULK_BYTES, GROUP);
        try {
            sites.protect(active, GROUP, "paris", "oslo");
            maybeKill();
            settle();
            while (kills < KILLS) {
                List<String> copies = copies();
                failOver(copies.get(random.nextInt(2)));
            }
        } catch (Exception | AssertionError failure) {
            StringBuilder told = new StringBuilder();
            for (String name : sites.names()) {
                told.append("%n%s:%n%s".formatted(name, sites.gateway(name).log()));
            }
            throw new AssertionError("seed %d, after:%n%s%s".formatted(SEED, story, told), failure);
        }
    }

    private List<String> copies() {
        return sites.names().stream().filter(name -> !name.equals(active)).toList();
    }

    private GroupDocument group(String site) throws Exception {
        return sites.gateway(site).api().group(GROUP);
    }

    /** Kills one of the three at a random moment from now, and starts it again. */
    private void maybeKill() throws Exception {
        if (random.nextInt(4) > 0) {
            Thread.sleep(random.nextInt(900));
            String victim = sites.names().get(random.nextInt(3));
            kill(victim);
            sites.gateway(victim).start();
        }
    }

    private void kill(String victim) {
        kills++;
        tell("kill %s", victim);
        sites.gateway(victim).kill();
    }

    private void failOver(String to) throws Exception {
        String old = active;
        String third = copies().stream().filter(name -> !name.equals(to)).findFirst().orElseThrow();
        SiteTokens tokens = new SiteTokens(sites.gateway(old), least, random);
        Thread.sleep(100 + random.nextInt(300));
        String late = random.nextBoolean() ? to : third;
        sites.freeze(late);
        Thread.sleep(100 + random.nextInt(300));
        boolean gone = random.nextBoolean();
        if (gone) {
            kill(old);
        }
        sites.thaw(late);
        tell("failover to %s; %s is late", to, late);
        failOverTo(to);
        maybeKillCopy(to, third);
        long acknowledged = tokens.stop();
        TwoSites.awaitRole(sites.gateway(to), GROUP, "active");
        Await.until("the failover to be complete", LIMIT, () -> group(to).handover() == null);
        active = to;
        long got = prefix(to, "");
        tell("%s has %d of %d", to, got, acknowledged);
        least = got;
        write();
        if (gone) {
            sites.gateway(old).start();
        }
        sites.awaitConnected();
        sites.protect(to, GROUP, third);
        TwoSites.run(sites.gateway(to), "reverse", "--group", GROUP);
        maybeKill();
        settle();
        long kept = checkBranches(old, got);
        assertThat(Math.max(kept, got)).as("kept at %s", old).isGreaterThanOrEqualTo(acknowledged);
        long _ = checkBranches(third, got);
    }

    private void failOverTo(String to) throws Exception {
        var _ =
                sites.gateway(to)
                        .api()
                        .post(
                                "/api/v1/groups/" + GROUP + "/failover",
                                new Requests.FailOver("latest", "commit", null));
    }

    /** While it takes over, and its old source may be gone. */
    private void maybeKillCopy(String to, String third) throws Exception {
        if (random.nextBoolean()) {
            Thread.sleep(random.nextInt(500));
            String victim = random.nextBoolean() ? to : third;
            kill(victim);
            sites.gateway(victim).start();
        }
    }

    private void write() throws Exception {
        SiteTokens tokens = new SiteTokens(sites.gateway(active), least, random);
        tokens.awaitMore(4);
        least = tokens.stop();
    }

    private long prefix(String site, String point) throws Exception {
        return SiteTokens.prefix(
                sites.gateway(site), SiteTokens.DISKS[0] + point, SiteTokens.DISKS[1] + point);
    }

    /** The newest number in branches at a site, which are closed; 0 when there is none. */
    private long checkBranches(String site, long got) throws Exception {
        GatewayApi api = sites.gateway(site).api();
        long newest = 0;
        for (TestDocument test : api.runningTests()) {
            assertThat(test.note()).startsWith("branch: ");
            String prefix = "test." + test.id() + ".";
            long kept =
                    SiteTokens.prefix(
                            sites.gateway(site),
                            prefix + SiteTokens.DISKS[0],
                            prefix + SiteTokens.DISKS[1]);
            tell("a branch at %s has %d", site, kept);
            assertThat(kept).as("the branch at %s", site).isGreaterThanOrEqualTo(got);
            newest = Math.max(newest, kept);
            var _ = api.stopTest(test.id(), "passed");
        }
        return newest;
    }

    /** Waits until both copies have everything, and compares. */
    private void settle() throws Exception {
        sites.awaitConnected();
        for (String copy : copies()) {
            Await.until(
                    copy + " to be a copy of " + active + "'s",
                    LIMIT,
                    () -> role(copy).equals("standby"));
        }
        assertThat(group(active).protections()).hasSize(2);
        sites.awaitEven(active, GROUP);
        long got = prefix(active, "");
        assertThat(got).as("acknowledged writes").isGreaterThanOrEqualTo(least);
        least = got;
        String bulk = TwoSites.hash(sites.gateway(active), SiteTokens.BULK);
        for (String copy : copies()) {
            String newest = TwoSites.newest(sites.gateway(copy), GROUP);
            assertThat(prefix(copy, newest)).as(copy).isEqualTo(got);
            assertThat(TwoSites.hash(sites.gateway(copy), SiteTokens.BULK + newest))
                    .as(copy)
                    .isEqualTo(bulk);
        }
        tell("settled: %s active with %d, tenure %d", active, got, group(active).tenure());
    }

    private String role(String site) throws Exception {
        try {
            return group(site).role();
        } catch (GatewayApi.RefusedException notYet) {
            return "none";
        }
    }
}
