package dev.tidemark.gateway.demo;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The two disks of the group, as a host of a site has them: one with a file system and the
 * documents, one with a ledger that says what the documents were after each save. Not thread-safe.
 */
final class SiteDisks implements AutoCloseable {
    static final String DOCUMENTS = "documents";
    static final String LEDGER = "ledger";
    static final long LEDGER_BYTES = 8L << 20;
    private static final int LEDGER_USED = 4096;

    private final Ext4 ext4;
    private final String name;
    private final Attachment documents;
    private final Attachment ledger;

    private SiteDisks(Ext4 ext4, String name, Attachment documents, Attachment ledger) {
        this.ext4 = ext4;
        this.name = name;
        this.documents = documents;
        this.ledger = ledger;
    }

    /**
     * Attaches both.
     *
     * @param prefix what comes before their names, such as {@code test.3.}; empty: the live ones
     * @param name of the files here
     */
    static SiteDisks attach(
            Attachment.Method method, Ext4 ext4, Site site, String prefix, String name)
            throws IOException, InterruptedException {
        Attachment documents = method.attach(site.uri(prefix + DOCUMENTS), name + "-" + DOCUMENTS);
        try {
            Attachment ledger = method.attach(site.uri(prefix + LEDGER), name + "-" + LEDGER);
            return new SiteDisks(ext4, name, documents, ledger);
        } catch (IOException | InterruptedException e) {
            documents.detach();
            throw e;
        }
    }

    /** Makes the file system with all documents in it. */
    void make(Documents content) throws IOException, InterruptedException {
        ext4.make(documents.file(), content.folder());
        documents.flush();
        enter(content);
    }

    /** Brings changed documents to the disk, then says so in the ledger. */
    void save(Documents content, List<String> names) throws IOException, InterruptedException {
        replace(content.folder(), names);
        enter(content);
    }

    /** Brings files to the disk, and the ledger does not know. */
    void replace(Path folder, List<String> names) throws IOException, InterruptedException {
        ext4.replace(documents.file(), folder, names);
        documents.flush();
    }

    /** Brings a new file to the disk, and the ledger does not know. */
    void add(Path file) throws IOException, InterruptedException {
        ext4.add(documents.file(), file, String.valueOf(file.getFileName()));
        documents.flush();
    }

    private void enter(Documents content) throws IOException, InterruptedException {
        byte[] line = (Documents.hash(content.folder()) + "\n").getBytes(StandardCharsets.UTF_8);
        int used = ledger().length();
        try (RandomAccessFile file = new RandomAccessFile(ledger.file().toFile(), "rw")) {
            file.seek(used);
            file.write(line);
        }
        ledger.flush();
    }

    private String ledger() throws IOException {
        byte[] bytes = new byte[LEDGER_USED];
        try (RandomAccessFile file = new RandomAccessFile(ledger.file().toFile(), "r")) {
            file.readFully(bytes);
        }
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }

    /**
     * What is on the disks.
     *
     * @param sound whether e2fsck finds nothing
     * @param whole how many documents are whole
     * @param hash over all documents
     * @param agrees whether the ledger's last line says the same
     * @param folder a copy of all files
     */
    record Content(boolean sound, int whole, String hash, boolean agrees, Path folder) {
        boolean has(String file) {
            return Files.exists(folder.resolve(file));
        }

        boolean good() {
            return sound && whole == Documents.COUNT && agrees;
        }
    }

    Content read() throws IOException, InterruptedException {
        boolean sound = ext4.check(documents.file()).code() == 0;
        Path folder = ext4.dump(documents.file(), name);
        String hash = Documents.hash(folder);
        List<String> lines = ledger().lines().toList();
        boolean agrees = !lines.isEmpty() && lines.getLast().equals(hash);
        return new Content(sound, Documents.whole(folder), hash, agrees, folder);
    }

    @Override
    public void close() throws IOException {
        try {
            try {
                ledger.detach();
            } finally {
                documents.detach();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while disks were let go", e);
        }
    }
}
