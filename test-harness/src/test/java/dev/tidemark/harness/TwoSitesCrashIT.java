package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.nio.file.Path;
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
    private static final String GROUP = KilledSites.GROUP;

    /** No token that a group keeps comes near. */
    private static final long GIVEN_UP = 1_000_000_000;

    private Sites sites;
    private KilledSites killed;
    private Random random;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.two(scratch);
        killed = new KilledSites(sites, 12, 11);
        random = killed.random();
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    @Test
    void whoever_is_killed_the_group_is_whole_at_one_site_and_followed_at_the_other()
            throws Exception {
        killed.run(
                this::protect,
                () -> {
                    switch (random.nextInt(5)) {
                        case 0 -> shipUnderKills();
                        case 1 -> failOver("commit");
                        case 2 -> failOver("none");
                        case 3 -> move();
                        default -> protectAnew();
                    }
                });
    }

    private String active() {
        return killed.active();
    }

    private String other() {
        return killed.copies().getFirst();
    }

    private void protect() throws Exception {
        killed.tell("protect at %s", other());
        TokenChain tokens = killed.write();
        sites.protect(active(), GROUP, other());
        boolean _ = killed.maybeKill();
        killed.active(active(), tokens.stop());
    }

    /** The copy is deleted, and made again. */
    private void protectAnew() throws Exception {
        killed.tell("delete the copy at %s", other());
        Sites.run(sites.gateway(active()), "group", "unprotect", GROUP, "--to", other());
        GatewayProcess copy = sites.gateway(other());
        for (TestDocument test : copy.api().runningTests()) {
            var _ = copy.api().stopTest(test.id(), "passed");
        }
        Sites.run(copy, "group", "delete", GROUP, "--force");
        protect();
    }

    private void shipUnderKills() throws Exception {
        killed.tell("write");
        TokenChain tokens = killed.write();
        boolean _ = killed.maybeKill();
        Thread.sleep(random.nextInt(500));
        killed.active(active(), tokens.stop());
    }

    private void failOver(String policy) throws Exception {
        String from = active();
        String to = other();
        TokenChain tokens = killed.write();
        Thread.sleep(200 + random.nextInt(300));
        boolean anyKilled = random.nextBoolean();
        if (anyKilled) {
            killed.killAndStart(from);
        }
        killed.failOver(to, policy);
        anyKilled |= killed.maybeKill();
        long before = tokens.stop();
        killed.await("one site to have the group", this::isDecided);
        boolean over = killed.role(to).equals("active");
        killed.tell("%s has the group, %d was acknowledged", over ? to : from, before);
        if (!over) {
            killed.active(from, before);
            return;
        }
        long got = killed.last(to);
        killed.tell("%s has %d", to, got);
        if (!anyKilled) {
            assertThat(got).as("nobody was killed: nothing is lost").isGreaterThanOrEqualTo(before);
        }
        if (policy.equals("none") && random.nextBoolean()) {
            giveBack(before);
            return;
        }
        if (policy.equals("none")) {
            Sites.run(sites.gateway(to), "failover", "--group", GROUP, "--commit");
        }
        killed.active(to, got);
        killed.writeSome();
        Sites.run(sites.gateway(to), "reverse", "--group", GROUP);
        boolean _ = killed.maybeKill();
        killed.settle();
        killed.checkBranches(from, got, before);
    }

    private void giveBack(long before) throws Exception {
        killed.tell("give back to %s", active());
        TokenChain tokens = killed.write(other(), GIVEN_UP);
        tokens.awaitMore(4);
        long _ = tokens.stop();
        Sites.post(sites.gateway(other()), "/groups/" + GROUP + "/failover/rollback");
        boolean _ = killed.maybeKill();
        killed.await(
                active() + " to be active again", () -> killed.role(active()).equals("active"));
        killed.active(active(), before);
    }

    private void move() throws Exception {
        String from = active();
        String to = other();
        killed.tell("move to %s", to);
        TokenChain tokens = killed.write();
        tokens.awaitMore(4);
        var _ =
                sites.gateway(from)
                        .api()
                        .post(
                                "/api/v1/groups/" + GROUP + "/move",
                                new Requests.Move(to, null, null));
        boolean _ = killed.maybeKill();
        long before = tokens.stop();
        killed.await("one site to have the group", this::isDecided);
        boolean over = killed.role(to).equals("active");
        killed.active(over ? to : from, before);
        if (over) {
            Sites.run(sites.gateway(to), "reverse", "--group", GROUP);
        }
        killed.tell("%s has the group", active());
        assertThat(killed.last(active())).as("a move loses nothing").isGreaterThanOrEqualTo(before);
    }

    /** One is active, nothing is going on that would change it, and the other knows. */
    private boolean isDecided() throws Exception {
        GroupDocument here = killed.group(active());
        GroupDocument there = killed.group(other());
        boolean one = here.role().equals("active") != there.role().equals("active");
        return one && isQuiet(here) && isQuiet(there);
    }

    private static boolean isQuiet(GroupDocument group) {
        return group.handover() == null || group.handover().phase().equals("taken");
    }
}
