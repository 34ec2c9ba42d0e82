package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The clients that people use, against the server. */
@ParameterizedClass
@EnumSource(
        value = TestServer.Kind.class,
        names = {"TCP", "UNIX"})
@Timeout(300)
final class NbdClientsIT {
    private static final int DISK_BYTES = 64 << 20;

    @Parameter TestServer.Kind kind = TestServer.Kind.TCP;

    @TempDir Path folder;

    private final TestDisk disk = new TestDisk(DISK_BYTES);
    private TestServer server;
    private String uri = "";

    @BeforeEach
    void start() throws IOException {
        TestCatalog catalog =
                new TestCatalog()
                        .add("disk", disk)
                        .addContext(
                                "qemu:dirty-bitmap:monday",
                                false,
                                (offset, length, count, done) ->
                                        done.succeeded(RangeStatus.uniform(offset, length, 1)))
                        .add("frozen", new TestDisk(Geometry.ofSize(1 << 20), Features.READ_ONLY));
        server = new TestServer(kind, catalog, NbdLimits.DEFAULT);
        uri = server.uri("disk");
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private Path image(long seed) throws IOException {
        byte[] content = new byte[DISK_BYTES];
        new Random(seed).nextBytes(content);
        return Files.write(folder.resolve("image"), content);
    }

    private void expectSame(Path image) throws IOException {
        assertThat(disk.content(0, DISK_BYTES)).isEqualTo(Files.readAllBytes(image));
    }

    @Test
    void nbdinfo_tells_what_is_served() throws Exception {
        assertThat(Tool.run("nbdinfo", uri))
                .contains("export=\"canonical disk\"")
                .contains("description: about disk")
                .contains("export-size: " + DISK_BYTES)
                .contains("can_multi_conn: true")
                .contains("can_fast_zero: true")
                .contains("can_trim: true")
                .contains("can_fua: true")
                .contains("is_read_only: false")
                .contains("block_size_maximum: 33554432");
        Tool.run("nbdinfo", "--is", "read-only", server.uri("frozen"));
    }

    @Test
    void nbdinfo_lists_all_exports() throws Exception {
        assertThat(Tool.run("nbdinfo", "--list", server.uri("")))
                .contains("uri: " + uri)
                .contains("uri: " + server.uri("frozen"))
                .contains("description: about frozen");
    }

    @Test
    void qemu_nbd_lists_all_exports() throws Exception {
        String[] command =
                server.address instanceof ListenAddress.Unix unix
                        ? new String[] {"qemu-nbd", "--list", "-k", unix.path().toString()}
                        : new String[] {
                            "qemu-nbd",
                            "--list",
                            "-p",
                            String.valueOf(((ListenAddress.Tcp) server.address).port())
                        };
        assertThat(Tool.run(command)).contains("exports available: 2").contains("about frozen");
    }

    @Test
    void nbdcopy_copies_both_ways_over_four_connections() throws Exception {
        Path image = image(1);
        Path back = folder.resolve("back");
        Tool.run("nbdcopy", "--connections=4", "--requests=16", "--flush", image.toString(), uri);
        expectSame(image);
        Tool.run("nbdcopy", "--connections=4", "--requests=16", uri, back.toString());
        assertThat(Files.mismatch(image, back)).isEqualTo(-1);
    }

    @Test
    void qemu_img_converts_and_compares() throws Exception {
        Path image = image(2);
        assertThat(Tool.run("qemu-img", "info", uri)).contains("virtual size: 64 MiB");
        Tool.run(
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
                uri);
        expectSame(image);
        assertThat(Tool.run("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), uri))
                .contains("Images are identical");
    }

    @Test
    void qemu_io_writes_zeroes_discards_and_reads_back() throws Exception {
        String printed =
                Tool.run(
                        "qemu-io",
                        "-f",
                        "raw",
                        "-c",
                        "write -P 0x5a 1M 64k",
                        "-c",
                        "write -f -P 0x5b 2M 512",
                        "-c",
                        "write -P 0x11 3M 2M",
                        "-c",
                        "write -z -u 3M 1M",
                        "-c",
                        "write -z 4M 512k",
                        "-c",
                        "discard 4608k 512k",
                        "-c",
                        "flush",
                        "-c",
                        "read -P 0x5a 1M 64k",
                        "-c",
                        "read -P 0x5b 2M 512",
                        "-c",
                        "read -P 0 3M 2M",
                        "-c",
                        "aio_write -P 0x77 8M 1M",
                        "-c",
                        "aio_read 8M 1M",
                        "-c",
                        "aio_flush",
                        "-c",
                        "read -P 0x77 8M 1M",
                        uri);
        assertThat(printed).doesNotContain("failed").doesNotContain("error");
    }

    @Test
    void nbdsh_sees_the_right_errors_and_goes_on() throws Exception {
        Tool.run(
                "nbdsh",
                "-u",
                uri,
                "-c",
                """
                import errno
                h.set_strict_mode(0)
                size = h.get_size()

                def expect(number, request):
                    try:
                        request()
                    except nbd.Error as e:
                        assert e.errnum == number, (e.errnum, number)
                    else:
                        assert False, "no error"

                expect(errno.EINVAL, lambda: h.pread(512, size))
                expect(errno.ENOSPC, lambda: h.pwrite(b"x" * 512, size - 1))
                expect(errno.ENOSPC, lambda: h.zero(512, size))
                expect(errno.EINVAL, lambda: h.trim(512, size))
                expect(errno.EINVAL, lambda: h.cache(512, size))
                expect(errno.EOVERFLOW, lambda: h.pread(33554433, 0))
                expect(errno.EINVAL, lambda: h.pwrite(b"y" * 33554433, 0))
                h.pwrite(b"", 0)
                h.pwrite(b"tidemark", 12345, nbd.CMD_FLAG_FUA)
                h.flush(nbd.CMD_FLAG_FUA)
                assert h.pread(8, 12345) == b"tidemark"
                h.zero(8, 12345, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FAST_ZERO)
                assert h.pread(8, 12345) == bytes(8)
                """);
    }

    @Test
    void python_keeps_many_requests_in_flight_and_a_read_only_export_refuses() throws Exception {
        Tool.run(
                "python3",
                "-c",
                """
                import errno, nbd, random, sys
                h = nbd.NBD()
                h.connect_uri(sys.argv[1])
                model = bytearray(1 << 20)
                random.seed(20261121)
                for i in range(3000):
                    slot = (i % 256) * 4096
                    data = random.randbytes(random.randrange(1, 4096))
                    while h.aio_in_flight() >= 64:
                        h.poll(-1)
                    if i % 256 == 0:
                        while h.aio_in_flight() > 0:
                            h.poll(-1)
                    h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(data)), slot)
                    model[slot:slot + len(data)] = data
                while h.aio_in_flight() > 0:
                    h.poll(-1)
                assert h.pread(1 << 20, 0) == model
                h.shutdown()
                r = nbd.NBD()
                r.connect_uri(sys.argv[2])
                r.set_strict_mode(0)
                assert r.is_read_only() and r.can_multi_conn()
                try:
                    r.pwrite(b"x", 0)
                except nbd.Error as e:
                    assert e.errnum == errno.EPERM, e
                else:
                    assert False, "written"
                assert r.pread(512, 0) == bytes(512)
                r.shutdown()
                """,
                uri,
                server.uri("frozen"));
    }

    /** Data, then a hole, then zeros that are set aside. */
    private byte[] sparseContent() {
        byte[] content = new byte[DISK_BYTES];
        byte[] data = new byte[8 << 20];
        new Random(5).nextBytes(data);
        System.arraycopy(data, 0, content, 0, data.length);
        disk.fill(0, content);
        disk.allocate(8 << 20, 40 << 20, Allocation.HOLE | Allocation.ZERO);
        disk.allocate(48 << 20, 16 << 20, Allocation.ZERO);
        return content;
    }

    @Test
    void nbdinfo_and_qemu_img_map_what_is_allocated() throws Exception {
        sparseContent();
        assertThat(Tool.run("nbdinfo", "--json", uri))
                .contains("\"structured\": true")
                .contains("\"base:allocation\"")
                .contains("\"qemu:dirty-bitmap:monday\"")
                .contains("\"can_cache\": true")
                .contains("\"can_df\": true");
        assertThat(Tool.run("nbdinfo", "--map", uri).lines().map(String::strip))
                .containsExactly(
                        "0     8388608    0  data",
                        "8388608    41943040    3  hole,zero",
                        "50331648    16777216    2  zero");
        assertThat(Tool.run("nbdinfo", "--map=qemu:dirty-bitmap:monday", uri))
                .contains("67108864    1  dirty");
        assertThat(Tool.run("qemu-img", "map", "--output=json", uri))
                .contains("\"start\": 8388608, \"length\": 41943040")
                .contains("\"zero\": true, \"data\": false");
    }

    @Test
    void nbdcopy_and_qemu_img_copy_only_what_is_allocated() throws Exception {
        byte[] content = sparseContent();
        Path copied = folder.resolve("copied");
        Tool.run("nbdcopy", "--connections=4", uri, copied.toString());
        assertThat(Files.readAllBytes(copied)).isEqualTo(content);
        Path converted = folder.resolve("converted");
        Tool.run(
                "qemu-img",
                "convert",
                "-m",
                "8",
                "-f",
                "raw",
                "-O",
                "raw",
                uri,
                converted.toString());
        assertThat(Files.readAllBytes(converted)).isEqualTo(content);
        for (Path file : new Path[] {copied, converted}) {
            long blocks = Long.parseLong(Tool.run("stat", "-c", "%b", file.toString()).strip());
            long allocatedBytes = blocks * 512;
            assertThat(allocatedBytes).isLessThan(16 << 20);
        }
    }

    @Test
    void python_reads_holes_unfragmented_data_and_errors_with_their_offset() throws Exception {
        sparseContent();
        disk.failReads(4 << 20, (4 << 20) + 512);
        Tool.run(
                "python3",
                "-c",
                """
                import errno, nbd, sys
                h = nbd.NBD()
                h.add_meta_context("base:allocation")
                h.connect_uri(sys.argv[1])
                assert h.can_df() and h.can_cache() and h.can_meta_context("base:allocation")
                kinds = []
                def chunk(buffer, offset, status, error):
                    kinds.append((status, offset, len(buffer)))
                # libnbd hands holes over as buffers of zeros
                data = h.pread_structured(2 << 20, 7 << 20, chunk)
                assert data[1 << 20:] == bytes(1 << 20)
                assert sorted(kinds) == [
                    (nbd.READ_DATA, 7 << 20, 1 << 20), (nbd.READ_HOLE, 8 << 20, 1 << 20)], kinds
                kinds.clear()
                h.pread_structured(2 << 20, 7 << 20, chunk, nbd.CMD_FLAG_DF)
                assert kinds == [(nbd.READ_DATA, 7 << 20, 2 << 20)], kinds
                kinds.clear()
                try:
                    h.pread_structured(6 << 20, 3 << 20, chunk)
                except nbd.Error as e:
                    assert e.errnum == errno.EIO, e
                else:
                    assert False, "no error"
                assert (nbd.READ_HOLE, 8 << 20, 1 << 20) in kinds, kinds
                assert nbd.READ_ERROR in [kind[0] for kind in kinds], kinds
                h.cache(4096, 0)
                extents = []
                h.block_status(h.get_size(), 0, lambda m, o, e, err: extents.extend(e))
                assert extents == [8 << 20, 0, 40 << 20, 3, 16 << 20, 2], extents
                h.shutdown()
                """,
                uri);
        assertThat(disk.lastPrefetch()).isEqualTo("0+4096");
    }

    @Test
    void fio_verifies_what_it_writes() throws Exception {
        assertThat(
                        Tool.run(
                                "fio",
                                "--name=t",
                                "--ioengine=nbd",
                                "--uri=" + uri,
                                "--rw=randwrite",
                                "--bsrange=512-64k",
                                "--size=48m",
                                "--iodepth=16",
                                "--verify=crc32c",
                                "--do_verify=1",
                                "--verify_fatal=1",
                                "--verify_state_save=0",
                                "--randseed=7"))
                .contains("err= 0");
        assertThat(
                        Tool.run(
                                "fio",
                                "--name=t",
                                "--ioengine=nbd",
                                "--uri=" + uri,
                                "--rw=randtrim",
                                "--bs=4k",
                                "--size=8m",
                                "--iodepth=16"))
                .contains("err= 0");
    }

    @Test
    void a_file_system_over_nbdfuse_is_clean() throws Exception {
        Path mountPoint = Files.createDirectory(folder.resolve("mount"));
        Path file = mountPoint.resolve("nbd");
        try (ForeignProgram fuse = ForeignProgram.start("nbdfuse", mountPoint.toString(), uri)) {
            try {
                TestServer.await("nbdfuse has mounted", () -> Files.exists(file));
                Tool.run("mkfs.ext4", "-q", "-F", file.toString());
                assertThat(Tool.run("e2fsck", "-f", "-n", file.toString()))
                        .contains("0.0% non-cont");
            } finally {
                Tool.run("umount", mountPoint.toString());
            }
            fuse.expectSuccess(Duration.ofMinutes(1));
        }
        // The file system's magic number, at 1080 (ext4's super block begins at 1024).
        assertThat(disk.content(1080, 2)).containsExactly(0x53, 0xef);
    }
}
