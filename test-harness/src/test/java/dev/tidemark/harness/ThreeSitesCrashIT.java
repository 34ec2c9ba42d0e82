package dev.tidemark.harness;

import java.nio.file.Path;
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
    private static final String GROUP = KilledSites.GROUP;

    private Sites sites;
    private KilledSites killed;
    private Random random;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.three(scratch);
        killed = new KilledSites(sites, 6, 12);
        random = killed.random();
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    @Test
    void whoever_is_killed_one_site_has_the_group_and_both_others_follow_it() throws Exception {
        killed.run(this::protect, this::failOver);
    }

    private void protect() throws Exception {
        sites.protect(killed.active(), GROUP, killed.copies().toArray(String[]::new));
        boolean _ = killed.maybeKill();
    }

    private void failOver() throws Exception {
        String old = killed.active();
        List<String> copies = killed.copies();
        boolean firstTakes = random.nextBoolean();
        String to = copies.get(firstTakes ? 0 : 1);
        String third = copies.get(firstTakes ? 1 : 0);
        TokenChain tokens = killed.write();
        Thread.sleep(100 + random.nextInt(300));
        String late = random.nextBoolean() ? to : third;
        killed.tell("%s is late", late);
        sites.freeze(late);
        Thread.sleep(100 + random.nextInt(300));
        boolean gone = random.nextBoolean();
        if (gone) {
            killed.kill(old);
        }
        sites.thaw(late);
        killed.failOver(to, "commit");
        boolean _ = killed.maybeKill(50, 500, copies); // while the old source may be gone
        long acknowledged = tokens.stop();
        Sites.awaitRole(sites.gateway(to), GROUP, "active");
        killed.await("the failover to be complete", () -> killed.group(to).handover() == null);
        long got = killed.last(to);
        killed.tell("%s has %d of %d", to, got, acknowledged);
        killed.active(to, got);
        killed.writeSome();
        if (gone) {
            sites.gateway(old).start();
        }
        sites.awaitConnected();
        sites.protect(to, GROUP, third);
        Sites.run(sites.gateway(to), "reverse", "--group", GROUP);
        boolean _ = killed.maybeKill();
        killed.settle();
        killed.checkBranches(old, got, acknowledged);
        killed.checkBranches(third, got, got);
    }
}
