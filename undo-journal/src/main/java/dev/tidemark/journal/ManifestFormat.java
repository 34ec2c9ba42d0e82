package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of a manifest file: a header, then edits, each padded to 8.
 *
 * <p>An edit names its file and position, so that nothing written elsewhere or earlier is taken for
 * it, and the length of the file known to be forced when it was written, so that a loss before that
 * is known to be damage.
 */
final class ManifestFormat {
    /** "TMAN" read as bytes. */
    static final int MAGIC = 0x4e414d54;

    /** Version 1: the first. Version 2: {@link ManifestEdit.RedoForced}. */
    static final int VERSION = 2;

    static final int HEADER_BYTES = 48;
    static final int MAGIC_AT = 0;
    static final int VERSION_AT = 4;
    static final int GROUP_AT = 8;
    static final int NUMBER_AT = 24;
    static final int CREATED_AT = 32;
    static final int RESERVED_AT = 40;
    static final int HEADER_CHECKSUM_AT = 44;

    static final int EDIT_HEADER_BYTES = 32;
    static final int EDIT_CHECKSUM_AT = 0;
    static final int EDIT_LENGTH_AT = 4;
    static final int EDIT_NUMBER_AT = 8;
    static final int EDIT_POSITION_AT = 16;
    static final int EDIT_FORCED_AT = 20;
    static final int EDIT_KIND_AT = 24;

    static final int BOUNDARY_BYTES = 52;
    static final int MAXIMUM_EDIT_BYTES = 16 << 20;
    static final int ALIGNMENT = 8;

    private ManifestFormat() {}

    /** What a manifest's header says. */
    record Header(UUID group, long number, long createdMicros) {}

    static void encodeHeader(Header header, ByteBuffer target) {
        int at = target.position();
        target.putInt(at + MAGIC_AT, MAGIC);
        target.putInt(at + VERSION_AT, VERSION);
        SegmentHeader.putUuid(target, at + GROUP_AT, header.group());
        target.putLong(at + NUMBER_AT, header.number());
        target.putLong(at + CREATED_AT, header.createdMicros());
        target.putInt(at + RESERVED_AT, 0);
        target.putInt(at + HEADER_CHECKSUM_AT, Checksum.of(target, at, HEADER_CHECKSUM_AT));
        target.position(at + HEADER_BYTES);
    }

