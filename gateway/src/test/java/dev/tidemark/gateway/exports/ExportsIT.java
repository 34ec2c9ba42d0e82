package dev.tidemark.gateway.exports;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.TestGateways;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Export names as nbdinfo, qemu-io and nbdsh see them. */
final class ExportsIT {
    @TempDir private Path folder;
    private Gateway gateway;
    private ApiClient api;

    @BeforeEach
    void start() throws Exception {
        gateway = TestGateways.start(folder);
        api = TestGateways.client(gateway);
        api.post("/volumes", new CreateVolume("disk", 8L << 20, null));
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + gateway.dataDirectory().resolve("nbd.sock");
    }

    private void write(String export, String pattern) throws Exception {
        ForeignProgram.Outcome outcome =
                ForeignProgram.outcome(
                        "qemu-io",
                        "-f",
                        "raw",
                        "-c",
                        "write -P " + pattern + " 1M 64k",
                        "-c",
                        "flush",
                        uri(export));
        assertThat(outcome.status()).as(outcome.printed()).isZero();
    }

    private void reads(String export, String pattern) throws Exception {
        ForeignProgram.Outcome outcome =
                ForeignProgram.outcome(
                        "qemu-io",
                        "-r",
                        "-f",
                        "raw",
                        "-c",
                        "read -P " + pattern + " 1M 64k",
                        uri(export));
        assertThat(outcome.printed()).as(export).doesNotContain("Pattern verification failed");
        assertThat(outcome.status()).as(outcome.printed()).isZero();
    }

    private JsonNode info(String export) throws Exception {
        ForeignProgram.Outcome outcome = ForeignProgram.outcome("nbdinfo", "--json", uri(export));
        assertThat(outcome.status()).as(outcome.printed()).isZero();
        return Json.MAPPER.readTree(outcome.printed()).path("exports").get(0);
    }

    private CheckpointDocument mark(String name) {
        return api.post("/groups/default/checkpoints", new AddCheckpoint(name, ""))
                .as(CheckpointDocument.class);
    }

    @Test
    void aPointIsReadOnlyAndShowsItsCanonicalNameAndTime() throws Exception {
        write("disk", "0x11");
        CheckpointDocument mark =
                api.post("/groups/default/checkpoints", new AddCheckpoint("first", "good"))
                        .as(CheckpointDocument.class);
        write("disk", "0x22");
        for (String point : List.of("first", "seq:" + mark.sequence(), mark.time())) {
            reads("disk@" + point, "0x11");
            JsonNode export = info("disk@" + point);
            assertThat(export.path("export-name").asText())
                    .isEqualTo("disk@seq:" + mark.sequence());
            assertThat(export.path("description").asText())
                    .contains(mark.time(), "checkpoint first: good");
            assertThat(export.path("is_read_only").asBoolean()).isTrue();
        }
        reads("disk", "0x22");
        reads("disk@latest", "0x22");
        assertThat(
                        ForeignProgram.outcome(
                                        "qemu-io",
                                        "-f",
                                        "raw",
                                        "-c",
                                        "write 0 512",
                                        uri("disk@first"))
                                .status())
                .isNotZero();
    }

    @Test
    void onlyNamesThatCannotMoveOfferSeveralConnections() throws Exception {
        write("disk", "0x11");
        CheckpointDocument mark = mark("first");
        assertThat(info("disk").path("can_multi_conn").asBoolean()).isTrue();
        assertThat(info("disk@seq:" + mark.sequence()).path("can_multi_conn").asBoolean()).isTrue();
        assertThat(info("disk@latest").path("can_multi_conn").asBoolean()).isFalse();
        assertThat(info("disk@first").path("can_multi_conn").asBoolean()).isFalse();
    }

    @Test
    void aMovingNameMeansTheSameInstantWithinItsLease() throws Exception {
        write("disk", "0x11");
        String first = info("disk@latest").path("export-name").asText();
        write("disk", "0x22");
        assertThat(info("disk@latest").path("export-name").asText()).isEqualTo(first);
        reads("disk@latest", "0x11");
    }

