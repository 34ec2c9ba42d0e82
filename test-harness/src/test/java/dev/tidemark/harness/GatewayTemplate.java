package dev.tidemark.harness;

import static dev.tidemark.harness.BlockModel.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A data directory with something in all of its files: folded and unfolded writes, a tagged
 * checkpoint, a running test with writes of its own, and a second group whose files are strangers
 * to the first. Made once, copied for each use.
 */
final class GatewayTemplate {
    static final String DISK = "disk";
    static final String CHECKPOINT = "good";
    static final String GROUP = "first";
    static final String OTHER_GROUP = "second";

    private static final int DISK_BLOCKS = 1024;
    private static final int RUN_BLOCKS = 64;
    private static final int ROUNDS = 6;

    private final Path folder;
    private final BlockModel disk = new BlockModel(DISK, 1, DISK_BLOCKS, null);
    private BlockModel.Snapshot good = disk.snapshot();
    private BlockModel image = new BlockModel("no test yet", 2, DISK_BLOCKS, good);
    private String imageExport = "";
    private BlockModel.Snapshot stoppedDisk = good;
    private byte[] forced = new byte[0];
    private String groupId = "";
    private String otherGroupId = "";

    private GatewayTemplate(Path folder) {
        this.folder = folder;
    }

    static GatewayTemplate make(Path folder) throws Exception {
        GatewayTemplate template = new GatewayTemplate(folder);
        try (GatewayProcess gateway = template.gateway(folder.resolve("made"))) {
            gateway.start();
            template.fill(gateway);
            assertThat(gateway.stop()).isZero();
            template.keep(gateway, "stopped");
            template.stoppedDisk = template.disk.snapshot();
            gateway.start();
            // Forced, and followed by records that say so.
            template.forced = write(gateway, DISK, template.disk, ROUNDS + 1, 1);
            write(gateway, DISK, template.disk, ROUNDS + 2, 1);
            gateway.kill();
            template.keep(gateway, "killed");
        }
        return template;
    }

    private GatewayProcess gateway(Path home) throws IOException {
        return new GatewayProcess(home)
                .set("journal.storage_unit", "\"1MiB\"")
                .set("journal.pool", "\"64MiB\"");
    }

    private void fill(GatewayProcess gateway) throws Exception {
        for (String group : List.of(GROUP, OTHER_GROUP)) {
            gateway.api().createGroup(new CreateGroup(group, null, null, null, "60s"));
        }
        groupId = gateway.api().group(GROUP).id();
        otherGroupId = gateway.api().group(OTHER_GROUP).id();
        gateway.api().createVolume(DISK, (long) DISK_BLOCKS * BLOCK_BYTES, GROUP);
        gateway.api().createVolume("stranger", (long) DISK_BLOCKS * BLOCK_BYTES, OTHER_GROUP);
        BlockModel stranger = new BlockModel("stranger", 3, DISK_BLOCKS, null);
        for (int round = 1; round <= ROUNDS; round++) {
            write(gateway, DISK, disk, round, RUN_BLOCKS);
            write(gateway, "stranger", stranger, round, RUN_BLOCKS);
            if (round == ROUNDS / 2) {
                good = disk.snapshot();
                gateway.api().addCheckpoint(GROUP, CHECKPOINT);
            }
            gateway.api().addCheckpoint(GROUP, "round-" + round);
            gateway.api().addCheckpoint(OTHER_GROUP, "round-" + round);
            gateway.api().awaitFolded(GROUP);
        }
        long test = gateway.api().startTests(GROUP, CHECKPOINT).tests().getFirst().id();
        imageExport = "test." + test + "." + DISK;
        image = new BlockModel(imageExport, 2, DISK_BLOCKS, good);
        write(gateway, imageExport, image, 1, RUN_BLOCKS);
    }

    /** Writes runs of blocks and flushes; returns what the first write put into its first block. */
    private static byte[] write(
            GatewayProcess gateway, String export, BlockModel model, int round, int blocks)
            throws IOException {
        byte[] head = new byte[0];
        try (NbdTestClient client = gateway.connect(export)) {
            for (int first = round * 16; first + blocks < DISK_BLOCKS; first += 3 * RUN_BLOCKS) {
                int write = model.nextWrite();
                model.sent(first, blocks, write);
                byte[] payload = model.payload(first, blocks, write);
                client.write((long) first * BLOCK_BYTES, payload);
                head = head.length == 0 ? Arrays.copyOf(payload, BLOCK_BYTES) : head;
                model.acknowledged(first, blocks, write);
            }
            client.flush();
        }
        return head;
    }

    private void keep(GatewayProcess gateway, String name) throws Exception {
        copy(gateway.data(), folder.resolve(name));
    }

    private static void copy(Path from, Path to) throws Exception {
        ForeignProgram.run("cp", "-a", "--sparse=always", from.toString(), to.toString());
    }

    /** A gateway that is not started, on a copy of the directory after a clean stop. */
    GatewayProcess stopped(Path home) throws Exception {
        return on("stopped", home);
    }

    /** A gateway that is not started, on a copy of the directory after a kill. */
    GatewayProcess killed(Path home) throws Exception {
        return on("killed", home);
    }

    private GatewayProcess on(String name, Path home) throws Exception {
        Files.createDirectories(home);
        GatewayProcess gateway = gateway(home);
        copy(folder.resolve(name), gateway.data());
        return gateway;
    }

    /**
     * Where a write lies that was forced and is not folded: in a redo segment of the copy after a
     * kill.
     */
    Spot forced(GatewayProcess gateway) throws IOException {
        for (Path file : Damage.files(group(gateway), "redo-")) {
            int position = indexOf(Files.readAllBytes(file), forced);
            if (position >= 0) {
                return new Spot(file, position);
            }
        }
        throw new AssertionError("no redo segment holds the last writes");
    }

    /** A place in a file. */
    record Spot(Path file, int position) {}

    private static int indexOf(byte[] content, byte[] part) {
        for (int at = 0; at + part.length <= content.length; at += Long.BYTES) {
            if (Arrays.equals(content, at, at + part.length, part, 0, part.length)) {
                return at;
            }
        }
        return -1;
    }

    /** The group's directory in a copy. */
    Path group(GatewayProcess gateway) {
        return gateway.data().resolve("groups").resolve(groupId);
    }

    Path otherGroup(GatewayProcess gateway) {
        return gateway.data().resolve("groups").resolve(otherGroupId);
    }

    /** Everything is there: the live disk, the past, and the test with its writes. */
    void expectAll(GatewayProcess gateway, boolean killed) throws IOException {
        expect(gateway, DISK, killed ? disk.snapshot() : stoppedDisk);
        expect(gateway, DISK + "@" + CHECKPOINT, good);
        expect(gateway, imageExport, image.snapshot());
    }

    private static void expect(GatewayProcess gateway, String export, BlockModel.Snapshot expected)
            throws IOException {
        try (NbdTestClient client = gateway.connect(export)) {
            client.readAll((offsetBytes, content) ->
                    BlockModel.check(expected, export, offsetBytes, content));
        }
    }
}
