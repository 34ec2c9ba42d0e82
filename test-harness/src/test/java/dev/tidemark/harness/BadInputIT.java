package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is damaged, foreign, taken or misspelt is refused with one message that names it and says
 * what to do; nothing is lost by it: with the file as it was, everything works again.
 */
@Timeout(120)
final class BadInputIT {
    private static final Duration REFUSAL = Duration.ofSeconds(30);
    private static final byte[] FOREIGN =
            "This file belongs to somebody else.\n".repeat(200).getBytes(StandardCharsets.UTF_8);

    @TempDir static Path shared;

    private static GatewayTemplate template;

    @TempDir Path folder;

    @BeforeAll
    static void fill() throws Exception {
        template = GatewayTemplate.make(shared);
    }

    /** Starts it, expects a refusal that says all of this, and returns what it printed. */
    private static String expectRefusal(GatewayProcess gateway, String... said) throws Exception {
        gateway.launch();
        Await.until(
                "an end or a start", REFUSAL, () -> !gateway.running() || gateway.api().ready());
        assertThat(gateway.running()).as("it starts; it printed:%n%s", gateway.log()).isFalse();
        int status = gateway.exit(REFUSAL);
        String printed = gateway.log();
        assertThat(status).as("exit status; it printed:%n%s", printed).isBetween(1, 125);
        for (String part : said) {
            assertThat(printed).contains(part);
        }
        assertThat(printed).as("no stack trace").doesNotContain("\tat ");
        return printed;
    }

    /**
     * Starts it, expects that the other group is served, and that this one is refused with a reason
     * that says all of this; returns what the gateway printed.
     */
    private static String expectGroupRefused(GatewayProcess gateway, String... said)
            throws Exception {
        gateway.start();
        gateway.connect("stranger").close();
        expectNoExport(gateway, GatewayTemplate.DISK, "could not be opened");
        GatewayProcess.Outcome status = gateway.command(List.of("status"));
        assertThat(status.printed()).contains("DEGRADED", "failed: ");
        String printed = gateway.log();
        for (String part : said) {
            assertThat(status.printed()).contains(part);
            assertThat(printed).contains(part);
        }
        assertThat(printed).as("no stack trace").doesNotContain("\tat ");
        assertThat(gateway.stop()).isZero();
        return printed;
    }

    private static void expectAllAgain(GatewayProcess gateway, boolean killed) throws Exception {
        gateway.start();
        template.expectAll(gateway, killed);
        assertThat(gateway.stop()).isZero();
    }

    /** Strikes a file of a clean directory, expects a refusal, and mends it. */
    private void refused(String prefix, Damage.Blow blow, String... said) throws Exception {
        try (GatewayProcess gateway = template.stopped(folder.resolve("gateway"))) {
            Path file = Damage.files(gateway.data(), prefix).getFirst();
            struck(gateway, file, blow, false, BadInputIT::expectRefusal, said);
        }
    }

    /** What a gateway on damaged files must do. */
    private interface Expectation {
        String check(GatewayProcess gateway, String... said) throws Exception;
    }

    /** Strikes a file of a group after a kill. */
    private static void groupStruck(
            GatewayProcess gateway, Path file, Damage.Blow blow, String... said) throws Exception {
        struck(gateway, file, blow, true, BadInputIT::expectGroupRefused, said);
    }

    private static void struck(
            GatewayProcess gateway,
            Path file,
            Damage.Blow blow,
            boolean killed,
            Expectation expectation,
            String... said)
            throws Exception {
        byte[] whole = Files.readAllBytes(file);
        blow.strike(file);
        byte[] broken = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
        String printed = expectation.check(gateway, said);
        assertThat(printed).as("names the file").contains(String.valueOf(file.getFileName()));
        assertThat(Files.exists(file) ? Files.readAllBytes(file) : new byte[0])
                .as("%s is left as it was found", file)
                .isEqualTo(broken);
        Files.write(file, whole);
        expectAllAgain(gateway, killed);
    }

    // Catalogue

    @Test
    void a_truncated_catalogue_is_refused() throws Exception {
        refused("catalogue", Damage.halve(), "corrupt", "restore it from a backup");
    }

    @Test
    void a_catalogue_that_is_no_database_is_refused() throws Exception {
        refused("catalogue", Damage.replaceBy(FOREIGN), "corrupt", "restore it from a backup");
    }

    @Test
    void a_corrupt_catalogue_is_refused() throws Exception {
        refused("catalogue", Damage.flip(4096, 2048), "corrupt", "restore it from a backup");
    }

