package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.errorprone.annotations.FormatMethod;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Either gateway is killed at any moment of making a copy, shipping, failing over, committing,
 * giving back, reversing and moving. After each start the group comes to a right state by itself,
 * no acknowledged write is missing where it must be, and what a failover left behind is kept.
 */
final class TwoSitesCrashIT {
    private static final int KILLS = Integer.getInteger("tidemark.sites.kills", 12);
    private static final long SEED = Long.getLong("tidemark.sites.seed", 11);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String GROUP = "shop";

    private final Random random = new Random(SEED);
    private final StringBuilder story = new StringBuilder();
    private TwoSites sites;
    private GatewayProcess active;
    private GatewayProcess other;
    private int kills;

    /** Newest number that the active site must have. */
    private long least;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = TwoSites.start(scratch);
        active = sites.berlin;
        other = sites.paris;
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
    void whoever_is_killed_the_group_is_whole_at_one_site_and_followed_at_the_other()
            throws Exception {
        active.api().createGroup(new Requests.CreateGroup(GROUP, null, null, null, null));
        for (String disk : SiteTokens.DISKS) {
            var _ = active.api().createVolume(disk, SiteTokens.DISK_BYTES, GROUP);
        }
        var _ = active.api().createVolume(SiteTokens.BULK, SiteTokens.BULK_BYTES, GROUP);
        try {
            protect();
            settle();
            while (kills < KILLS) {
                switch (random.nextInt(5)) {
                    case 0 -> shipUnderKills();
                    case 1 -> failOver("commit");
                    case 2 -> failOver("none");
                    case 3 -> move();
                    default -> protectAnew();
                }
                settle();
            }
        } catch (Exception | AssertionError failure) {
            throw new AssertionError(
                    "seed %d, after:%n%s%nberlin:%n%s%nparis:%n%s"
                            .formatted(SEED, story, sites.berlin.log(), sites.paris.log()),
                    failure);
        }
    }

    private String name(GatewayProcess gateway) {
        return gateway == sites.berlin ? "berlin" : "paris";
    }

    private static GroupDocument group(GatewayProcess gateway) throws Exception {
        return gateway.api().group(GROUP);
    }

    /** Kills one of the two at a random moment from now, and starts it again. */
    private boolean maybeKill() throws Exception {
        if (random.nextInt(4) == 0) {
            return false;
        }
        Thread.sleep(random.nextInt(900));
        kill(random.nextBoolean() ? active : other);
        return true;
    }

    private void kill(GatewayProcess victim) throws Exception {
        kills++;
        tell("kill %s, which is %s", name(victim), victim == active ? "active" : "the other");
        victim.kill();
        victim.start();
    }

    private void protect() throws Exception {
        tell("protect at %s", name(other));
        SiteTokens tokens = new SiteTokens(active, least, random);
        var _ =
                active.api()
                        .post(
                                "/api/v1/groups/" + GROUP + "/protections",
                                new Requests.ProtectGroup(java.util.List.of(name(other))));
        boolean _ = maybeKill();
        least = tokens.stop();
    }

    /** The copy is deleted, and made again. */
    private void protectAnew() throws Exception {
        tell("delete the copy at %s", name(other));
        TwoSites.run(active, "group", "unprotect", GROUP, "--to", name(other));
        for (TestDocument test : other.api().runningTests()) {
            var _ = other.api().stopTest(test.id(), "passed");
        }
        TwoSites.run(other, "group", "delete", GROUP, "--force");
        protect();
    }

    private void shipUnderKills() throws Exception {
        tell("write");
        long written;
        SiteTokens tokens = new SiteTokens(active, least, random);
        boolean _ = maybeKill();
        Thread.sleep(random.nextInt(500));
        written = tokens.stop();
        least = written;
    }

    private void failOver(String policy) throws Exception {
        long before;
        boolean killed;
        SiteTokens tokens = new SiteTokens(active, least, random);
        Thread.sleep(200 + random.nextInt(300));
        killed = random.nextBoolean();
        if (killed) {
            kill(active);
        }
        tell("failover to %s, policy %s", name(other), policy);
        var _ =
                other.api()
                        .post(
                                "/api/v1/groups/" + GROUP + "/failover",
                                new Requests.FailOver("latest", policy, null));
        killed |= maybeKill();
        before = tokens.stop();
        Await.until("one site to have the group", LIMIT, this::isDecided);
        boolean over = group(other).role().equals("active");
        tell("%s has the group, %d was acknowledged", name(over ? other : active), before);
        if (!over) {
            least = before;
            return;
        }
        long got = SiteTokens.prefix(other, SiteTokens.DISKS[0], SiteTokens.DISKS[1]);
        tell("%s has %d", name(other), got);
        if (!killed) {
            assertThat(got).as("nobody was killed: nothing is lost").isGreaterThanOrEqualTo(before);
        }
        if (policy.equals("none") && random.nextBoolean()) {
            giveBack(before);
            return;
        }
        if (policy.equals("none")) {
            TwoSites.run(other, "failover", "--group", GROUP, "--commit");
        }
        swap();
        least = got;
        writeAfter();
        TwoSites.run(active, "reverse", "--group", GROUP);
        boolean _ = maybeKill();
        settle();
        checkBranch(before, got);
    }

