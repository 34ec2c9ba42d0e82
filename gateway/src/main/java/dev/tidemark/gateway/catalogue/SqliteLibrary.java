package dev.tidemark.gateway.catalogue;

import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteJDBCLoader;

/**
 * SQLite itself, a native library that its driver unpacks into a file to load it. A process that is
 * killed leaves that file behind, so it has to be where somebody removes it.
 */
public final class SqliteLibrary {
    private static final Logger log = LoggerFactory.getLogger(SqliteLibrary.class);

    /** Read by the driver; without it, it takes the system's folder for such files. */
    private static final String FOLDER = "org.sqlite.tmpdir";

    private SqliteLibrary() {}

    /**
     * Unpacks into a folder and loads, once in a process: later calls do nothing. Who has chosen a
     * folder on the command line gets that; and where the file system runs no programs (noexec),
     * the driver takes the system's folder when a catalogue is opened.
     */
    public static synchronized void load(Path folder) {
        if (System.getProperty(FOLDER) != null) {
            return;
        }
        System.setProperty(FOLDER, folder.toString());
        try {
            SQLiteJDBCLoader.initialize();
        } catch (Exception e) {
            System.clearProperty(FOLDER);
            log.info("SQLite's library cannot be loaded from {}, but from elsewhere", folder);
        }
    }
}
