package dev.tidemark.journal;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds and reads the manifest that counts. Blocking; changes nothing on disk. */
final class ManifestReader {
    /**
     * The manifest that counts.
     *
     * @param endPosition end of its last valid edit
     * @param others manifests that do not count
     */
    record Found(
            ManifestFormat.Header header,
            ManifestState state,
            StorageFile file,
            int endPosition,
            int snapshotBytes,
            List<String> others) {}

    private final StorageDirectory directory;
    private final String name;
    private final StorageFile file;
    private final ManifestState state = new ManifestState();
    private int position;
    private int snapshotBytes;

    private ManifestReader(StorageDirectory directory, String name, StorageFile file) {
        this.directory = directory;
        this.name = name;
        this.file = file;
    }

    static Found find(StorageDirectory directory) throws JournalException {
        try {
            List<String> names =
                    new ArrayList<>(
                            directory.files().stream()
                                    .filter(file -> file.startsWith(Manifest.PREFIX))
                                    .toList());
            for (String name : names.reversed()) {
                List<String> others = names.stream().filter(o -> !o.equals(name)).toList();
                Found found = read(directory, name, others);
                if (found != null) {
                    return found;
                }
            }
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    directory.path()
                            + " holds no whole manifest"
                            + (names.isEmpty() ? "" : " (" + names + " is damaged)")
                            + ": it is no journal, or its manifest is lost; restore it from a copy");
        } catch (StorageException failure) {
            throw JournalException.of("reading the manifest in " + directory.path(), failure);
        }
    }

    /** Null when the file was never finished. */
    private static @Nullable Found read(
            StorageDirectory directory, String name, List<String> others)
            throws StorageException, JournalException {
        StorageFile file = directory.open(name);
        boolean taken = false;
        try {
            Found found = new ManifestReader(directory, name, file).read(others);
            taken = found != null;
            return found;
        } finally {
            if (!taken) {
                file.close();
            }
        }
    }

    private @Nullable Found read(List<String> others) throws StorageException, JournalException {
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.toIntExact(file.sizeBytes()))
                        .order(ByteOrder.LITTLE_ENDIAN);
        file.read(0, bytes);
        bytes.flip();
        ManifestFormat.Header header = ManifestFormat.decodeHeader(bytes, file.path());
        long number = numberInName();
        if (header != null && header.number() != number) {
            throw corrupt(0, "says it is manifest " + header.number() + "; give it back its name");
        }
        position = ManifestFormat.HEADER_BYTES;
        if (header != null) {
            readEdits(bytes, number);
        }
        requireTorn(bytes, number);
        if (header == null || snapshotBytes == 0) {
            return null;
        }
        ManifestWitness.require(directory, header, file.path(), position);
        return new Found(header, state, file, position, snapshotBytes, others);
    }

    private long numberInName() throws JournalException {
        try {
            return Long.parseLong(name.substring(Manifest.PREFIX.length()), 16);
        } catch (NumberFormatException notANumber) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    directory.path()
                            + " holds "
                            + name
                            + ", which is no name of a manifest; move it away");
        }
    }

    private void readEdits(ByteBuffer bytes, long number) throws JournalException {
        int length = ManifestFormat.validLength(bytes, position, number);
        while (length > 0) {
            ManifestEdit edit = ManifestFormat.decode(bytes, position, file.path());
            if (!state.apply(edit)) {
                throw corrupt(position, "holds an edit that contradicts the ones before: " + edit);
            }
            position += length;
            if (edit instanceof ManifestEdit.SnapshotEnd && snapshotBytes == 0) {
                snapshotBytes = position;
            }
            length = ManifestFormat.validLength(bytes, position, number);
        }
    }

    /** A later edit that was written when this place had been forced proves damage. */
    private void requireTorn(ByteBuffer bytes, long number) throws JournalException {
        int at = position;
        while (at + ManifestFormat.EDIT_HEADER_BYTES <= bytes.limit()) {
            int length = ManifestFormat.validLength(bytes, at, number);
            if (length > 0 && ManifestFormat.forced(bytes, at) > position) {
                throw corrupt(
                        position,
                        "is damaged, and the edit at position "
                                + at
                                + " proves that what was here had been forced to disk; nothing was"
                                + " changed; restore the file from a copy");
            }
            at += ManifestFormat.ALIGNMENT;
        }
    }

    private JournalException corrupt(int at, String detail) {
        return new JournalException(
                JournalException.Kind.CORRUPT, file.path() + " at position " + at + " " + detail);
    }
}
