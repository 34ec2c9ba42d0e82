package dev.tidemark.harness;

import static dev.tidemark.harness.BlockModel.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The file system below runs full: hosts are told or wait, an alert says why, nothing is lost, and
 * with room again all goes on.
 */
@Timeout(180)
final class FullDiskIT {
    private static final String GROUP = "default";
    private static final int DISK_BLOCKS = 16 << 10;
    private static final int RUN_BLOCKS = 64;
    private static final int ENOSPC = 28;

    private final LoopDisk below;
    private final GatewayProcess gateway;
    private final BlockModel model = new BlockModel("disk", 1, DISK_BLOCKS, null);

    /** A write that the gateway keeps waiting. */
    private CompletableFuture<byte[]> waiting = CompletableFuture.completedFuture(new byte[0]);

    FullDiskIT(@TempDir Path folder) throws Exception {
        below = new LoopDisk(folder, 400 << 20);
        gateway =
                new GatewayProcess(below.path())
                        .set("journal.storage_unit", "\"4MiB\"")
                        .set("journal.pool", "\"4GiB\"");
    }

    @AfterEach
    void unmount() throws Exception {
        gateway.close();
        below.unmount();
    }

    /**
     * Writes one run of blocks; returns false when the gateway says that there is no room, or keeps
     * a write waiting.
     */
    private boolean write(NbdTestClient client, int first) throws Exception {
        if (!answered()) {
            return false;
        }
        int write = model.nextWrite();
        model.sent(first, RUN_BLOCKS, write);
        byte[] payload = model.payload(first, RUN_BLOCKS, write);
        waiting =
                client.startWrite((long) first * BLOCK_BYTES, payload, false)
                        .thenApply(reply -> {
                            model.acknowledged(first, RUN_BLOCKS, write);
                            return reply;
                        });
        return answered() && !waiting.isCompletedExceptionally();
    }

    private boolean answered() throws Exception {
        try {
            waiting.get(5, TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            assertThat(e.getCause())
                    .isInstanceOfSatisfying(
                            NbdTestClient.RemoteException.class,
                            error -> assertThat(error.errno()).isEqualTo(ENOSPC));
            return true;
        }
    }

    private void writeUntilFull(NbdTestClient client) throws Exception {
        for (int i = 0; i < 4000; i++) {
            int first = i * RUN_BLOCKS % DISK_BLOCKS;
            if (!write(client, first)) {
                return;
            }
        }
        throw new AssertionError(
                "1 GiB was written and there is still room: " + below.freeBytes() + " bytes");
    }

    private void expectContent(String export) throws IOException {
        try (NbdTestClient client = gateway.connect(export)) {
            client.readAll(waiting.isDone() ? model::settle : model::expectPossible);
        }
    }

    @Test
    void a_full_disk_loses_nothing_and_goes_on_when_there_is_room() throws Exception {
        gateway.start();
        gateway.api().createVolume("disk", (long) DISK_BLOCKS * BLOCK_BYTES, null);
        try (NbdTestClient client = gateway.connect("disk")) {
            assertThat(write(client, 0)).isTrue();
            gateway.api().addCheckpoint(GROUP, "before");
            BlockModel.Snapshot before = model.snapshot();
            below.fillUpTo(48 << 20);
            writeUntilFull(client);
            expectContent("disk");
            expectBefore(before);
            assertThat(gateway.api().get("/api/v1/alerts")).containsIgnoringCase("space");
            below.freeAgain();
            Await.until("room again", Duration.ofSeconds(60), () -> write(client, 0));
            client.flush();
        }
        expectContent("disk");
        gateway.kill();
        gateway.start();
        expectContent("disk");
        assertThat(gateway.stop()).isZero();
    }

    private void expectBefore(BlockModel.Snapshot before) throws IOException {
        try (NbdTestClient client = gateway.connect("disk@before")) {
            client.readAll((offsetBytes, content) ->
                    BlockModel.check(before, "disk@before", offsetBytes, content));
        }
    }

    @Test
    void a_gateway_that_is_killed_on_a_full_disk_starts_again() throws Exception {
        gateway.start();
        gateway.api().createVolume("disk", (long) DISK_BLOCKS * BLOCK_BYTES, null);
        try (NbdTestClient client = gateway.connect("disk")) {
            below.fillUpTo(48 << 20);
            writeUntilFull(client);
            gateway.kill();
        }
        below.freeAgain();
        gateway.start();
        expectContent("disk");
        assertThat(gateway.stop()).isZero();
    }
}
