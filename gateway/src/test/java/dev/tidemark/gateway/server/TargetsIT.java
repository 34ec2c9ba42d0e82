package dev.tidemark.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.config.SettingsReader;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Requests.ChangeVolume;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The gateway's targets as libiscsi's tools and QEMU see them. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
final class TargetsIT {
    private static final String PREFIX = "iqn.2026-11.dev.tidemark:";
    private static final String INITIATOR = "iqn.2026-11.org.example:host-1";

    @TempDir private Path folder;
    private final Map<String, String> settings =
            new TreeMap<>(
                    Map.of(
                            "nbd.listen", "",
                            "api.listen", "127.0.0.1:0",
                            "journal.storage_unit", "1MiB",
                            "journal.pool", "256MiB",
                            "iscsi.listen", "127.0.0.1:0"));
    private @Nullable Gateway gateway;

    private Gateway start() throws Exception {
        SettingsReader reader = new SettingsReader().override("data.directory", folder.toString());
        settings.forEach(reader::override);
        Settings sealed = reader.seal();
        Gateway started = Gateway.start(sealed);
        gateway = started;
        return started;
    }

    @AfterEach
    void stop() {
        if (gateway != null) {
            gateway.close();
        }
    }

    private Gateway running() {
        Gateway started = gateway;
        assertThat(started).isNotNull();
        assert started != null;
        return started;
    }

    private ApiClient api() {
        return TestGateways.client(running());
    }

    private String portal() {
        return running().iscsiUris().getFirst().substring("iscsi://".length());
    }

    private String url(String target, int lun) {
        return "iscsi://" + portal() + "/" + PREFIX + target + "/" + lun;
    }

    private ForeignProgram.Outcome qemuIo(String target, int lun, String... commands)
            throws Exception {
        return qemuIo(List.of("qemu-io"), target, lun, commands);
    }

    private ForeignProgram.Outcome qemuIo(
            List<String> program, String target, int lun, String... commands) throws Exception {
        List<String> line = opening(program, target, lun);
        for (String command : commands) {
            line.addAll(List.of("-c", command));
        }
        return ForeignProgram.outcome(line.toArray(String[]::new));
    }

    private List<String> opening(List<String> program, String target, int lun) {
        List<String> line = new ArrayList<>(program);
        line.addAll(
                List.of(
                        "--image-opts",
                        "driver=raw,file.driver=iscsi,file.transport=tcp,file.portal=%s,file.target=%s,file.lun=%d,file.initiator-name=%s"
                                .formatted(portal(), PREFIX + target, lun, INITIATOR)));
        return line;
    }

    private void does(String target, int lun, String... commands) throws Exception {
        wellDone(target, qemuIo(target, lun, commands));
    }

    private void reads(String target, int lun, String... commands) throws Exception {
        wellDone(target, qemuIo(List.of("qemu-io", "-r"), target, lun, commands));
    }

    private static void wellDone(String target, ForeignProgram.Outcome outcome) {
        assertThat(outcome.printed())
                .as(target)
                .doesNotContain("Pattern verification failed")
                .doesNotContain("failed:");
        assertThat(outcome.status()).as(outcome.printed()).isZero();
    }

    private List<String> discovered(String initiator) throws Exception {
        String printed = ForeignProgram.run("iscsi-ls", "-i", initiator, "iscsi://" + portal());
        return printed.lines()
                .filter(line -> line.startsWith("Target:"))
                .map(line -> line.substring("Target:".length(), line.indexOf(" Portal:")))
                .map(name -> name.substring(PREFIX.length()))
                .toList();
    }

    private void create(String... names) {
        for (String name : names) {
            api().post("/volumes", new CreateVolume(name, 8L << 20, null));
        }
    }

    private CheckpointDocument mark(String name) {
        return api().post("/groups/default/checkpoints", new AddCheckpoint(name, ""))
                .as(CheckpointDocument.class);
    }

    private long test(String point) {
        return api().post("/tests", new StartTests(null, List.of(point), "", "me"))
                .as(DrillDocument.class)
                .tests()
                .getFirst()
                .id();
    }