    @Test
    void somebody_elses_database_is_refused() throws Exception {
        // SQLite file format §1.3.14: the application id.
        byte[] foreign = {0, 0, 0, 42};
        refused("catalogue", Damage.put(68, foreign), "something else", "42", "data.directory");
    }

    @Test
    void a_newer_catalogue_is_refused() throws Exception {
        // SQLite file format §1.3.11: the user version.
        byte[] newer = {0, 0, 0, 99};
        refused(
                "catalogue",
                Damage.put(60, newer),
                "newer release",
                "99",
                "start the newer release");
    }

    // Configuration

    @Test
    void all_problems_of_a_configuration_are_reported_at_once() throws Exception {
        try (GatewayProcess gateway = template.stopped(folder.resolve("gateway"))) {
            gateway.set("history.windov", "\"1d\"")
                    .set("io.threads", "100000")
                    .set("history.checkpoint_interval", "\"1h\"");
            expectRefusal(
                    gateway,
                    gateway.configuration().toString(),
                    "history.windov",
                    "did you mean \"history.window\"?",
                    "io.threads",
                    "100000",
                    "2 to 512",
                    "history.checkpoint_interval",
                    "100ms to 1m");
        }
    }

    @Test
    void a_configuration_that_is_no_configuration_is_refused() throws Exception {
        try (GatewayProcess gateway = template.stopped(folder.resolve("gateway"))) {
            gateway.set("history.window", "\"1d");
            expectRefusal(gateway, gateway.configuration().toString(), "not TOML", "line");
        }
    }

    // Group files

