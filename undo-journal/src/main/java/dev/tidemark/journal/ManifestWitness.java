package dev.tidemark.journal;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a redo segment says about the manifest: which one there was, and how much of it was on
 * stable storage. A manifest that is older or shorter has lost what it held.
 *
 * <p>It lies in a sector of its own of the segment's first page, is written after each force of the
 * manifest, and reaches the disk with the segment's next force, so that it costs none.
 *
 * @param number of the manifest
 * @param lengthBytes of it that had been forced
 */
record ManifestWitness(long number, int lengthBytes) {
    /** Position in the segment: the sector after the header's. */
    static final int POSITION = 512;

    static final int BYTES = 40;

    /** "TWIT" read as bytes. */
    static final int MAGIC = 0x54495754;

    static final int MAGIC_AT = 0;
    static final int CHECKSUM_AT = 4;
    static final int GROUP_AT = 8;
    static final int NUMBER_AT = 24;
    static final int LENGTH_AT = 32;
    static final int RESERVED_AT = 36;

    /** Bytes to be written at {@link #POSITION}. */
    ByteBuffer encode(UUID group) {
        ByteBuffer b = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(MAGIC_AT, MAGIC);
        SegmentHeader.putUuid(b, GROUP_AT, group);
        b.putLong(NUMBER_AT, number);
        b.putInt(LENGTH_AT, lengthBytes);
        b.putInt(CHECKSUM_AT, Checksum.of(b, GROUP_AT, BYTES - GROUP_AT));
        return b;
    }

    /** Null when there is none, or one of another group. */
    private static @Nullable ManifestWitness decode(ByteBuffer source, UUID group) {
        if (source.remaining() < BYTES) {
            return null;
        }
        ByteBuffer b = source.order(ByteOrder.LITTLE_ENDIAN);
        if (b.getInt(MAGIC_AT) != MAGIC
                || b.getInt(CHECKSUM_AT) != Checksum.of(b, GROUP_AT, BYTES - GROUP_AT)
                || !SegmentHeader.uuid(b, GROUP_AT).equals(group)) {
            return null;
        }
        return new ManifestWitness(b.getLong(NUMBER_AT), b.getInt(LENGTH_AT));
    }

    /**
     * Holds a manifest against what all redo segments in its directory say. Blocking.
     *
     * @param endPosition end of its last valid edit
     */
    static void require(
            StorageDirectory directory,
            ManifestFormat.Header manifest,
            String path,
            int endPosition)
            throws StorageException, JournalException {
        for (String name : directory.files()) {
            ManifestWitness witness =
                    SegmentKind.REDO.numberOf(name) > 0
                            ? read(directory, name, manifest.group())
                            : null;
            if (witness != null && witness.isMoreThan(manifest.number(), endPosition)) {
                throw new JournalException(
                        JournalException.Kind.CORRUPT,
                        path
                                + " ends after "
                                + endPosition
                                + " bytes, and "
                                + directory.path()
                                + "/"
                                + name
                                + " proves that "
                                + witness.lengthBytes
                                + " bytes of "
                                + Manifest.fileName(witness.number)
                                + " had been forced to disk: the manifest has lost what it held;"
                                + " nothing was changed; restore it from a copy");
            }
        }
    }

    private static @Nullable ManifestWitness read(
            StorageDirectory directory, String name, UUID group) throws StorageException {
        try (StorageFile file = directory.openReadOnly(name)) {
            ByteBuffer bytes = ByteBuffer.allocate(BYTES);
            file.read(POSITION, bytes);
            return decode(bytes.flip(), group);
        }
    }

    private boolean isMoreThan(long otherNumber, int otherLengthBytes) {
        return number > otherNumber || (number == otherNumber && lengthBytes > otherLengthBytes);
    }
}
