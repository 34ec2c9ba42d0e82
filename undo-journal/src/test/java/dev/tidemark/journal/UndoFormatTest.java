package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The byte tables of docs/internals/journal-format-undo.md say what the code does. */
class UndoFormatTest {
    private static final Path PAGE = Path.of("../docs/internals/journal-format-undo.md");
    private static final Pattern ROW = Pattern.compile("\\| (\\d+) \\| (\\d*) \\| .*");

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

    @Test
    void theBlockTableIsTheCode() throws IOException {
        assertThat(offsets("Index block"))
                .containsExactly(
                        IndexFormat.MAGIC_AT,
                        IndexFormat.CRC_AT,
                        IndexFormat.SEGMENT_AT,
                        IndexFormat.POSITION_AT,
                        IndexFormat.FIRST_RUN_AT,
                        IndexFormat.LENGTH_AT,
                        IndexFormat.COUNT_AT,
                        IndexFormat.LEVEL_AT,
                        IndexFormat.HEIGHT_AT,
                        IndexFormat.HEADER_BYTES);
        assertThat(Files.readString(PAGE)).contains("0x%08x".formatted(IndexFormat.MAGIC));
    }

    @Test
    void theEntryAndFenceTablesAreTheCode() throws IOException {
        assertThat(offsets("Entry, 32 bytes, " + IndexFormat.ENTRIES_PER_BLOCK))
                .containsExactly(
                        IndexFormat.ENTRY_OFFSET,
                        IndexFormat.ENTRY_VOLUME,
                        IndexFormat.ENTRY_LENGTH,
                        IndexFormat.ENTRY_SEGMENT,
                        IndexFormat.ENTRY_POSITION,
                        IndexFormat.ENTRY_CRC,
                        IndexFormat.ENTRY_LEAD,
                        IndexFormat.ENTRY_IMAGE,
                        IndexFormat.ENTRY_BYTES);
        assertThat(offsets("Fence, 24 bytes, " + IndexFormat.FENCES_PER_BLOCK))
                .containsExactly(
                        IndexFormat.FENCE_OFFSET,
                        IndexFormat.FENCE_VOLUME,
                        IndexFormat.FENCE_SEGMENT,
                        IndexFormat.FENCE_POSITION,
                        IndexFormat.FENCE_LENGTH,
                        IndexFormat.FENCE_BYTES);
    }

    @Test
    void theDescriptorTableIsTheCode() throws IOException {
        SpanDescriptor span = new SpanDescriptor(9, 1, 2, 3, 4, 5, 6, 7, 8);
        ByteBuffer bytes = ByteBuffer.allocate(SpanDescriptor.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        span.write(bytes);
        List<Integer> offsets = offsets("Descriptor of a run or span, " + SpanDescriptor.BYTES);
        assertThat(offsets).hasSize(11).endsWith(bytes.position());
        assertThat(bytes.getLong(offsets.get(0))).isEqualTo(1);
        assertThat(bytes.getLong(offsets.get(1))).isEqualTo(2);
        int[] fields = {3, 4, 5, 7, 8};
        for (int i = 0; i < fields.length; i++) {
            assertThat(bytes.getInt(offsets.get(i + 2))).isEqualTo(fields[i]);
        }
        assertThat(bytes.getShort(offsets.get(7))).isEqualTo((short) 6);
        assertThat(bytes.get(offsets.get(8))).isEqualTo((byte) 9);
    }
}
