package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

/**
 * The first bytes of every segment file. Written when the file is made and, for a log, once more,
 * with what was not known then, by the first write into it.
 *
 * <p>All of it lies in one sector, so that a crash leaves either the old or the new one.
 *
 * @param first first sequence number in it; 0 while unused, and always for undo segments
 * @param firstTimeMicros timestamp of the first record
 * @param previous number of the segment before it in the log; 0 for none
 * @param previousEnd where that one's last record ends: what lies behind is void
 * @param generation grows by one each time the log was cut
 * @param end where this segment's last record ends; written only when the segment after it goes
 *     first, else 0: that one's header says it
 * @param last sequence number of that record, or 0
 */
record SegmentHeader(
        SegmentKind kind,
        UUID owner,
        long number,
        long createdMicros,
        long first,
        long firstTimeMicros,
        long previous,
        int previousEnd,
        int generation,
        int unitBytes,
        int end,
        long last) {
    /** Room kept for the header, so that what follows begins page-aligned. */
    static final int RESERVED_BYTES = 4096;

    static final int BYTES = 96;

    /** "TSEG" read as bytes. */
    static final int MAGIC = 0x47455354;

    /** Version 1: the first. */
    static final int VERSION = 1;

    static final int MAGIC_AT = 0;
    static final int VERSION_AT = 4;
    static final int KIND_AT = 6;
    static final int OWNER_AT = 8;
    static final int NUMBER_AT = 24;
    static final int CREATED_AT = 32;
    static final int FIRST_AT = 40;
    static final int FIRST_TIME_AT = 48;
    static final int PREVIOUS_AT = 56;
    static final int PREVIOUS_END_AT = 64;
    static final int GENERATION_AT = 68;
    static final int UNIT_AT = 72;
    static final int END_AT = 76;
    static final int LAST_AT = 80;
    static final int RESERVED_AT = 88;
    static final int CHECKSUM_AT = 92;

    boolean used() {
        return first != 0;
    }

    /** The same header once the segment's place in its log is known. */
    SegmentHeader usedFrom(
            long firstSequence, long timeMicros, long before, int beforeEnd, int cuts) {
        return new SegmentHeader(
                kind,
                owner,
                number,
                createdMicros,
                firstSequence,
                timeMicros,
                before,
                beforeEnd,
                cuts,
                unitBytes,
                0,
                0);
    }

    /** The same header once the segment has to say itself where it ends. */
    SegmentHeader endingAt(int position, long sequence) {
        return new SegmentHeader(
                kind,
                owner,
                number,
                createdMicros,
                first,
                firstTimeMicros,
                previous,
                previousEnd,
                generation,
                unitBytes,
                position,
                sequence);
    }

    /** Writes {@link #BYTES} bytes at the buffer's position and moves it over them. */
    void encode(ByteBuffer target) {
        int at = target.position();
        ByteBuffer b = target.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(at + MAGIC_AT, MAGIC);
        b.putShort(at + VERSION_AT, (short) VERSION);
        b.put(at + KIND_AT, (byte) kind.code());
        b.put(at + KIND_AT + 1, (byte) 0);
        putUuid(b, at + OWNER_AT, owner);
        b.putLong(at + NUMBER_AT, number);
        b.putLong(at + CREATED_AT, createdMicros);
        b.putLong(at + FIRST_AT, first);
        b.putLong(at + FIRST_TIME_AT, firstTimeMicros);
        b.putLong(at + PREVIOUS_AT, previous);
        b.putInt(at + PREVIOUS_END_AT, previousEnd);
        b.putInt(at + GENERATION_AT, generation);
        b.putInt(at + UNIT_AT, unitBytes);
        b.putInt(at + END_AT, end);
        b.putLong(at + LAST_AT, last);
        b.putInt(at + RESERVED_AT, 0);
        b.putInt(at + CHECKSUM_AT, Checksum.of(b, at, CHECKSUM_AT));
        target.position(at + BYTES);
    }

    /** True when the bytes from index 0 on are a header of any version, whole and unharmed. */
    static boolean isIntact(ByteBuffer source) {
        ByteBuffer b = source.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        return b.limit() >= BYTES
                && b.getInt(MAGIC_AT) == MAGIC
                && b.getInt(CHECKSUM_AT) == Checksum.of(b, 0, CHECKSUM_AT);
    }

    /** Reads an intact header from index 0 and holds it against what its place says. */
    static SegmentHeader decode(
            ByteBuffer source, String path, SegmentKind kind, UUID owner, long number)
            throws JournalException {
        ByteBuffer b = source.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int version = b.getShort(VERSION_AT) & 0xffff;
        if (version != VERSION) {
            throw corrupt(
                    path,
                    "has format version "
                            + version
                            + ", this program reads version "
                            + VERSION
                            + "; use the program that wrote it");
        }
        UUID foundOwner = uuid(b, OWNER_AT);
        if (!foundOwner.equals(owner)) {
            throw corrupt(
                    path,
                    "belongs to "
                            + foundOwner
                            + " and lies in the folder of "
                            + owner
                            + "; move it back to where it came from");
        }
        long foundNumber = b.getLong(NUMBER_AT);
        int foundKind = b.get(KIND_AT);
        int unitBytes = b.getInt(UNIT_AT);
        if (foundNumber != number || foundKind != kind.code()) {
            throw corrupt(
                    path,
                    "says it is segment "
                            + foundNumber
                            + " of kind "
                            + foundKind
                            + ", its name says "
                            + number
                            + " of kind "
                            + kind.code()
                            + "; give it back its own name");
        }
        return new SegmentHeader(
                kind,
                owner,
                number,
                b.getLong(CREATED_AT),
                b.getLong(FIRST_AT),
                b.getLong(FIRST_TIME_AT),
                b.getLong(PREVIOUS_AT),
                b.getInt(PREVIOUS_END_AT),
                b.getInt(GENERATION_AT),
                unitBytes,
                b.getInt(END_AT),
                b.getLong(LAST_AT));
    }

    static Instant instant(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }

    /** In the order of the text form, whatever the buffer's own order is. */
    static void putUuid(ByteBuffer target, int index, UUID uuid) {
        ByteBuffer b = target.duplicate().order(ByteOrder.BIG_ENDIAN);
        b.putLong(index, uuid.getMostSignificantBits());
        b.putLong(index + 8, uuid.getLeastSignificantBits());
    }

    static UUID uuid(ByteBuffer source, int index) {
        ByteBuffer b = source.duplicate().order(ByteOrder.BIG_ENDIAN);
        return new UUID(b.getLong(index), b.getLong(index + 8));
    }

    private static JournalException corrupt(String path, String detail) {
        return new JournalException(JournalException.Kind.CORRUPT, path + " " + detail);
    }
}