    private String serial(String target, int lun) throws Exception {
        return ForeignProgram.run(
                "iscsi-inq", "-i", INITIATOR, "-e", "1", "-c", "128", url(target, lun));
    }

    @Test
    void volumesPointsAndTestsAreTargetsWithIdentitiesOfTheirOwn() throws Exception {
        start();
        create("Web");
        does("web", 0, "write -P 0x11 1M 64k", "flush");
        CheckpointDocument mark = mark("Before-Upgrade");
        does("web", 0, "write -P 0x22 1M 64k", "flush");
        long test = test("Before-Upgrade");
        String testTarget = "test." + test + ".web";
        does(testTarget, 0, "read -P 0x11 1M 64k", "write -P 0x33 2M 64k", "flush");
        for (String point :
                List.of(
                        "before-upgrade",
                        "seq:" + mark.sequence(),
                        mark.time().toLowerCase(Locale.ROOT))) {
            reads("web.at." + point, 0, "read -P 0x11 1M 64k");
            assertThat(qemuIo("web.at." + point, 0, "write 0 4k").printed())
                    .contains("LUN is write protected");
        }
        does("web", 0, "read -P 0x22 1M 64k", "read -P 0 2M 64k");
        assertThat(discovered(INITIATOR)).containsExactlyInAnyOrder("web", testTarget);
        assertThat(
                        List.of(
                                serial("web", 0),
                                serial("web.at.before-upgrade", 0),
                                serial(testTarget, 0)))
                .doesNotHaveDuplicates();
        StatusDocument status = api().get("/status").as(StatusDocument.class);
        assertThat(status.iscsi()).containsExactly("iscsi://" + portal());
        assertThat(status.disks().getFirst().uris()).contains(url("web", 0));
        assertThat(qemuIo("other", 0, "read 0 512").printed()).contains("not found");

        String serial = serial("web", 0);
        api().patch("/volumes/Web", new ChangeVolume("store", null));
        running().stop();
        start();
        assertThat(serial("store", 0)).isEqualTo(serial);
        does("store", 0, "read -P 0x22 1M 64k");
        does(testTarget, 0, "read -P 0x33 2M 64k");
    }

    @Test
    void aGroupIsOneTargetWithAUnitForEachVolume() throws Exception {
        settings.put("iscsi.discovery", "groups");
        start();
        create("data", "log");
        does("group.default", 0, "write -P 0x11 0 64k", "flush");
        does("group.default", 1, "write -P 0x22 0 64k", "flush");
        CheckpointDocument mark = mark("both");
        does("group.default", 0, "write -P 0x44 0 64k", "flush");
        create("late");
        does("data", 0, "read -P 0x44 0 64k");
        does("log", 0, "read -P 0x22 0 64k");
        String point = "group.default.at.seq:" + mark.sequence();
        reads(point, 0, "read -P 0x11 0 64k");
        reads(point, 1, "read -P 0x22 0 64k");
        assertThat(ForeignProgram.run("iscsi-ls", "-s", "-i", INITIATOR, "iscsi://" + portal()))
                .contains("Lun:0", "Lun:1", "Lun:2");
        long test = test("both");
        assertThat(discovered(INITIATOR))
                .containsExactlyInAnyOrder("group.default", "test." + test);
        does("test." + test, 1, "read -P 0x22 0 64k", "write -P 0x55 0 64k");
        does("test." + test + ".log", 0, "read -P 0x55 0 64k");
        assertThat(serial("group.default", 1)).isEqualTo(serial("log", 0));
        reads("late", 0, "read -P 0 0 512");
        assertThat(qemuIo(List.of("qemu-io", "-r"), point, 2, "read 0 512").printed())
                .contains("LOGICAL_UNIT_NOT_SUPPORTED");
    }

