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
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Incremental backup with the programs that know qemu's dirty bitmaps, between two checkpoints. */
final class IncrementalBackupIT {
    private static final long SIZE_BYTES = 32 << 20;
    private static final String CONTEXT = "qemu:dirty-bitmap:monday";

    @TempDir private Path folder;
    private Gateway gateway;
    private ApiClient api;

    @BeforeEach
    void aDiskWithTwoMarkedMoments() throws Exception {
        gateway = TestGateways.start(folder.resolve("gateway"));
        api = TestGateways.client(gateway);
        api.post("/volumes", new CreateVolume("disk", SIZE_BYTES, null));
        io("write -P 0x11 0 8M", "write -P 0x12 12M 1M", "write -P 0x13 20M 64k");
        mark("monday");
        io(
                "write -P 0x21 1M 64k",
                "write -P 0x22 5000k 3k",
                "discard 12M 512k",
                "write -z 2M 128k",
                "write -P 0x23 30M 1M");
        mark("tuesday");
        io("write -P 0x31 4M 1M");
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private void io(String... commands) throws Exception {
        List<String> program = new ArrayList<>(List.of("qemu-io", "-f", "raw", "-d", "unmap"));
        for (String command : commands) {
            program.addAll(List.of("-c", command));
        }
        program.addAll(List.of("-c", "flush", uri("disk")));
        ForeignProgram.run(program.toArray(String[]::new));
    }

    private void mark(String name) {
        api.post("/groups/default/checkpoints", new AddCheckpoint(name, ""));
    }

    private Path socket() {
        return gateway.dataDirectory().resolve("nbd.sock");
    }

    private String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + socket();
    }

    private Path copy(String export, String name) throws Exception {
        Path file = folder.resolve(name);
        ForeignProgram.run("nbdcopy", uri(export), file.toString());
        return file;
    }

    /** Dirty 512-byte sectors, as qemu-img tells them: what is dirty counts as no data. */
    private BitSet dirtyByQemu() throws Exception {
        String options =
                "driver=nbd,export=disk@tuesday,server.type=unix,server.path=%s,x-dirty-bitmap=%s"
                        .formatted(socket(), CONTEXT);
        String json =
                ForeignProgram.run("qemu-img", "map", "--output=json", "--image-opts", options);
        BitSet dirty = new BitSet();
        for (JsonNode extent : Json.MAPPER.readTree(json)) {
            int start = (int) (extent.path("start").asLong() / 512);
            int length = (int) (extent.path("length").asLong() / 512);
            dirty.set(start, start + length, !extent.path("data").asBoolean());
        }
        return dirty;
    }

    private static void set(BitSet dirty, int startKib, int lengthKib) {
        dirty.set(startKib * 2, (startKib + lengthKib) * 2);
    }

    @Test
    void qemuSeesExactlyWhatChangedBetweenTheCheckpoints() throws Exception {
        BitSet expected = new BitSet();
        set(expected, 1024, 64);
        set(expected, 5000, 3);
        set(expected, 12 << 10, 512);
        set(expected, 2048, 128);
        set(expected, 30 << 10, 1024);
        assertThat(dirtyByQemu()).isEqualTo(expected);
    }

    @Test
    void aFullCopyAndTheDirtyExtentsAreTheDiskAtTheLaterMoment() throws Exception {
        Path backup = copy("disk@monday", "backup.raw");
        Path whole = copy("disk@tuesday", "whole.raw");
        assertThat(Files.mismatch(backup, whole)).isNotNegative();
        BitSet dirty = dirtyByQemu();
        try (RandomAccessFile from = new RandomAccessFile(whole.toFile(), "r");
                RandomAccessFile to = new RandomAccessFile(backup.toFile(), "rw")) {
            byte[] sector = new byte[512];
            for (int i = dirty.nextSetBit(0); i >= 0; i = dirty.nextSetBit(i + 1)) {
                from.seek(i * 512L);
                from.readFully(sector);
                to.seek(i * 512L);
                to.write(sector);
            }
        }
        assertThat(Files.mismatch(backup, whole)).isEqualTo(-1);
    }

    /** The same as a backup program written on libnbd does it: only dirty bytes are read. */
    @Test
    void aBackupThatReadsOnlyDirtyExtentsRestoresTheDisk() throws Exception {
        Path backup = copy("disk@monday", "backup.raw");
        Path whole = copy("disk@tuesday", "whole.raw");
        String script =
                """
                import nbd
                h = nbd.NBD()
                h.add_meta_context('%s')
                h.connect_uri('%s')
                assert h.can_meta_context('%s')
                size, at, read = h.get_size(), 0, 0
                with open('%s', 'r+b') as backup:
                    while at < size:
                        found = []
                        def extents(context, offset, entries, error):
                            found.extend(entries)
                        h.block_status(size - at, at, extents)
                        for length, flags in zip(found[::2], found[1::2]):
                            done = 0
                            while flags & 1 and done < length:
                                part = min(length - done, 1 << 20)
                                backup.seek(at + done)
                                backup.write(h.pread(part, at + done))
                                done += part
                                read += part
                            at += length
                assert 0 < read < 3 << 20, read
                h.shutdown()
                """
                        .formatted(CONTEXT, uri("disk@tuesday"), CONTEXT, backup);
        ForeignProgram.run("python3", "-c", script);
        assertThat(Files.mismatch(backup, whole)).isEqualTo(-1);
    }

    @Test
    void theLiveDiskTellsWhatChangedUpToNow() throws Exception {
        String map = ForeignProgram.run("nbdinfo", "--map=qemu:dirty-bitmap:tuesday", uri("disk"));
        assertThat(map.lines().filter(line -> line.contains("dirty")))
                .singleElement()
                .asString()
                .contains(Long.toString(4 << 20))
                .contains(Long.toString(1 << 20));
        String allocation = ForeignProgram.run("nbdinfo", "--map", uri("disk@monday"));
        assertThat(allocation).contains("hole,zero").contains("data");
        assertThat(ForeignProgram.run("nbdinfo", "--list", uri("disk")))
                .contains("qemu:dirty-bitmap:monday")
                .contains("base:allocation");
    }
}