    /** Null when it is no whole header; an exception when it is one of another version. */
    static @Nullable Header decodeHeader(ByteBuffer source, String path) throws JournalException {
        if (source.limit() < HEADER_BYTES
                || source.getInt(MAGIC_AT) != MAGIC
                || source.getInt(HEADER_CHECKSUM_AT)
                        != Checksum.of(source, 0, HEADER_CHECKSUM_AT)) {
            return null;
        }
        int version = source.getInt(VERSION_AT);
        if (version < 1 || version > VERSION) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    path
                            + " has format version "
                            + version
                            + ", this program reads versions up to "
                            + VERSION
                            + "; use the program that wrote it");
        }
        return new Header(
                SegmentHeader.uuid(source, GROUP_AT),
                source.getLong(NUMBER_AT),
                source.getLong(CREATED_AT));
    }

    /** Appends one edit; {@code position} is where its first byte will lie in the file. */
    static void encode(ManifestEdit edit, long number, long position, long forced, EditBuffer to) {
        ByteBuffer target = to.ensure(editBytes(edit));
        int at = target.position();
        target.position(at + EDIT_HEADER_BYTES);
        int kind = encodeBody(edit, target);
        while ((target.position() - at) % ALIGNMENT != 0) {
            target.put((byte) 0);
        }
        int length = target.position() - at;
        target.putInt(at + EDIT_LENGTH_AT, length);
        target.putLong(at + EDIT_NUMBER_AT, number);
        target.putInt(at + EDIT_POSITION_AT, Math.toIntExact(position));
        target.putInt(at + EDIT_FORCED_AT, Math.toIntExact(forced));
        target.putLong(at + EDIT_KIND_AT, kind);
        target.putInt(
                at + EDIT_CHECKSUM_AT,
                Checksum.of(target, at + EDIT_LENGTH_AT, length - EDIT_LENGTH_AT));
    }

    /** At least the bytes an edit takes. */
    private static int editBytes(ManifestEdit edit) {
        int body =
                switch (edit) {
                    case ManifestEdit.TailAt tail -> boundaryBytes(tail.boundary());
                    case ManifestEdit.RunAdded run ->
                            boundaryBytes(run.entry().boundary()) + SpanDescriptor.BYTES;
                    case ManifestEdit.SpanAdded span -> SpanDescriptor.BYTES;
                    case ManifestEdit.GoldAt gold -> 8;
                    case ManifestEdit.RedoForced redo -> 8;
                    case ManifestEdit.AttributePut put ->
                            8 + 3 * put.key().length() + put.value().length;
                    case ManifestEdit.AttributeDelete delete -> 4 + 3 * delete.key().length();
                    case ManifestEdit.SnapshotEnd end -> 0;
                };
        return EDIT_HEADER_BYTES + body + ALIGNMENT;
    }

    private static int boundaryBytes(Boundary boundary) {
        Checkpoint checkpoint = boundary.checkpoint();
        return BOUNDARY_BYTES
                + (checkpoint == null
                        ? 0
                        : 3 * (checkpoint.name().length() + checkpoint.description().length()));
    }

    private static int encodeBody(ManifestEdit edit, ByteBuffer target) {
        switch (edit) {
            case ManifestEdit.TailAt tail -> {
                putBoundary(target, tail.boundary(), tail.epoch());
                return ManifestEdit.TAIL_AT;
            }
            case ManifestEdit.RunAdded run -> {
                run.entry().run().write(target);
                putBoundary(target, run.entry().boundary(), run.entry().epoch());
                return ManifestEdit.RUN_ADDED;
            }
            case ManifestEdit.SpanAdded span -> {
                span.span().write(target);
                return ManifestEdit.SPAN_ADDED;
            }
            case ManifestEdit.GoldAt gold -> {
                target.putLong(gold.run());
                return ManifestEdit.GOLD_AT;
            }
            case ManifestEdit.RedoForced redo -> {
                target.putLong(redo.sequence());
                return ManifestEdit.REDO_FORCED;
            }
            case ManifestEdit.AttributePut put -> {
                putText(target, put.key());
                target.putInt(put.value().length).put(put.value());
                return ManifestEdit.ATTRIBUTE_PUT;
            }
            case ManifestEdit.AttributeDelete delete -> {
                putText(target, delete.key());
                return ManifestEdit.ATTRIBUTE_DELETE;
            }
            case ManifestEdit.SnapshotEnd end -> {
                return ManifestEdit.SNAPSHOT_END;
            }
        }
    }

    /**
     * Length of the valid edit at {@code at}, or 0 when there is none.
     *
     * @param source all of the file so far, from its first byte
     */
    static int validLength(ByteBuffer source, int at, long number) {
        if (at + EDIT_HEADER_BYTES > source.limit()) {
            return 0;
        }
        int length = source.getInt(at + EDIT_LENGTH_AT);
        if (length < EDIT_HEADER_BYTES
                || length > source.limit() - at
                || length % ALIGNMENT != 0
                || source.getLong(at + EDIT_NUMBER_AT) != number
                || source.getInt(at + EDIT_POSITION_AT) != at) {
            return 0;
        }
        int checksum = Checksum.of(source, at + EDIT_LENGTH_AT, length - EDIT_LENGTH_AT);
        return checksum == source.getInt(at + EDIT_CHECKSUM_AT) ? length : 0;
    }

    static int forced(ByteBuffer source, int at) {
        return source.getInt(at + EDIT_FORCED_AT);
    }

    /** Reads a valid edit; an unknown kind means that a later version wrote it. */
    static ManifestEdit decode(ByteBuffer file, int at, String path) throws JournalException {
        int kind = file.get(at + EDIT_KIND_AT);
        ByteBuffer source = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        source.position(at + EDIT_HEADER_BYTES);
        return switch (kind) {
            case ManifestEdit.TAIL_AT -> {
                RunEntry tail = boundary(source, null);
                yield new ManifestEdit.TailAt(tail.boundary(), tail.epoch());
            }
            case ManifestEdit.RUN_ADDED -> {
                SpanDescriptor run = SpanDescriptor.read(source);
                yield new ManifestEdit.RunAdded(boundary(source, run));
            }
            case ManifestEdit.SPAN_ADDED -> new ManifestEdit.SpanAdded(SpanDescriptor.read(source));
            case ManifestEdit.GOLD_AT -> new ManifestEdit.GoldAt(source.getLong());
            case ManifestEdit.REDO_FORCED -> new ManifestEdit.RedoForced(source.getLong());
            case ManifestEdit.ATTRIBUTE_PUT -> {
                String key = text(source);
                byte[] value = new byte[source.getInt()];
                source.get(value);
                yield new ManifestEdit.AttributePut(key, value);
            }
            case ManifestEdit.ATTRIBUTE_DELETE -> new ManifestEdit.AttributeDelete(text(source));
            case ManifestEdit.SNAPSHOT_END -> new ManifestEdit.SnapshotEnd();
            default ->
                    throw new JournalException(
                            JournalException.Kind.CORRUPT,
                            path
                                    + " at position "
                                    + at
                                    + " holds an edit of kind "
                                    + kind
                                    + ", which this program does not know; use the program that"
                                    + " wrote it");
        };
    }

    /** Run, sequence, time, redo segment and position, epoch, then the checkpoint's texts. */
    private static void putBoundary(ByteBuffer target, Boundary boundary, int epoch) {
        target.putLong(boundary.run()).putLong(boundary.sequence()).putLong(boundary.timeMicros());
        target.putLong(boundary.redo().segment()).putLong(boundary.redo().position());
        target.putInt(epoch);
        Checkpoint checkpoint = boundary.checkpoint();
        if (checkpoint == null) {
            target.putInt(0).putInt(0);
            return;
        }
        target.putInt(checkpoint.tagged() ? 2 : 1);
        putText(target, checkpoint.name());
        putText(target, checkpoint.description());
    }

    private static RunEntry boundary(ByteBuffer source, @Nullable SpanDescriptor run) {
        long number = source.getLong();
        long sequence = source.getLong();
        long timeMicros = source.getLong();
        Position redo = new Position(source.getLong(), source.getLong(), sequence + 1);
        int epoch = source.getInt();
        int mark = source.getInt();
        String name = text(source);
        String description = text(source);
        Checkpoint checkpoint =
                mark == 0
                        ? null
                        : new Checkpoint(sequence, timeMicros, mark == 2, name, description);
        return new RunEntry(
                new Boundary(number, sequence, timeMicros, redo, checkpoint),
                epoch,
                run == null ? NO_RUN : run);
    }

    /** Stands for the run of a tail, whose own index is gone. */
    static final SpanDescriptor NO_RUN = new SpanDescriptor(0, 1, 1, 0, 0, 0, 0, 0, 0);

    private static void putText(ByteBuffer target, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        target.putShort((short) bytes.length).put(bytes);
    }

    private static String text(ByteBuffer source) {
        byte[] bytes = new byte[source.getShort() & 0xffff];
        source.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
