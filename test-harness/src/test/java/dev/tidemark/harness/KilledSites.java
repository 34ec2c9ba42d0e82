package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.errorprone.annotations.FormatMethod;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/**
 * A group at several sites, any of which is killed at random moments while hosts write: who is
 * active, what is acknowledged, and what has to be where when all is quiet again. What happened is
 * told, with the seed, when something is wrong. Used by one thread.
 */
final class KilledSites {
    static final String GROUP = "shop";

    /** The first has the even tokens, the second the odd ones. */
    private static final List<String> DISKS = List.of("even", "odd");

    private static final TokenChain.Ring RING = TokenChain.Ring.SHORT;
    private static final String BULK = "bulk";
    private static final int BULK_BYTES = 32 << 20;

    private final Sites sites;
    private final int wanted;
    private final long seed;
    private final Random random;
    private final Duration limit;
    private final StringBuilder story = new StringBuilder();
    private String active = "berlin";
    private long least;
    private int kills;

    /** Some of what a test does to the sites. */
    interface Step {
        void take() throws Exception;
    }

    /** Kills so often and with this seed, if the command line does not say otherwise. */
    KilledSites(Sites sites, int kills, long seed) {
        this.sites = sites;
        this.wanted = Integer.getInteger("tidemark.sites.kills", kills);
        this.seed = Long.getLong("tidemark.sites.seed", seed);
        this.random = new Random(this.seed);
        this.limit = Duration.ofSeconds(30L * sites.names().size());
    }

    /** Makes the group, and takes steps until there were enough kills; each has to settle. */
    void run(Step first, Step others) throws Exception {
        sites.group(active, GROUP, RING.bytes(), DISKS);
        var _ = sites.gateway(active).api().createVolume(BULK, BULK_BYTES, GROUP);
        try {
            first.take();
            settle();
            while (kills < wanted) {
                others.take();
                settle();
            }
        } catch (Exception | AssertionError failure) {
            throw new AssertionError(
                    "seed %d, after:%n%s%s".formatted(seed, story, sites.logs()), failure);
        }
    }

    @FormatMethod
    void tell(String format, Object... values) {
        story.append(format.formatted(values)).append('\n');
    }

    Random random() {
        return random;
    }

    /** Waits for what the sites come to by themselves; the more there are, the longer. */
    void await(String what, Await.Condition condition) throws Exception {
        Await.until(what, limit, condition);
    }

    // Who is active

    String active() {
        return active;
    }

    /** From now on a site is active, and must have all tokens up to this one. */
    void active(String site, long token) {
        active = site;
        least = token;
    }

    /** All other sites. */
    List<String> copies() {
        return sites.names().stream().filter(name -> !name.equals(active)).toList();
    }

    GroupDocument group(String site) throws Exception {
        return sites.gateway(site).api().group(GROUP);
    }

    String role(String site) throws Exception {
        try {
            return group(site).role();
        } catch (GatewayApi.RefusedException notYet) {
            return "none";
        }
    }

    void failOver(String to, String policy) throws Exception {
        tell("failover to %s, policy %s", to, policy);
        var _ =
                sites.gateway(to)
                        .api()
                        .post(
                                "/api/v1/groups/" + GROUP + "/failover",
                                new Requests.FailOver("latest", policy, null, null));
    }

    // Kills

    void kill(String victim) {
        kills++;
        tell("kill %s; %s is active", victim, active);
        sites.gateway(victim).kill();
    }

    void killAndStart(String victim) throws Exception {
        kill(victim);
        sites.gateway(victim).start();
    }

    /** Perhaps kills any at a random moment from now, and starts it again. */
    boolean maybeKill() throws Exception {
        return maybeKill(75, 900, sites.names());
    }

    /** The same of some of them. */
    boolean maybeKill(int percent, int withinMillis, List<String> victims) throws Exception {
        if (random.nextInt(100) >= percent) {
            return false;
        }
        Thread.sleep(random.nextInt(withinMillis));
        killAndStart(victims.get(random.nextInt(victims.size())));
        return true;
    }

    // What hosts write

    /** Begins to write where the group is active. */
    TokenChain write() {
        return write(active, least);
    }

    /** Begins to write what comes after a token. */
    TokenChain write(String site, long token) {
        return new TokenChain(
                sites.gateway(site),
                DISKS,
                RING,
                token,
                new TokenChain.Noise(BULK, BULK_BYTES, random));
    }

    /** Writes a little where the group is active, while nobody is killed. */
    void writeSome() throws Exception {
        TokenChain tokens = write();
        tokens.awaitMore(4);
        least = tokens.stop();
    }

    /** The newest token at a site; fails when one before it is missing. */
    long last(String site) throws Exception {
        return last(site, "", "");
    }

    private long last(String site, String prefix, String suffix) throws Exception {
        List<String> exports = DISKS.stream().map(disk -> prefix + disk + suffix).toList();
        return RING.last(sites.gateway(site), exports);
    }

    /**
     * Looks at what a site has kept of its own and closes it: up to a token it was the others' too,
     * and it may not lack anything acknowledged.
     */
    void checkBranches(String site, long common, long acknowledged) throws Exception {
        GatewayApi api = sites.gateway(site).api();
        long newest = common;
        for (TestDocument test : api.runningTests()) {
            assertThat(test.note()).startsWith("branch: ");
            long kept = last(site, "test." + test.id() + ".", "");
            tell("a branch at %s has %d", site, kept);
            assertThat(kept).as("the branch at %s", site).isGreaterThanOrEqualTo(common);
            newest = Math.max(newest, kept);
            var _ = api.stopTest(test.id(), "passed");
        }
        assertThat(newest).as("kept at %s", site).isGreaterThanOrEqualTo(acknowledged);
    }

    /** Waits until all copies have everything, and compares. */
    void settle() throws Exception {
        sites.awaitConnected();
        for (String copy : copies()) {
            await(
                    copy + " to follow " + active,
                    () -> role(active).equals("active") && role(copy).equals("standby"));
        }
        assertThat(group(active).protections()).hasSize(copies().size());
        sites.awaitEven(active, GROUP);
        long last = last(active);
        assertThat(last).as("acknowledged writes").isGreaterThanOrEqualTo(least);
        least = last;
        String bulk = Sites.hash(sites.gateway(active), BULK);
        for (String copy : copies()) {
            String newest = Sites.newest(sites.gateway(copy), GROUP);
            assertThat(last(copy, "", newest)).as(copy).isEqualTo(last);
            assertThat(Sites.hash(sites.gateway(copy), BULK + newest)).as(copy).isEqualTo(bulk);
        }
        tell("settled: %s active with %d, tenure %d", active, last, group(active).tenure());
    }
}