    @Test
    void connectionsOfOneInstantShareAViewThatClosesWithTheLast() throws Exception {
        write("disk", "0x11");
        mark("first");
        String script =
                """
                import nbd, urllib.request
                uri = '%s'
                a = nbd.NBD(); a.connect_uri(uri)
                b = nbd.NBD(); b.connect_uri(uri)
                assert a.pread(512, 1048576) == b.pread(512, 1048576)
                def views():
                    request = urllib.request.Request('%s/api/v1/status', headers={'Authorization': 'Bearer %s'})
                    import json
                    return json.load(urllib.request.urlopen(request))['openViews']
                assert views() == 1, views()
                a.shutdown()
                assert b.pread(1, 1048576) == b'\\x11'
                assert views() == 1, views()
                b.shutdown()
                """
                        .formatted(uri("disk@first"), gateway.apiUri(), gateway.token());
        ForeignProgram.Outcome outcome = ForeignProgram.outcome("python3", "-c", script);
        assertThat(outcome.status()).as(outcome.printed()).isZero();
        awaitZero(this::views);
    }

    /** A client may have ended before the gateway has noticed. */
    private static void awaitZero(IntSupplier count) {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (count.getAsInt() != 0 && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(count.getAsInt()).isZero();
    }

    private int views() {
        return api.get("/status").as(StatusDocument.class).openViews();
    }

    @Test
    void aTestsDiskIsWritableAndSeenByNobodyElse() throws Exception {
        write("disk", "0x11");
        mark("first");
        api.post("/tests", new StartTests(null, List.of("first", "first"), "", "me"));
        write("test.1.disk", "0x33");
        reads("test.1.disk", "0x33");
        reads("test.2.disk", "0x11");
        reads("disk", "0x11");
        assertThat(api.get("/tests/1").as(TestDocument.class).writtenBytes()).isEqualTo(64 << 10);
        awaitZero(() -> api.get("/tests/1").as(TestDocument.class).openHandles());
        api.post("/tests/1/stop", new StopTest("passed", "", "me", null));
        ForeignProgram.Outcome gone =
                ForeignProgram.outcome("qemu-img", "info", uri("test.1.disk"));
        assertThat(gone.status()).isNotZero();
        assertThat(gone.printed()).contains("test 1 has ended");
    }

    @Test
    void aPrivateCopyIsWritableKeptForAClientThatComesBackAndSeenByNobodyElse() throws Exception {
        write("disk", "0x11");
        CheckpointDocument mark = mark("first");
        write("disk@first~rw", "0x33");
        reads("disk@first~rw", "0x33");
        reads("disk@seq:" + mark.sequence() + "~rw", "0x33");
        reads("disk@first~rw=other", "0x11");
        reads("disk@first", "0x11");
        reads("disk", "0x11");
        JsonNode export = info("disk@first~rw");
        assertThat(export.path("export-name").asText())
                .isEqualTo("disk@seq:" + mark.sequence() + "~rw");
        assertThat(export.path("is_read_only").asBoolean()).isFalse();
        assertThat(ForeignProgram.outcome("qemu-img", "info", uri("disk@first~ro")).printed())
                .contains("not a private copy");
    }

    @Test
    void whatACrashLeftOfAPrivateCopyIsDiscardedByTheNextStart() throws Exception {
        write("disk", "0x11");
        mark("first");
        write("disk@first~rw", "0x33");
        gateway.close();
        gateway = TestGateways.start(folder);
        api = TestGateways.client(gateway);
        reads("disk@first~rw", "0x11");
        assertThat(api.get("/tests").asList(TestDocument.class)).isEmpty();
    }

    @Test
    void theListShowsLiveDisksCheckpointsAndTests() throws Exception {
        mark("first");
        api.post("/tests", new StartTests(null, List.of("first"), "", "me"));
        ForeignProgram.Outcome list = ForeignProgram.outcome("nbdinfo", "--list", uri(""));
        assertThat(list.printed())
                .contains("export=\"disk\"")
                .containsPattern("export=\"disk@seq:\\d+\"")
                .contains("export=\"test.1.disk\"");
    }

    @Test
    void aWrongNameIsAnsweredWithWhatToDo() throws Exception {
        mark("first");
        assertThat(ForeignProgram.outcome("qemu-img", "info", uri("dsk")).printed())
                .contains("did you mean \"disk\"?");
        assertThat(ForeignProgram.outcome("qemu-img", "info", uri("disk@nowhere")).printed())
                .contains("nowhere");
        assertThat(ForeignProgram.outcome("qemu-img", "info", uri("disk@-5x")).printed())
                .contains("not a point in time");
        assertThat(
                        ForeignProgram.outcome("qemu-img", "info", uri("disk@2999-01-01T00:00:00Z"))
                                .printed())
                .contains("has not come yet");
        assertThat(ForeignProgram.outcome("qemu-img", "info", uri("disk@seq:99999")).printed())
                .contains("99999");
        assertThat(ForeignProgram.outcome("qemu-img", "info", uri("test.77.disk")).printed())
                .contains("no such test");
    }
}