    @Test
    void rulesDecideWhoSeesAndUsesWhat() throws Exception {
        settings.put(
                "iscsi.rules",
                """
                read-write data initiator=iqn.2026-11.org.example:*
                read-only log initiator=iqn.2026-11.org.example:* address=127.0.0.0/8
                points secret initiator=iqn.2026-11.org.example:*\
                """);
        start();
        create("data", "log", "secret", "other");
        mark("now");
        assertThat(discovered(INITIATOR)).containsExactlyInAnyOrder("data", "log");
        assertThat(discovered("iqn.2026-11.org.example.evil:host")).isEmpty();
        does("data", 0, "write 0 4k");
        reads("log", 0, "read 0 4k");
        assertThat(qemuIo("log", 0, "write 0 4k").printed()).contains("LUN is write protected");
        reads("secret.at.now", 0, "read 0 4k");
        for (String refused : List.of("secret", "other", "nothing", "other.at.now")) {
            assertThat(qemuIo(refused, 0, "read 0 4k").printed())
                    .as(refused)
                    .containsIgnoringCase("authorization failure");
        }
        // Of a group, what may be had: "secret" and "other" are not there.
        reads("group.default", 1, "read 0 4k");
        assertThat(qemuIo("group.default", 2, "read 0 4k").status()).isNotZero();
        assertThat(qemuIo("group.default", 3, "read 0 4k").status()).isNotZero();
        assertThat(metric("tidemark_iscsi_refused_logins_total")).isGreaterThanOrEqualTo(4);
    }