    /** Strikes the file of the group with this place in the order of its names, after a kill. */
    private void groupFileRefused(String prefix, int index, Damage.Blow blow, String... said)
            throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"))) {
            List<Path> files = Damage.files(template.group(gateway), prefix);
            groupStruck(gateway, files.get(index < 0 ? files.size() + index : index), blow, said);
        }
    }

    @Test
    void the_undo_segment_of_another_group_is_refused() throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"))) {
            Path ours = Damage.files(template.group(gateway), "undo-").getFirst();
            Path theirs = Damage.files(template.otherGroup(gateway), "undo-").getFirst();
            groupStruck(gateway, ours, Damage.replaceBy(Files.readAllBytes(theirs)), "belongs to");
        }
    }

    @Test
    void a_corrupt_manifest_is_refused() throws Exception {
        groupFileRefused("manifest-", -1, Damage.flipMiddle(), "damaged", "restore");
    }

    @Test
    void an_empty_manifest_is_refused() throws Exception {
        groupFileRefused("manifest-", -1, Damage.truncate(0));
    }

    @Test
    void a_truncated_manifest_is_refused() throws Exception {
        groupFileRefused("manifest-", -1, Damage.halveWritten());
    }

    @Test
    void the_manifest_of_another_group_is_refused() throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"))) {
            Path ours = Damage.files(template.group(gateway), "manifest-").getFirst();
            Path theirs = Damage.files(template.otherGroup(gateway), "manifest-").getFirst();
            byte[] whole = Files.readAllBytes(ours);
            Files.copy(theirs, ours, StandardCopyOption.REPLACE_EXISTING);
            // It cannot know which of the two is the stranger.
            expectGroupRefused(gateway, template.group(gateway).toString(), "belongs to");
            Files.write(ours, whole);
            expectAllAgain(gateway, true);
        }
    }

    /** Strikes the redo segment that holds a forced write which is not folded yet. */
    private void redoRefused(Function<GatewayTemplate.Spot, Damage.Blow> blow, String... said)
            throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"))) {
            GatewayTemplate.Spot spot = template.forced(gateway);
            groupStruck(gateway, spot.file(), blow.apply(spot), said);
        }
    }

    @Test
    void a_redo_segment_with_a_corrupt_record_that_was_forced_is_refused() throws Exception {
        redoRefused(spot -> Damage.flip(spot.position() + 100, 8), "damaged");
    }

    @Test
    void a_truncated_redo_segment_is_refused() throws Exception {
        redoRefused(spot -> Damage.truncate(spot.position() + 100), "cut short", "1048576");
    }

    @Test
    void a_missing_redo_segment_is_refused() throws Exception {
        redoRefused(spot -> Damage.remove());
    }

    @Test
    void the_redo_segment_of_another_group_is_refused() throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"))) {
            Path theirs = Damage.files(template.otherGroup(gateway), "redo-").getFirst();
            byte[] foreign = Files.readAllBytes(theirs);
            Path ours = template.forced(gateway).file();
            groupStruck(gateway, ours, Damage.replaceBy(foreign));
        }
    }

    @Test
    void a_missing_undo_segment_is_refused() throws Exception {
        groupFileRefused("undo-", 0, Damage.remove(), "missing", "put the file back");
    }

    @Test
    void a_truncated_undo_segment_is_refused() throws Exception {
        groupFileRefused("undo-", 0, Damage.truncate(8192));
    }

    @Test
    void a_missing_gold_image_is_refused() throws Exception {
        groupFileRefused("gold.raw", 0, Damage.remove());
    }

    @Test
    void a_gold_image_that_is_too_short_is_refused() throws Exception {
        groupFileRefused("gold.raw", 0, Damage.halve(), "cut short", "2097152", "4194304");
    }

    @Test
    void a_gold_image_that_a_crash_left_longer_than_its_volume_is_taken() throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"))) {
            Damage.grow(4096).strike(Damage.files(template.group(gateway), "gold.raw").getFirst());
            expectAllAgain(gateway, true);
        }
    }

    @Test
    void a_missing_group_directory_is_refused() throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"))) {
            Path group = template.group(gateway);
            Path aside = folder.resolve("aside");
            Files.move(group, aside);
            expectGroupRefused(gateway, "missing", group.toString(), "mount or restore it");
            assertThat(group).doesNotExist();
            Files.move(aside, group);
            expectAllAgain(gateway, true);
        }
    }

    // Taken

    @Test
    void a_directory_in_use_is_refused_and_its_user_goes_on() throws Exception {
        try (GatewayProcess first = template.stopped(folder.resolve("gateway"));
                GatewayProcess second = new GatewayProcess(folder.resolve("second"))) {
            first.start();
            second.set("data.directory", GatewayProcess.quoted(first.data().toString()));
            expectRefusal(second, first.data().toString(), "in use");
            template.expectAll(first, false);
        }
    }

    @Test
    void a_taken_nbd_port_is_refused() throws Exception {
        portRefused("nbd.listen", true);
    }

    @Test
    void a_taken_api_port_is_refused() throws Exception {
        portRefused("api.listen", false);
    }

    private void portRefused(String key, boolean list) throws Exception {
        try (GatewayProcess gateway = template.killed(folder.resolve("gateway"));
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + taken.getLocalPort();
            String toml = GatewayProcess.quoted(address);
            gateway.set(key, list ? "[" + toml + "]" : toml);
            expectRefusal(gateway, address, "in use", key);
        }
        try (GatewayProcess gateway = template.killed(folder.resolve("again"))) {
            expectAllAgain(gateway, true);
        }
    }

    // Misspelt

    @Test
    void wrong_points_and_names_are_refused_with_a_sentence() throws Exception {
        try (GatewayProcess gateway = template.stopped(folder.resolve("gateway"))) {
            gateway.start();
            expectNoExport(gateway, "dsk", "no such volume", "dsk", "did you mean \"disk\"?");
            expectNoExport(gateway, "disk@nowhere", "nowhere");
            expectNoExport(gateway, "disk@seq:999999999", "999999999");
            expectNoExport(gateway, "disk@-9000d", "-9000d");
            expectNoExport(gateway, "disk@2031-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
            expectNoExport(gateway, "disk@2025-02-31", "2025-02-31", "zone");
            expectNoExport(gateway, "test.999.disk", "999");
            template.expectAll(gateway, false);
        }
    }

    private static void expectNoExport(GatewayProcess gateway, String export, String... said) {
        assertThatThrownBy(() -> gateway.connect(export).close())
                .as(export)
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(said);
    }

    @Test
    void wrong_arguments_of_commands_are_refused_with_a_sentence() throws Exception {
        try (GatewayProcess gateway = template.stopped(folder.resolve("gateway"))) {
            gateway.start();
            expectFailure(
                    gateway, List.of("volume", "create", "disk", "--size", "1G"), "disk", "exists");
            expectFailure(gateway, List.of("volume", "create", "new", "--size", "1X"), "1X");
            expectFailure(
                    gateway, List.of("test", "stop", "999", "--passed"), "no such test", "999");
            expectFailure(
                    gateway, List.of("test", "start", "--group", "first", "--at", "bad"), "bad");
            expectFailure(
                    gateway,
                    List.of("rollback", "--group", "frist", "--to", "good", "--yes"),
                    "frist");
            template.expectAll(gateway, false);
        }
    }

    private static void expectFailure(GatewayProcess gateway, List<String> command, String... said)
            throws Exception {
        GatewayProcess.Outcome outcome = gateway.command(command);
        assertThat(outcome.status())
                .as("%s printed:%n%s", command, outcome.printed())
                .isBetween(1, 125);
        assertThat(outcome.printed()).contains(said).doesNotContain("\tat ");
    }
}
