package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The initiators that people use, against the server. */
@Timeout(300)
final class IscsiClientsIT {
    private static final int DISK_BYTES = 64 << 20;

    /** libiscsi shows and takes the two bytes of a LUN as they are (SAM-5 section 4.7.7.3). */
    private static final int FLAT_SPACE = 0x4000;

    @TempDir Path folder;

    private final TestDisk disk = new TestDisk(DISK_BYTES);
    private TestServer server;
    private String url = "";

    @BeforeEach
    void start() throws IOException {
        server =
                new TestServer(
                        new TestCatalog()
                                .add("disk", disk)
                                .add("many", 0, TestCatalog.unit("m0", 512, false), disk(1))
                                .add("many", 1, TestCatalog.unit("m1", 4096, false), disk(2))
                                .add("many", 300, TestCatalog.unit("m300", 512, false), disk(3)));
        url = server.url("disk", 0);
    }

    private static TestDisk disk(int mebibytes) {
        return new TestDisk((long) mebibytes << 20);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Path image(long seed) throws IOException {
        byte[] content = new byte[DISK_BYTES];
        new Random(seed).nextBytes(content);
        return Files.write(folder.resolve("image"), content);
    }

    @Test
    void iscsi_ls_finds_every_target_and_unit() throws Exception {
        assertThat(ForeignProgram.run("iscsi-ls", "-s", "iscsi://" + server.portal()))
                .contains("Target:" + TestCatalog.PREFIX + "disk")
                .contains("Target:" + TestCatalog.PREFIX + "many")
                .contains("Portal:" + server.portal() + ",1")
                .contains("Lun:0")
                .contains("Lun:1 ")
                .contains("Lun:" + (FLAT_SPACE | 300));
    }

    @Test
    void a_unit_beyond_255_is_reached_by_its_flat_space_number() throws Exception {
        assertThat(ForeignProgram.run("iscsi-readcapacity16", server.url("many", FLAT_SPACE | 300)))
                .contains("Total size:" + (3 << 20));
    }

    @Test
    void iscsi_inq_reads_what_the_unit_is() throws Exception {
        assertThat(ForeignProgram.run("iscsi-inq", url))
                .contains("Vendor:TIDEMARK")
                .contains("DIRECT_ACCESS");
        assertThat(ForeignProgram.run("iscsi-readcapacity16", url))
                .contains("Total size:" + DISK_BYTES)
                .contains("LBPME:1 LBPRZ:1");
    }

    @Test
    void qemu_img_converts_and_compares() throws Exception {
        Path image = image(1);
        ForeignProgram.run(
                "qemu-img",
                "convert",
                "-n",
                "-m",
                "8",
                "-W",
                "-f",
                "raw",
                "-O",
                "raw",
                image.toString(),
                url);
        assertThat(disk.content(0, DISK_BYTES)).isEqualTo(Files.readAllBytes(image));
        assertThat(
                        ForeignProgram.run(
                                "qemu-img",
                                "compare",
                                "-f",
                                "raw",
                                "-F",
                                "raw",
                                image.toString(),
                                url))
                .contains("Images are identical");
    }

    @Test
    void qemu_io_writes_with_digests() throws Exception {
        String options =
                "driver=raw,file.driver=iscsi,file.transport=tcp,file.portal=%s,file.target=%s,file.lun=0,file.header-digest=crc32c"
                        .formatted(server.portal(), TestCatalog.PREFIX + "disk");
        assertThat(
                        ForeignProgram.run(
                                "qemu-io",
                                "--image-opts",
                                "-c",
                                "write -P 0x5a 64k 1m",
                                "-c",
                                "read -P 0x5a 64k 1m",
                                "-c",
                                "write -f -P 0x11 0 512",
                                "-c",
                                "flush",
                                options))
                .doesNotContain("Pattern verification failed");
        assertThat(disk.content(64 << 10, 1 << 20)).containsOnly(0x5a);
        assertThat(disk.flushes).hasPositiveValue();
    }

    @Test
    void qemu_io_discards_and_zeroes_and_qemu_img_maps_what_is_left() throws Exception {
        disk.fill(0, new byte[8 << 20]);
        byte[] ones = new byte[8 << 20];
        Arrays.fill(ones, (byte) 1);
        disk.fill(0, ones);
        ForeignProgram.run(
                "qemu-io",
                "-f",
                "raw",
                "-d",
                "unmap",
                "-c",
                "discard 1m 1m",
                "-c",
                "write -z -u 3m 1m",
                "-c",
                "write -z 5m 1m",
                url);
        assertThat(disk.content(1 << 20, 1 << 20)).containsOnly(0);
        assertThat(disk.content(3 << 20, 1 << 20)).containsOnly(0);
        assertThat(disk.content(5 << 20, 1 << 20)).containsOnly(0);
        assertThat(disk.content(2 << 20, 1 << 20)).containsOnly(1);
        String map = ForeignProgram.run("qemu-img", "map", "--output=json", "-f", "raw", url);
        assertThat(map)
                .contains(
                        "\"start\": 1048576, \"length\": 1048576, \"depth\": 0, \"present\": true, \"zero\": true, \"data\": false");
    }
}
