package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.ReverseDocument;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every status that an open group at several sites can have, reached by what leads there, with much
 * of what is refused meanwhile and what leads out of it: the table in docs/operating.md. Driven
 * through the API.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class GroupStatesIT {
    private static final String GROUP = "shop";
    private static final String PATH = "/api/v1/groups/" + GROUP;
    private static final long DISK_BYTES = 256 << 20;
    private static final Map<String, String> NOTHING = Map.of();

    private Sites sites;
    private GatewayProcess berlin;
    private GatewayProcess paris;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.three(scratch);
        berlin = sites.gateway("berlin");
        paris = sites.gateway("paris");
        sites.group("berlin", GROUP, DISK_BYTES, List.of("data"));
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    private static void fill(GatewayProcess gateway, int content, long lengthBytes)
            throws Exception {
        byte[] bytes = new byte[1 << 20];
        Arrays.fill(bytes, (byte) content);
        try (NbdTestClient client = gateway.connect("data")) {
            for (long at = 0; at < lengthBytes; at += bytes.length) {
                client.write(at, bytes);
            }
        }
    }

    private static String status(GatewayProcess gateway) throws Exception {
        return gateway.api().group(GROUP).status();
    }

    private static void awaitStatus(GatewayProcess gateway, String status) throws Exception {
        try {
            Await.until("status " + status, Sites.LIMIT, () -> status(gateway).equals(status));
        } catch (AssertionError late) {
            throw new AssertionError(
                    late.getMessage() + ": " + gateway.api().group(GROUP) + gateway.log(), late);
        }
    }

    private static void post(GatewayProcess gateway, String action) throws Exception {
        var _ = gateway.api().post(PATH + action, NOTHING);
    }

    private static void post(GatewayProcess gateway, String action, Object body) throws Exception {
        var _ = gateway.api().post(PATH + action, body);
    }

    /** The action is refused, with these words. */
    private static void refused(String words, ThrowingCallable action) {
        assertThatThrownBy(action)
                .isInstanceOf(GatewayApi.RefusedException.class)
                .hasMessageContaining(words)
                .matches(
                        refusal -> ((GatewayApi.RefusedException) refusal).status() / 100 == 4,
                        "it is said to be the client's fault");
    }

    private void protect() throws Exception {
        sites.protect("berlin", GROUP, "paris");
        sites.awaitEven("berlin", GROUP);
        Sites.awaitRole(paris, GROUP, "standby");
    }

    private static void failOver(GatewayProcess gateway, String at, @Nullable String policy)
            throws Exception {
        post(gateway, "/failover", new Requests.FailOver(at, policy, null, null));
    }

    @Test
    void a_copy_is_made_paused_tested_and_removed() throws Exception {
        assertThat(status(berlin)).isEqualTo("unprotected");
        refused("not protected at that site", () -> post(berlin, "/protections/paris/pause"));
        refused(
                "not protected at that site",
                () -> post(berlin, "/move", new Requests.Move("paris", null, null)));
        refused("was not taken over by this site", () -> post(berlin, "/reverse"));
        refused("was not taken over by this site", () -> berlin.api().get(PATH + "/reverse"));
        refused("is no copy here", () -> failOver(berlin, "latest", null));

        // Protecting, with the first copy under way, and paused.
        fillWithNoise(berlin);
        limit("256KiB");
        sites.protect("berlin", GROUP, "paris");
        sites.awaitState("berlin", GROUP, "paris", "syncing");
        assertThat(status(berlin)).isEqualTo("protecting");
        assertThat(sites.copy("berlin", GROUP, "paris").sync().trigger()).isEqualTo("new");
        Await.until(
                "the copy to be listed at its site",
                Sites.LIMIT,
                () -> listed(paris).path("status").asText().equals("syncing"));
        refused("a copy that is being made", () -> paris.api().group(GROUP));
        refused("a copy that is being made", () -> failOver(paris, "latest", null));
        refused("a copy that is being made", () -> paris.api().startTests(GROUP, "latest"));
        refused(
                "is not kept up",
                () -> post(berlin, "/move", new Requests.Move("paris", null, null)));
        limit("none");
        sites.awaitEven("berlin", GROUP);
        post(berlin, "/protections/paris/pause");
        sites.awaitState("berlin", GROUP, "paris", "paused");
        assertThat(status(berlin)).isEqualTo("protecting");
        post(berlin, "/protections/paris/resume");
        sites.awaitEven("berlin", GROUP);
        Sites.awaitRole(paris, GROUP, "standby");

        // The copy: everything is refused that would change it.
        assertThat(status(paris)).isEqualTo("protecting");
        refused("is a copy", () -> paris.api().createVolume("more", 1 << 20, GROUP));
        refused("is a copy", () -> paris.api().growVolume("data", DISK_BYTES + (1 << 20)));
        refused("it keeps its volumes", () -> paris.api().deleteVolume("data"));
        refused("is not active here", () -> sites.protect("paris", GROUP, "oslo"));
        refused("no failover", () -> post(paris, "/failover/commit"));
        refused("no failover", () -> post(paris, "/failover/rollback"));
        refused("was not taken over by this site", () -> post(paris, "/reverse"));
        refused(
                "is not active here",
                () -> post(paris, "/move", new Requests.Move("berlin", null, null)));

        // Test, at either site; what would pull the disks away from it is refused.
        long here = berlin.api().startTests(GROUP, "latest").tests().getFirst().id();
        assertThat(status(berlin)).isEqualTo("test");
        long there = paris.api().startTests(GROUP, "latest").tests().getFirst().id();
        assertThat(status(paris)).isEqualTo("test");
        refused("stop its tests", () -> paris.api().delete(PATH + "?force=true"));
        refused("is not empty", () -> berlin.api().delete(PATH));
        var _ = berlin.api().stopTest(here, "passed");
        awaitStatus(berlin, "protecting");

        // RemoveInProgress, for as long as the other site does not let the copy go.
        berlin.api().delete(PATH + "/protections/paris?deleteCopy=true");
        awaitStatus(berlin, "remove_in_progress");
        Await.until(
                "the other site's reason",
                Sites.LIMIT,
                () -> sites.copy("berlin", GROUP, "paris").reason().contains("1 running tests"));
        assertThat(sites.copy("berlin", GROUP, "paris").state()).isEqualTo("removing");
        refused("is being deleted", () -> sites.protect("berlin", GROUP, "paris"));
        refused("not protected at that site", () -> post(berlin, "/protections/paris/resume"));
        var _ = paris.api().stopTest(there, "passed");
        awaitStatus(berlin, "unprotected");
        assertThat(groups(paris)).isEmpty();
        protect();
        assertThat(status(berlin)).isEqualTo("protecting");
    }

    /** What takes a while over a link that is limited. */
    private static void fillWithNoise(GatewayProcess gateway) throws Exception {
        Random random = new Random(3);
        byte[] noise = new byte[1 << 20];
        try (NbdTestClient client = gateway.connect("data")) {
            for (int at = 0; at < 4; at++) {
                random.nextBytes(noise);
                client.write((long) at * noise.length, noise);
            }
        }
    }

    private void limit(String rate) throws Exception {
        var _ = berlin.api().post("/api/v1/site/peers/paris/limit", new Requests.LimitRate(rate));
    }

    private static JsonNode listed(GatewayProcess gateway) throws Exception {
        return gateway.api().tree("/api/v1/groups").path(0);
    }

    private static List<String> groups(GatewayProcess gateway) throws Exception {
        List<String> names = new ArrayList<>();
        gateway.api().tree("/api/v1/groups").forEach(one -> names.add(one.path("name").asText()));
        return names;
    }

    @Test
    void a_failover_is_begun_given_back_committed_and_reversed() throws Exception {
        fill(berlin, 1, DISK_BYTES);
        protect();

        // Failover: begun, and it waits for the last records of the other site.
        post(berlin, "/protections/paris/pause");
        sites.awaitState("berlin", GROUP, "paris", "paused");
        fill(berlin, 3, 1 << 20);
        failOver(paris, "latest", null);
        awaitStatus(paris, "failing_over");
        refused("is changing sites already", () -> failOver(paris, "latest", "commit"));
        refused("no failover", () -> post(paris, "/failover/commit"));
        refused("is not active here", () -> sites.protect("paris", GROUP, "oslo"));
        Sites.awaitRole(berlin, GROUP, "fenced");
        assertThat(status(berlin)).isEqualTo("fenced");
        refused("is no copy here", () -> failOver(berlin, "latest", null));
        refused("is not active here", () -> sites.protect("berlin", GROUP, "oslo"));
        refused("was not taken over by this site", () -> post(berlin, "/reverse"));

        // Before commit.
        awaitStatus(paris, "failover");
        refused("not committed", () -> post(paris, "/reverse"));
        refused("is changing sites already", () -> move("paris", "berlin"));
        assertThat(reverse().hindrance()).isEqualTo("the failover is not committed");
        fill(paris, 4, DISK_BYTES);

        // Rolling back.
        try (Statuses seen = new Statuses(paris, GROUP)) {
            post(paris, "/failover/rollback");
            seen.await("rolling_back");
            seen.await("protecting");
        }
        Sites.awaitRole(berlin, GROUP, "active");
        post(berlin, "/protections/paris/resume");
        sites.awaitEven("berlin", GROUP);
        assertThat(status(berlin)).isEqualTo("protecting");

        var _ = berlin.api().addCheckpoint(GROUP, "good");
        fill(berlin, 5, DISK_BYTES);
        sites.awaitEven("berlin", GROUP);

        // Committed at once, and promoting: the disks are being copied.
        try (Statuses seen = new Statuses(paris, GROUP)) {
            failOver(paris, "good", "commit");
            seen.await("promoting_and_need_reverse_configuration");
            post(paris, "/reverse");
            seen.await("promoting");
            seen.await("protecting");
        }
        Sites.awaitRole(berlin, GROUP, "standby");
        sites.awaitEven("paris", GROUP);

        // Moving, for as long as the last records take; and rejoining at the other side of it.
        var _ = paris.api().post("/api/v1/site/peers/berlin/limit", new Requests.LimitRate("1MiB"));
        fillWithNoise(paris);
        move("paris", "berlin");
        awaitStatus(paris, "moving");
        refused("is changing sites already", () -> move("paris", "berlin"));
        Sites.awaitRole(berlin, GROUP, "active");
        awaitStatus(berlin, "promotion_complete_mirrors_not_yet_activated");
        assertThat(reverse(berlin).prepared()).isTrue();
        assertThat(reverse(berlin).hindrance()).isEmpty();

        // Nothing is prepared any more, and it can be protected all the same.
        berlin.api().delete(PATH + "/protections/paris");
        assertThat(status(berlin)).isEqualTo("need_reverse_configuration");
        assertThat(reverse(berlin).prepared()).isFalse();
        post(berlin, "/reverse");
        awaitStatus(berlin, "protecting");
        sites.awaitEven("berlin", GROUP);
        assertThat(reverse(berlin).protecting()).isTrue();
        assertThat(Sites.hash(paris, "data" + Sites.newest(paris, GROUP)))
                .isEqualTo(Sites.hash(berlin, "data"));
    }

    private void move(String from, String to) throws Exception {
        post(sites.gateway(from), "/move", new Requests.Move(to, null, null));
    }

    private ReverseDocument reverse() throws Exception {
        return reverse(paris);
    }

    private static ReverseDocument reverse(GatewayProcess gateway) throws Exception {
        return Json.MAPPER.readValue(gateway.api().get(PATH + "/reverse"), ReverseDocument.class);
    }

    @Test
    void a_site_that_comes_back_rejoins() throws Exception {
        fill(berlin, 1, DISK_BYTES);
        protect();
        sites.cut("paris");
        fill(berlin, 2, DISK_BYTES);
        failOver(paris, "latest", "commit");
        awaitStatus(paris, "promotion_complete_mirrors_not_yet_activated");
        post(paris, "/reverse");
        try (Statuses seen = new Statuses(berlin, GROUP)) {
            sites.heal("paris");
            seen.await("rejoining");
            seen.await("branch"); // What only this site has is kept.
        }
        sites.awaitEven("paris", GROUP);
        assertThat(berlin.api().runningTests().getFirst().note()).startsWith("branch: ");
    }

    @Test
    void configuration_that_is_missing_is_said_and_mended() throws Exception {
        GatewayProcess oslo = sites.gateway("oslo");
        sites.group("oslo", "other", 1 << 20, List.of("data"));
        sites.protect("berlin", GROUP, "oslo");
        awaitStatus(berlin, "missing_configuration");
        assertThat(sites.copy("berlin", GROUP, "oslo").reason()).contains("other");
        refused("is not kept up", () -> move("berlin", "oslo"));
        oslo.api().renameVolume("data", "otherwise");
        post(berlin, "/protections/oslo/resume");
        awaitStatus(berlin, "protecting");
        berlin.api().delete(PATH + "/protections/oslo?deleteCopy=true");
        awaitStatus(berlin, "unprotected");
        oslo.api().renameVolume("otherwise", "data");

        fill(berlin, 1, DISK_BYTES);
        protect();
        var _ = berlin.api().addCheckpoint(GROUP, "good");
        fill(berlin, 2, DISK_BYTES);
        sites.awaitEven("berlin", GROUP);
        try (Statuses seen = new Statuses(paris, GROUP)) {
            failOver(paris, "good", "commit");
            seen.await("promoting_and_need_reverse_configuration");
            sites.protect("paris", GROUP, "oslo");
            seen.await("promoting_and_missing_configuration");
        }
        awaitStatus(paris, "missing_configuration");
        paris.api().delete(PATH + "/protections/oslo");
        awaitStatus(paris, "promotion_complete_mirrors_not_yet_activated");
    }

    @Test
    void a_group_is_changed_and_given_up_while_its_copy_cannot_be_reached() throws Exception {
        fill(berlin, 1, 4 << 20);
        protect();
        paris.kill();
        berlin.api().growVolume("data", DISK_BYTES + (1 << 20));
        var _ = berlin.api().createVolume("more", 1 << 20, GROUP);
        berlin.api().renameVolume("more", "most");
        fill(berlin, 2, 1 << 20);
        paris.start();
        sites.awaitEven("berlin", GROUP);
        assertThat(paris.api().group(GROUP).volumes()).containsExactlyInAnyOrder("data", "most");
        for (String disk : List.of("data", "most")) {
            assertThat(Sites.hash(paris, disk + Sites.newest(paris, GROUP)))
                    .as(disk)
                    .isEqualTo(Sites.hash(berlin, disk));
        }

        paris.kill();
        fill(berlin, 3, 4 << 20);
        berlin.api().delete(PATH + "/protections/paris?deleteCopy=true");
        assertThat(status(berlin)).isEqualTo("remove_in_progress");
        assertThat(sites.copy("berlin", GROUP, "paris").backlogBytes()).isZero();
        berlin.api().deleteVolume("data");
        berlin.api().deleteVolume("most");
        berlin.api().delete(PATH);
        assertThat(groups(berlin)).isEmpty();
        berlin.kill();
        berlin.start();
        refused("groups are protected with this peer", () -> berlin.api().delete(peer("paris")));
        paris.start();
        Await.until("the copy to be gone", Sites.LIMIT, () -> groups(paris).isEmpty());
        for (GatewayProcess site : List.of(berlin, paris)) {
            assertThat(site.api().volumes()).isEmpty();
            assertThat(site.api().tree("/api/v1/exports")).isEmpty();
            // A group is out of sight before the last of its files is.
            Await.until("nothing to be left on disk", Sites.LIMIT, () -> isEmpty(site));
        }
        // Nobody waits for anything any more.
        Await.until(
                "the peer not to be in use",
                Sites.LIMIT,
                () -> {
                    try {
                        berlin.api().delete(peer("paris"));
                        return true;
                    } catch (GatewayApi.RefusedException inUse) {
                        return false;
                    }
                });
    }

    private static boolean isEmpty(GatewayProcess gateway) throws Exception {
        try (var left = Files.list(gateway.data().resolve("groups"))) {
            return left.findAny().isEmpty();
        }
    }

    private static String peer(String name) {
        return "/api/v1/site/peers/" + name;
    }

    @Test
    void a_copy_that_is_deleted_at_its_site_is_made_anew_unless_it_is_not_wanted()
            throws Exception {
        fill(berlin, 1, 4 << 20);
        protect();
        sites.freeze("paris");
        fill(berlin, 2, 1 << 20);
        sites.thaw("paris");
        paris.api().delete(PATH + "?force=true");
        sites.awaitState("berlin", GROUP, "paris", "stopped");
        assertThat(status(berlin)).isEqualTo("missing_configuration");
        assertThat(sites.copy("berlin", GROUP, "paris").reason()).contains("was deleted");
        post(berlin, "/protections/paris/resume");
        sites.awaitEven("berlin", GROUP);
        assertThat(Sites.hash(paris, "data" + Sites.newest(paris, GROUP)))
                .isEqualTo(Sites.hash(berlin, "data"));
    }

    @Test
    void the_oldest_records_of_a_groups_tests_are_discarded_as_many_as_asked() throws Exception {
        sites.group("berlin", "other", 1 << 20, List.of("else"));
        List<Long> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.add(berlin.api().startTests(GROUP, "latest").tests().getFirst().id());
            var _ = berlin.api().stopTest(ids.getLast(), "passed");
        }
        long other = berlin.api().startTests("other", "latest").tests().getFirst().id();
        var _ = berlin.api().stopTest(other, "passed");
        long running = berlin.api().startTests(GROUP, "latest").tests().getFirst().id();
        String purged =
                berlin.api()
                        .post("/api/v1/tests/purge", new Requests.PurgeTests(null, null, 3, GROUP));
        assertThat(Json.MAPPER.readTree(purged).path("purged").asInt()).isEqualTo(3);
        List<Long> left = new ArrayList<>();
        berlin.api().tree("/api/v1/tests").forEach(test -> left.add(test.path("id").asLong()));
        assertThat(left).containsExactlyInAnyOrder(ids.get(3), ids.get(4), other, running);
    }
}