    /** Looks until it is so; the class's time limit ends it. */
    private static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(20);
        }
    }

    private double metric(String name) {
        return api().text("/metrics")
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    private Path secrets(String... lines) throws Exception {
        Path file = folder.resolve("chap");
        Path fresh = folder.resolve("chap.new");
        Files.write(
                Files.createFile(
                        fresh,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------"))),
                List.of(lines));
        Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
        return file;
    }

    private ForeignProgram.Outcome inquire(String credentials, String target, String query)
            throws Exception {
        return ForeignProgram.outcome(
                "iscsi-inq",
                "-i",
                INITIATOR,
                "iscsi://" + credentials + portal() + "/" + PREFIX + target + "/0" + query);
    }

    @Test
    void chapSecretsComeFromAPrivateFileThatIsReadAgain() throws Exception {
        Path file =
                secrets(
                        "# who may log in",
                        "initiator web-1 web-secret-0001",
                        "initiator db-1 db-secret-00001",
                        "target gateway gateway-secret-1");
        settings.put("iscsi.chap", "chap");
        settings.put("iscsi.rules", "read-write data chap=web-*\nread-write log chap=db-*");
        start();
        create("data", "log");
        assertThat(discovered(INITIATOR)).containsExactlyInAnyOrder("data", "log");
        assertThat(inquire("web-1%web-secret-0001@", "data", "").printed()).contains("TIDEMARK");
        String mutual = "?target_user=gateway&target_password=gateway-secret-1";
        assertThat(inquire("web-1%web-secret-0001@", "data", mutual).printed())
                .contains("TIDEMARK");
        for (ForeignProgram.Outcome refused :
                List.of(
                        inquire("", "data", ""),
                        inquire("web-1%wrong-secret-1@", "data", ""),
                        inquire("db-1%db-secret-00001@", "data", ""),
                        inquire("web-1%web-secret-0001@", "data", mutual + "x"))) {
            assertThat(refused.printed()).doesNotContain("TIDEMARK");
        }

        secrets("initiator web-1 another-secret-1", "discovery who who-secret-001");
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!inquire("web-1%another-secret-1@", "data", "").printed().contains("TIDEMARK")) {
            assertThat(System.nanoTime()).isLessThan(deadline);
        }
        assertThat(inquire("web-1%web-secret-0001@", "data", "").printed())
                .doesNotContain("TIDEMARK");
        assertThat(ForeignProgram.outcome("iscsi-ls", "iscsi://" + portal()).status()).isNotZero();
        assertThat(ForeignProgram.run("iscsi-ls", "iscsi://who%who-secret-001@" + portal()))
                .contains(PREFIX + "data");

        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        await(() ->
                api().get("/status")
                        .as(StatusDocument.class)
                        .alertCounts()
                        .containsKey("chap-not-reloaded"));
        assertThat(inquire("web-1%another-secret-1@", "data", "").printed()).contains("TIDEMARK");
        running().close();
        gateway = null;
        assertThatThrownBy(this::start).hasMessageContaining("chmod 600");
    }

    @Test
    void aTestThatIsEndedByForceTakesItsSessionsWithItAndNoOthers() throws Exception {
        start();
        create("data");
        mark("now");
        long test = test("now");
        try (ForeignProgram _ = held("data");
                ForeignProgram _ = idle("test." + test + ".data")) {
            await(() -> metric("tidemark_iscsi_sessions") == 2);
            assertThatThrownBy(() -> stop(test, false)).hasMessageContaining("open");
            stop(test, true);
            await(() -> metric("tidemark_iscsi_sessions") == 1);
            double before = metric("tidemark_iscsi_commands_total{status=\"good\"}");
            await(() -> metric("tidemark_iscsi_commands_total{status=\"good\"}") > before + 1000);
            // Whoever lost its session comes back: only that of the test, and in vain.
            await(() -> {
                double refused = metric("tidemark_iscsi_refused_logins_total"); // the older one
                return metric("tidemark_iscsi_connections_opened_total") - refused == 2;
            });
            assertThat(discovered(INITIATOR)).containsExactly("data");
        }
    }

    private void stop(long test, boolean force) {
        api().post("/tests/" + test + "/stop", new StopTest("passed", "", "me", force));
    }

    /** A session that does nothing; QEMU waits for commands. */
    private ForeignProgram idle(String target) throws Exception {
        return ForeignProgram.start(opening(List.of("qemu-io"), target, 0).toArray(String[]::new));
    }

    /** A session that reads and reads. */
    private ForeignProgram held(String target) throws Exception {
        return ForeignProgram.start("iscsi-perf", "-i", INITIATOR, "-t", "300", url(target, 0));
    }

    @Test
    void disksMayHaveLargeBlocksAndInitiatorsMayBeSentElsewhere() throws Exception {
        settings.put("iscsi.blocks_of_4096", "large,odd");
        settings.put("iscsi.redirect", "moved* 127.0.0.1:1 permanent");
        start();
        create("large", "small");
        api().post("/volumes", new CreateVolume("odd", (8L << 20) + 512, null));
        assertThat(capacity("large")).contains("LOGICALBLOCKLENGTHINBYTES:4096");
        assertThat(capacity("small")).contains("LOGICALBLOCKLENGTHINBYTES:512");
        assertThat(qemuIo("odd", 0, "read 0 4k").status()).isNotZero();
        assertThat(qemuIo("moved-1", 0, "read 0 4k").status()).isNotZero();
        assertThat(metric("tidemark_iscsi_redirected_logins_total")).isPositive();
    }

    private String capacity(String name) throws Exception {
        return ForeignProgram.run("iscsi-readcapacity16", "-i", INITIATOR, url(name, 0))
                .replace(" ", "");
    }

    /** Each test's disk is a target; a session that works while they appear is not disturbed. */
    @Test
    void aThousandTargetsAppearWhileASessionWorks() throws Exception {
        settings.put("journal.pool", "8GiB");
        start();
        create("data");
        mark("now");
        List<String> all = Collections.nCopies(50, "now");
        try (ForeignProgram busy =
                ForeignProgram.start("iscsi-perf", "-i", INITIATOR, "-t", "300", url("data", 0))) {
            await(() -> metric("tidemark_iscsi_sessions") == 1);
            for (int drill = 0; drill < 20; drill++) {
                api().post("/tests", new StartTests(null, all, "", "me"));
                double before = metric("tidemark_iscsi_commands_total{status=\"good\"}");
                await(() -> metric("tidemark_iscsi_commands_total{status=\"good\"}") > before);
            }
            assertThat(discovered(INITIATOR)).hasSize(1001).contains("test.1000.data");
            does("test.777.data", 0, "write -P 0x77 0 64k", "read -P 0x77 0 64k");
            does("test.778.data", 0, "read -P 0 0 64k");
            assertThat(metric("tidemark_iscsi_connections_opened_total")).isEqualTo(4);
            assertThat(metric("tidemark_iscsi_sessions")).isEqualTo(1);
            assertThat(busy.running()).isTrue();
        }
    }
}
