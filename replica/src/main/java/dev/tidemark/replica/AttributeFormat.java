package dev.tidemark.replica;

import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.Position;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * How this module's values in the journal's manifest are written: little-endian, each beginning
 * with a version byte; texts as u16 length and UTF-8; a value that may be absent after a byte that
 * is 0 or 1. The manifest checks them with a checksum.
 *
 * <p>Version 1: the first.
 */
final class AttributeFormat {
    static final int VERSION = 1;

    private AttributeFormat() {}

    /** Begins a value. */
    static ByteBuf begin() {
        return Unpooled.buffer().writeByte(VERSION);
    }

    static byte[] end(ByteBuf value) {
        byte[] bytes = new byte[value.readableBytes()];
        value.readBytes(bytes);
        return bytes;
    }

    /** Begins to read a value. */
    static ByteBuf read(String key, byte[] value) throws ReplicaException {
        ByteBuf buffer = Unpooled.wrappedBuffer(value);
        int version = value.length == 0 ? -1 : buffer.readByte();
        if (version != VERSION) {
            throw new ReplicaException(
                    ReplicaException.Kind.CORRUPT,
                    "attribute "
                            + key
                            + " has version "
                            + version
                            + ", this program knows "
                            + VERSION
                            + "; open the group with the version that wrote it");
        }
        return buffer;
    }

    /** What a reader does with a value's bytes. */
    @FunctionalInterface
    interface Reader<T> {
        T read(ByteBuf value);
    }

    /** Reads a whole value; one that is too short is corrupt. */
    static <T> T read(String key, byte[] value, Reader<T> reader) throws ReplicaException {
        ByteBuf buffer = read(key, value);
        try {
            return reader.read(buffer);
        } catch (IndexOutOfBoundsException tooShort) {
            throw new ReplicaException(
                    ReplicaException.Kind.CORRUPT,
                    "attribute " + key + " of " + value.length + " bytes is cut short",
                    tooShort);
        }
    }

    static void writeText(ByteBuf value, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        value.writeShortLE(bytes.length).writeBytes(bytes);
    }

    static String readText(ByteBuf value) {
        byte[] bytes = new byte[value.readUnsignedShortLE()];
        value.readBytes(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    static void writeUuid(ByteBuf value, UUID id) {
        value.writeLongLE(id.getMostSignificantBits()).writeLongLE(id.getLeastSignificantBits());
    }

    static UUID readUuid(ByteBuf value) {
        return new UUID(value.readLongLE(), value.readLongLE());
    }

    static void writePoint(ByteBuf value, Point point) {
        value.writeLongLE(point.sequence()).writeLongLE(point.timeMicros());
        Boundary base = point.base();
        Position redo = base.redo();
        value.writeLongLE(base.run()).writeLongLE(base.sequence()).writeLongLE(base.timeMicros());
        value.writeLongLE(redo.segment()).writeLongLE(redo.position()).writeLongLE(redo.sequence());
        writeCheckpoint(value, base.checkpoint());
        writeCheckpoint(value, point.checkpoint());
    }

    static Point readPoint(ByteBuf value) {
        long sequence = value.readLongLE();
        long timeMicros = value.readLongLE();
        long run = value.readLongLE();
        long baseSequence = value.readLongLE();
        long baseMicros = value.readLongLE();
        Position redo = new Position(value.readLongLE(), value.readLongLE(), value.readLongLE());
        Boundary base = new Boundary(run, baseSequence, baseMicros, redo, readCheckpoint(value));
        return new Point(sequence, timeMicros, base, readCheckpoint(value));
    }

    private static void writeCheckpoint(ByteBuf value, @Nullable Checkpoint checkpoint) {
        value.writeByte(checkpoint == null ? 0 : 1);
        if (checkpoint != null) {
            value.writeLongLE(checkpoint.sequence()).writeLongLE(checkpoint.timeMicros());
            value.writeBoolean(checkpoint.tagged());
            writeText(value, checkpoint.name());
            writeText(value, checkpoint.description());
        }
    }

    private static @Nullable Checkpoint readCheckpoint(ByteBuf value) {
        if (value.readByte() == 0) {
            return null;
        }
        return new Checkpoint(
                value.readLongLE(),
                value.readLongLE(),
                value.readBoolean(),
                readText(value),
                readText(value));
    }
}
