package dev.tidemark.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.config.SettingsReader;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GatewayTest {
    @TempDir private Path folder;

    private static void createDisk(Gateway gateway) {
        TestGateways.client(gateway).post("/volumes", new CreateVolume("disk", 1L << 20, null));
    }

    @Test
    void theTokenIsItsOwnersOnlyAndStaysTheSame() throws Exception {
        String first;
        try (Gateway gateway = TestGateways.start(folder)) {
            first = gateway.token();
            assertThat(
                            PosixFilePermissions.toString(
                                    Files.getPosixFilePermissions(folder.resolve("token"))))
                    .isEqualTo("rw-------");
        }
        Files.setPosixFilePermissions(
                folder.resolve("token"), PosixFilePermissions.fromString("rw-r--r--"));
        try (Gateway gateway = TestGateways.start(folder)) {
            assertThat(gateway.token()).isEqualTo(first).hasSizeGreaterThan(40);
            assertThat(
                            PosixFilePermissions.toString(
                                    Files.getPosixFilePermissions(folder.resolve("token"))))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void aTokenFileWithoutATokenIsRefused() throws Exception {
        Files.writeString(folder.resolve("token"), "short\n");
        assertThatThrownBy(() -> TestGateways.start(folder))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("holds no token")
                .hasMessageContaining("delete the file");
    }

    @Test
    void volumesTestsAndGroupsSurviveARestart() throws Exception {
        try (Gateway gateway = TestGateways.start(folder)) {
            createDisk(gateway);
            TestGateways.client(gateway)
                    .post("/tests", new StartTests(null, List.of("latest"), "why", "me"));
        }
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient client = TestGateways.client(gateway);
            assertThat(client.get("/volumes").asList(VolumeDocument.class))
                    .extracting(VolumeDocument::name)
                    .containsExactly("disk");
            assertThat(client.get("/tests").asList(TestDocument.class))
                    .singleElement()
                    .satisfies(test -> {
                        assertThat(test.state()).isEqualTo("running");
                        assertThat(test.startedBy()).isEqualTo("me");
                        assertThat(test.exports().getFirst().name()).isEqualTo("test.1.disk");
                    });
            gateway.stop();
        }
    }

    @Test
    void aLostCatalogueIsMadeAnewAndGroupsAndTestsAreAdopted() throws Exception {
        try (Gateway gateway = TestGateways.start(folder)) {
            createDisk(gateway);
            TestGateways.client(gateway)
                    .post("/tests", new StartTests(null, List.of("latest"), "why", "me"));
        }
        Files.delete(folder.resolve("catalogue.sqlite"));
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient client = TestGateways.client(gateway);
            assertThat(client.get("/groups").asList(GroupDocument.class))
                    .singleElement()
                    .satisfies(group -> {
                        assertThat(group.name()).startsWith("adopted-");
                        assertThat(group.volumes()).containsExactly("disk");
                    });
            assertThat(client.get("/tests").asList(TestDocument.class))
                    .singleElement()
                    .satisfies(test -> {
                        assertThat(test.state()).isEqualTo("running");
                        assertThat(test.note()).contains("adopted");
                    });
        }
    }

    @Test
    void aRecordWhoseImageIsGoneBecomesInconclusive() throws Exception {
        long id;
        try (Gateway gateway = TestGateways.start(folder)) {
            createDisk(gateway);
            DrillDocument drill =
                    TestGateways.client(gateway)
                            .post("/tests", new StartTests(null, List.of("latest"), "why", "me"))
                            .as(DrillDocument.class);
            id = drill.tests().getFirst().id();
            var image = gateway.groups().all().getFirst().engine().images().getFirst();
            gateway.groups().all().getFirst().engine().stopImage(image.id(), true).get();
        }
        try (Gateway gateway = TestGateways.start(folder)) {
            TestDocument test =
                    TestGateways.client(gateway).get("/tests/" + id).as(TestDocument.class);
            assertThat(test.verdict()).isEqualTo("inconclusive");
            assertThat(test.note()).contains("why").contains("image was gone");
        }
    }

    @Test
    void aDirectoryInUseIsOneMessageThatNamesTheProcess() throws Exception {
        try (Gateway gateway = TestGateways.start(folder)) {
            assertThatThrownBy(() -> TestGateways.start(folder))
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContaining("another gateway uses the data directory")
                    .hasMessageContaining(Long.toString(ProcessHandle.current().pid()));
            createDisk(gateway);
        }
    }

    @Test
    void aPortInUseIsOneMessageAndTheDirectoryIsFreeAgain() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + taken.getLocalPort();
            assertThatThrownBy(() ->
                            Gateway.start(
                                    new SettingsReader()
                                            .override("data.directory", folder.toString())
                                            .override("nbd.listen", address)
                                            .override("api.listen", "127.0.0.1:0")
                                            .seal()))
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContaining("NBD cannot listen")
                    .hasMessageContaining(Integer.toString(taken.getLocalPort()));
            assertThatThrownBy(() ->
                            Gateway.start(
                                    new SettingsReader()
                                            .override("data.directory", folder.toString())
                                            .override("nbd.listen", "127.0.0.1:0")
                                            .override("api.listen", address)
                                            .seal()))
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContaining("the API cannot listen")
                    .hasMessageContaining(address);
        }
        TestGateways.start(folder).close();
    }

    @Test
    void aGroupWithACorruptManifestIsNotOpenedAndNothingIsChanged() throws Exception {
        try (Gateway gateway = TestGateways.start(folder)) {
            createDisk(gateway);
        }
        Path manifest = find("manifest-");
        byte[] bytes = Files.readAllBytes(manifest);
        bytes[20] ^= 0x40;
        Files.write(manifest, bytes);
        Map<String, Integer> before = contents();
        try (Gateway gateway = TestGateways.start(folder)) {
            assertThat(gateway.readiness().status()).isEqualTo("down");
            assertThat(gateway.readiness().reasons())
                    .singleElement()
                    .asString()
                    .contains("group default", "manifest");
            gateway.stop();
        }
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void aGroupWithoutItsDirectoryIsNotOpened() throws Exception {
        try (Gateway gateway = TestGateways.start(folder)) {
            createDisk(gateway);
        }
        Path groups = folder.resolve("groups");
        Path group = find("manifest-").getParent();
        assertThat(group).isNotNull();
        Files.move(group, folder.resolve("elsewhere"));
        try (Gateway gateway = TestGateways.start(folder)) {
            assertThat(gateway.readiness().reasons())
                    .singleElement()
                    .asString()
                    .contains("group default is missing", "mount or restore it");
        }
        Files.move(folder.resolve("elsewhere"), groups.resolve(group.getFileName()));
        TestGateways.start(folder).close();
    }

    private Path find(String prefix) throws Exception {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(path -> String.valueOf(path.getFileName()).startsWith(prefix))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Names and content hashes of the groups' files. */
    private Map<String, Integer> contents() throws Exception {
        Map<String, Integer> all = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder.resolve("groups"))) {
            for (Path path : files.filter(Files::isRegularFile).toList()) {
                String text = Files.readString(path, StandardCharsets.ISO_8859_1);
                all.put(path.toString(), path.endsWith("lock") ? 0 : text.hashCode());
            }
        }
        return all;
    }
}
