package dev.tidemark.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.HealthDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.replica.Image;
import io.netty.buffer.Unpooled;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What cannot be opened is shown and refused, and takes nothing else along. */
final class UnopenedGroupTest {
    @TempDir private Path folder;

    private String damagedId = "";

    @BeforeEach
    void fill() throws Exception {
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient client = TestGateways.client(gateway);
            for (String group : List.of("bad", "good")) {
                client.post("/groups", new CreateGroup(group, null, null, null, null));
                client.post("/volumes", new CreateVolume(group + "-disk", 1L << 20, group));
                client.post("/tests", new StartTests(group, List.of("latest"), "", "me"));
            }
            writeToTest(gateway, "bad");
            damagedId = client.get("/groups/bad").as(GroupDocument.class).id();
        }
    }

    private static void writeToTest(Gateway gateway, String group) throws Exception {
        Image image = gateway.groups().get(group).engine().images().getFirst();
        BlockDevice disk = image.device(image.volumes().getFirst().id());
        CompletableFuture<Void> written = new CompletableFuture<>();
        disk.write(
                0,
                Unpooled.wrappedBuffer(new byte[] {1, 2, 3}),
                true,
                new Completion() {
                    @Override
                    public void succeeded() {
                        written.complete(null);
                    }

                    @Override
                    public void failed(BlockDeviceException failure) {
                        written.completeExceptionally(failure);
                    }
                });
        disk.submit();
        written.get(30, TimeUnit.SECONDS);
        disk.close();
    }

    private Path damagedFile(String prefix) throws Exception {
        try (Stream<Path> files = Files.walk(folder.resolve("groups/" + damagedId))) {
            return files.filter(file ->
                            Objects.toString(file.getFileName()).startsWith(prefix)
                                    && Files.isRegularFile(file))
                    .sorted()
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Returns the file as it was. */
    private static byte[] damage(Path file, int at) throws Exception {
        byte[] whole = Files.readAllBytes(file);
        byte[] broken = whole.clone();
        Arrays.fill(broken, at, at + 8, (byte) 0x5a);
        Files.write(file, broken);
        return whole;
    }

    @Test
    void theOthersAreServedAndItIsShownWithItsReason() throws Exception {
        damage(damagedFile("manifest-"), 20);
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient client = TestGateways.client(gateway);
            StatusDocument status = client.get("/status").as(StatusDocument.class);
            assertThat(status.ready()).isTrue();
            assertThat(status.groups())
                    .extracting(GroupDocument::name, GroupDocument::state)
                    .containsExactly(tuple("good", "normal"), tuple("bad", "failed"));
            GroupDocument bad = status.groups().getLast();
            assertThat(bad.reason()).contains("manifest-");
            assertThat(bad.volumes()).containsExactly("bad-disk");
            HealthDocument health = gateway.readiness();
            assertThat(health.status()).isEqualTo("degraded");
            assertThat(health.reasons()).singleElement().asString().contains("bad", "manifest-");
            assertThat(status.alertCounts()).containsEntry("group-failed", 1L);
            assertThat(gateway.volumes().find("good-disk")).isPresent();
            gateway.stop();
        }
    }

    @Test
    void whatBelongsToItIsRefusedWithTheReasonAndNothingPassesForIt() throws Exception {
        damage(damagedFile("manifest-"), 20);
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient client = TestGateways.client(gateway);
            assertThatThrownBy(() -> gateway.volumes().get("bad-disk"))
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContainingAll("bad could not be opened", "manifest-");
            assertThatThrownBy(() -> gateway.volumes().get("another"))
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContaining("no such volume");
            assertThatThrownBy(() -> client.get("/groups/bad/history"))
                    .hasMessageContaining("bad could not be opened");
            assertThatThrownBy(() ->
                            client.post("/volumes", new CreateVolume("bad-disk", 1L << 20, "good")))
                    .as("its names stay taken")
                    .hasMessageContaining("exists");
            assertThatThrownBy(() ->
                            client.post(
                                    "/tests", new StartTests(null, List.of("latest"), "", "me")))
                    .as("the only open group is not meant by everybody who names none")
                    .hasMessageContaining("which group");
            assertThatThrownBy(() -> client.delete("/groups/bad"))
                    .hasMessageContaining("bad could not be opened");
        }
    }

    @Test
    void itsTestsGoOnOnceItIsMended() throws Exception {
        Path manifest = damagedFile("manifest-");
        byte[] whole = damage(manifest, 20);
        try (Gateway gateway = TestGateways.start(folder)) {
            TestDocument test = TestGateways.client(gateway).get("/tests/1").as(TestDocument.class);
            assertThat(test.state()).isEqualTo("failed");
            assertThat(test.failure()).contains("manifest-");
            assertThat(test.verdict()).isNull();
            assertThat(test.exports()).isEmpty();
            gateway.stop();
        }
        Files.write(manifest, whole);
        try (Gateway gateway = TestGateways.start(folder)) {
            assertThat(gateway.readiness().status()).isEqualTo("up");
            TestDocument test = TestGateways.client(gateway).get("/tests/1").as(TestDocument.class);
            assertThat(test.state()).isEqualTo("running");
            assertThat(test.failure()).isEmpty();
            assertThat(test.exports()).hasSize(1);
        }
    }

    @Test
    void aGroupWhoseDirectoryWasMovedAwayCanBeGivenUp() throws Exception {
        Files.move(folder.resolve("groups/" + damagedId), folder.resolve("aside"));
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient client = TestGateways.client(gateway);
            client.delete("/groups/bad");
            assertThat(gateway.readiness().status()).isEqualTo("up");
            client.post("/volumes", new CreateVolume("bad-disk", 1L << 20, "good"));
        }
        assertThat(folder.resolve("aside")).isDirectory();
    }

    @Test
    void aTestWithADamagedWriteLogIsShownAndCanBeStoppedWhileItsGroupWorks() throws Exception {
        damage(damagedFile("log-"), 24);
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient client = TestGateways.client(gateway);
            assertThat(gateway.readiness().status()).isEqualTo("up");
            assertThat(gateway.volumes().find("bad-disk")).isPresent();
            assertThat(client.get("/status").as(StatusDocument.class).alertCounts())
                    .containsEntry("test-failed", 1L);
            TestDocument test = client.get("/tests/1").as(TestDocument.class);
            assertThat(test.state()).isEqualTo("failed");
            assertThat(test.failure()).contains("log-");
            assertThat(client.get("/tests/2").as(TestDocument.class).state()).isEqualTo("running");
            client.post("/tests/1/stop", new StopTest("inconclusive", "damaged", "me", false));
            assertThat(client.get("/tests/1").as(TestDocument.class).state()).isEqualTo("ended");
        }
        try (Stream<Path> left = Files.list(folder.resolve("groups/" + damagedId + "/images"))) {
            assertThat(left).isEmpty();
        }
    }
}
