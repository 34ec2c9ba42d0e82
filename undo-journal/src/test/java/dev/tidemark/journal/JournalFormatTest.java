package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** The byte tables of docs/internals/journal-format.md say what the code does, for ever. */
final class JournalFormatTest {
    private static final Path PAGE = Path.of("../docs/internals/journal-format.md");
    private static final Pattern ROW = Pattern.compile("\\| (\\d+) \\| (\\d*) \\| .*");
    private static final UUID OWNER = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

    /** Offsets of a section's table; checks that each field begins where the one before it ends. */
    private static List<Integer> offsets(String heading) throws IOException {
        List<Integer> offsets = new ArrayList<>();
        boolean inside = false;
        int next = 0;
        for (String line : Files.readAllLines(PAGE)) {
            if (line.startsWith("#")) {
                inside = line.replace("#", "").strip().startsWith(heading);
            }
            Matcher row = ROW.matcher(line);
            if (inside && row.matches()) {
                int offset = Integer.parseInt(row.group(1));
                assertThat(offset).as(line).isEqualTo(next);
                next = offset + (row.group(2).isEmpty() ? 0 : Integer.parseInt(row.group(2)));
                offsets.add(offset);
            }
        }
        offsets.add(next);
        return offsets;
    }

    private static void assertPageNames(int magic) throws IOException {
        assertThat(Files.readString(PAGE)).contains("0x%08x".formatted(magic));
    }

    @Test
    void theSegmentHeaderTableIsTheCode() throws IOException {
        assertThat(offsets("Segment header, " + SegmentHeader.BYTES))
                .containsExactly(
                        SegmentHeader.MAGIC_AT,
                        SegmentHeader.VERSION_AT,
                        SegmentHeader.KIND_AT,
                        SegmentHeader.OWNER_AT,
                        SegmentHeader.NUMBER_AT,
                        SegmentHeader.CREATED_AT,
                        SegmentHeader.FIRST_AT,
                        SegmentHeader.FIRST_TIME_AT,
                        SegmentHeader.PREVIOUS_AT,
                        SegmentHeader.PREVIOUS_END_AT,
                        SegmentHeader.GENERATION_AT,
                        SegmentHeader.UNIT_AT,
                        SegmentHeader.END_AT,
                        SegmentHeader.LAST_AT,
                        SegmentHeader.RESERVED_AT,
                        SegmentHeader.CHECKSUM_AT,
                        SegmentHeader.BYTES);
        assertPageNames(SegmentHeader.MAGIC);
    }

    @Test
    void theRecordTableIsTheCode() throws IOException {
        assertThat(offsets("Record, " + RecordHeader.CHUNKS_AT))
                .containsExactly(
                        RecordHeader.MAGIC_AT,
                        RecordHeader.CHECKSUM_AT,
                        RecordHeader.KIND_AT,
                        RecordHeader.FLAGS_AT,
                        RecordHeader.HEADER_BYTES_AT,
                        RecordHeader.VOLUME_AT,
                        RecordHeader.SEQUENCE_AT,
                        RecordHeader.DURABLE_AT,
                        RecordHeader.TIME_AT,
                        RecordHeader.OFFSET_AT,
                        RecordHeader.LENGTH_AT,
                        RecordHeader.PAYLOAD_BYTES_AT,
                        RecordHeader.EPOCH_AT,
                        RecordHeader.SEGMENT_AT,
                        RecordHeader.POSITION_AT,
                        RecordHeader.OWNER_AT,
                        RecordHeader.CHUNKS_AT);
        assertPageNames(RecordHeader.MAGIC);
    }

    @Test
    void theManifestWitnessTableIsTheCode() throws IOException {
        assertThat(offsets("Manifest witness, " + ManifestWitness.BYTES))
                .containsExactly(
                        ManifestWitness.MAGIC_AT,
                        ManifestWitness.CHECKSUM_AT,
                        ManifestWitness.GROUP_AT,
                        ManifestWitness.NUMBER_AT,
                        ManifestWitness.LENGTH_AT,
                        ManifestWitness.RESERVED_AT,
                        ManifestWitness.BYTES);
        assertPageNames(ManifestWitness.MAGIC);
    }

    @Test
    void theManifestTablesAreTheCode() throws IOException {
        assertThat(offsets("Manifest header, " + ManifestFormat.HEADER_BYTES))
                .containsExactly(
                        ManifestFormat.MAGIC_AT,
                        ManifestFormat.VERSION_AT,
                        ManifestFormat.GROUP_AT,
                        ManifestFormat.NUMBER_AT,
                        ManifestFormat.CREATED_AT,
                        ManifestFormat.RESERVED_AT,
                        ManifestFormat.HEADER_CHECKSUM_AT,
                        ManifestFormat.HEADER_BYTES);
        assertThat(offsets("Manifest edit, " + ManifestFormat.EDIT_HEADER_BYTES))
                .containsExactly(
                        ManifestFormat.EDIT_CHECKSUM_AT,
                        ManifestFormat.EDIT_LENGTH_AT,
                        ManifestFormat.EDIT_NUMBER_AT,
                        ManifestFormat.EDIT_POSITION_AT,
                        ManifestFormat.EDIT_FORCED_AT,
                        ManifestFormat.EDIT_KIND_AT,
                        ManifestFormat.EDIT_HEADER_BYTES);
        assertPageNames(ManifestFormat.MAGIC);
    }