    private void giveBack(long before) throws Exception {
        tell("give back to %s", name(active));
        SiteTokens tokens = new SiteTokens(other, 1_000_000_000, random);
        tokens.awaitMore(4);
        long _ = tokens.stop();
        TwoSites.post(other, "/groups/" + GROUP + "/failover/rollback");
        boolean _ = maybeKill();
        Await.until(
                name(active) + " to be active again",
                LIMIT,
                () -> group(active).role().equals("active"));
        least = before;
    }

    private void writeAfter() throws Exception {
        SiteTokens tokens = new SiteTokens(active, least, random);
        tokens.awaitMore(4);
        least = tokens.stop();
    }

    private void swap() {
        GatewayProcess before = active;
        active = other;
        other = before;
    }

    /** What was acknowledged at the old site and is not at the new one is in a branch. */
    private void checkBranch(long acknowledged, long got) throws Exception {
        for (TestDocument test : other.api().runningTests()) {
            assertThat(test.note()).startsWith("branch: ");
            String prefix = "test." + test.id() + ".";
            long kept =
                    SiteTokens.prefix(
                            other, prefix + SiteTokens.DISKS[0], prefix + SiteTokens.DISKS[1]);
            tell("the branch at %s has %d", name(other), kept);
            assertThat(kept).isGreaterThanOrEqualTo(acknowledged);
            var _ = other.api().stopTest(test.id(), "passed");
            return;
        }
        assertThat(got).as("there is no branch").isGreaterThanOrEqualTo(acknowledged);
    }

    private void move() throws Exception {
        long before;
        tell("move to %s", name(other));
        SiteTokens tokens = new SiteTokens(active, least, random);
        tokens.awaitMore(4);
        var _ =
                active.api()
                        .post(
                                "/api/v1/groups/" + GROUP + "/move",
                                new Requests.Move(name(other), null, null));
        boolean _ = maybeKill();
        before = tokens.stop();
        Await.until("one site to have the group", LIMIT, this::isDecided);
        if (group(other).role().equals("active")) {
            swap();
            TwoSites.run(active, "reverse", "--group", GROUP);
        }
        tell("%s has the group", name(active));
        least = before;
        assertThat(SiteTokens.prefix(active, SiteTokens.DISKS[0], SiteTokens.DISKS[1]))
                .as("a move loses nothing")
                .isGreaterThanOrEqualTo(before);
    }

    /** One is active, nothing is going on that would change it, and the other knows. */
    private boolean isDecided() throws Exception {
        GroupDocument here = group(active);
        GroupDocument there = group(other);
        boolean one = here.role().equals("active") != there.role().equals("active");
        return one && isQuiet(here) && isQuiet(there);
    }

    private static boolean isQuiet(GroupDocument group) {
        return group.handover() == null || group.handover().phase().equals("taken");
    }

    /** Waits until the copy has everything, and compares. */
    private void settle() throws Exception {
        sites.awaitConnected();
        Await.until(
                name(other) + " to follow " + name(active),
                LIMIT,
                () -> group(active).role().equals("active") && follows());
        TwoSites.awaitEven(active, GROUP);
        long got = SiteTokens.prefix(active, SiteTokens.DISKS[0], SiteTokens.DISKS[1]);
        assertThat(got).as("acknowledged writes").isGreaterThanOrEqualTo(least);
        least = got;
        String newest = TwoSites.newest(other, GROUP);
        assertThat(
                        SiteTokens.prefix(
                                other, SiteTokens.DISKS[0] + newest, SiteTokens.DISKS[1] + newest))
                .isEqualTo(got);
        assertThat(TwoSites.hash(other, SiteTokens.BULK + newest))
                .isEqualTo(TwoSites.hash(active, SiteTokens.BULK));
        tell("settled: %s active with %d, tenure %d", name(active), got, group(active).tenure());
    }

    private boolean follows() throws Exception {
        return role(other).equals("standby");
    }

    private static String role(GatewayProcess gateway) throws Exception {
        try {
            return group(gateway).role();
        } catch (GatewayApi.RefusedException notYet) {
            return "none";
        }
    }
}