    @Test
    void theBoundaryTableIsTheCode() throws IOException {
        List<Integer> offsets = offsets("Boundary, " + ManifestFormat.BOUNDARY_BYTES);
        Boundary boundary =
                new Boundary(1, 2, 3, new Position(4, 5, 3), new Checkpoint(2, 3, true, "n", "dd"));
        ByteBuffer edit = edit(new ManifestEdit.TailAt(boundary, 6));
        int body = ManifestFormat.EDIT_HEADER_BYTES;
        for (int i = 0; i < 5; i++) {
            assertThat(edit.getLong(body + offsets.get(i))).isEqualTo(i + 1);
        }
        assertThat(edit.getInt(body + offsets.get(5))).isEqualTo(6);
        assertThat(edit.getInt(body + offsets.get(6))).isEqualTo(2);
        assertThat(edit.getShort(body + offsets.get(7))).isEqualTo((short) 1);
        assertThat(offsets.get(7) + 4).isEqualTo(ManifestFormat.BOUNDARY_BYTES);
    }

    private static ByteBuffer edit(ManifestEdit edit) {
        EditBuffer bytes = new EditBuffer();
        ManifestFormat.encode(edit, 1, 0, 0, bytes);
        return bytes.content().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String hex(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return HexFormat.of().formatHex(copy);
    }

    /** Every byte of one structure of each kind; a change here is a new version of the format. */
    @Test
    void theBytesAreTheGoldenOnes() throws IOException {
        StringBuilder found = new StringBuilder();
        found.append("segment ").append(hex(segmentHeader())).append('\n');
        found.append("record ").append(hex(record())).append('\n');
        found.append("witness ")
                .append(hex(new ManifestWitness(9, 4000).encode(OWNER)))
                .append('\n');
        found.append("manifest ").append(hex(manifestHeader())).append('\n');
        for (ManifestEdit edit : edits()) {
            found.append(edit.getClass().getSimpleName())
                    .append(' ')
                    .append(hex(edit(edit)))
                    .append('\n');
        }
        try (var golden = JournalFormatTest.class.getResourceAsStream("journal-format.golden")) {
            assertThat(golden).isNotNull();
            assertThat(found.toString())
                    .isEqualTo(new String(golden.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private static ByteBuffer segmentHeader() {
        SegmentHeader header =
                new SegmentHeader(
                        SegmentKind.REDO,
                        OWNER,
                        7,
                        1_000_000,
                        100,
                        2_000_000,
                        6,
                        65536,
                        2,
                        1 << 20,
                        70000,
                        150);
        ByteBuffer bytes = ByteBuffer.allocate(SegmentHeader.BYTES);
        header.encode(bytes);
        return bytes.flip();
    }

    private static ByteBuffer record() {
        TestRecord record =
                TestRecord.write(
                        3, 8192, Unpooled.copiedBuffer("tide", StandardCharsets.UTF_8), true);
        PayloadChecksums.compute(record);
        record.sequence = 101;
        record.timeMicros = 2_000_001;
        record.segment = 7;
        record.position = 4096;
        ByteBuffer bytes = ByteBuffer.allocate(88).order(ByteOrder.LITTLE_ENDIAN);
        RecordHeader.encode(record, 4, 99, 5, 0x1234, bytes, bytes.duplicate(), new CRC32C());
        return bytes.flip();
    }

    private static ByteBuffer manifestHeader() {
        ByteBuffer bytes =
                ByteBuffer.allocate(ManifestFormat.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ManifestFormat.encodeHeader(new ManifestFormat.Header(OWNER, 9, 1_000_000), bytes);
        return bytes.flip();
    }

    private static List<ManifestEdit> edits() {
        Boundary boundary =
                new Boundary(
                        4,
                        150,
                        2_000_050,
                        new Position(7, 70000, 151),
                        new Checkpoint(150, 2_000_050, true, "name", "why"));
        SpanDescriptor run = new SpanDescriptor(0, 4, 4, 1, 1, 8192, 96, 3, 12288);
        return List.of(
                new ManifestEdit.TailAt(boundary, 5),
                new ManifestEdit.RunAdded(new RunEntry(boundary, 5, run)),
                new ManifestEdit.SpanAdded(run),
                new ManifestEdit.GoldAt(4),
                new ManifestEdit.AttributePut("key", new byte[] {1, 2}),
                new ManifestEdit.AttributeDelete("key"),
                new ManifestEdit.SnapshotEnd(),
                new ManifestEdit.RedoForced(150));
    }
}
