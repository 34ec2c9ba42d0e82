package dev.tidemark.gateway.catalogue;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** One SQLite file behind one connection and one lock. Thread-safe; calls block. */
final class Database implements AutoCloseable {
    /** "Tdmk": says that the file is a catalogue of ours (SQLite file format §1.3.14). */
    private static final int APPLICATION_ID = 0x54646d6b;

    private static final String RESTORE =
            "restore it from a backup; or move it away: groups on disk are then adopted under new names, and the records of past tests are lost";

    private final int schemaVersion;
    private final Path file;
    private final ReentrantLock lock = new ReentrantLock();
    private final Connection connection;

    private Database(int schemaVersion, Path file, Connection connection) {
        this.schemaVersion = schemaVersion;
        this.file = file;
        this.connection = connection;
    }

    /**
     * Opens or creates the file and checks all of it; changes nothing when a check fails.
     *
     * @param schema what each version adds to the one before, from version 1 on
     */
    static Database open(Path file, List<List<String>> schema) {
        SQLiteConfig config = new SQLiteConfig();
        config.enforceForeignKeys(true);
        config.setBusyTimeout(5000);
        try {
            Database database =
                    new Database(
                            schema.size(), file, config.createConnection("jdbc:sqlite:" + file));
            try {
                database.check();
                database.migrate(schema);
            } catch (SQLException | RuntimeException e) {
                database.close();
                throw e;
            }
            return database;
        } catch (SQLException e) {
            throw translate(file, e);
        }
    }

    private void check() throws SQLException {
        List<String> findings = queryRaw("PRAGMA quick_check(5)", row -> row.getString(1));
        if (!findings.equals(List.of("ok"))) {
            throw corrupt(file, String.join("; ", findings), null);
        }
        boolean empty = number("SELECT count(*) FROM sqlite_master") == 0;
        long application = number("PRAGMA application_id");
        if (!empty && application != APPLICATION_ID) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.CORRUPT,
                            "catalogue " + file + " is a database of something else",
                            "application id " + application,
                            "expected " + APPLICATION_ID,
                            "point data.directory to a directory of its own"));
        }
        long version = number("PRAGMA user_version");
        if (version > schemaVersion) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.CORRUPT,
                            "catalogue " + file + " was written by a newer release",
                            "schema version " + version,
                            "this release knows up to " + schemaVersion,
                            "start the newer release"));
        }
    }

    private void migrate(List<List<String>> schema) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA journal_mode = WAL");
            statement.execute("PRAGMA synchronous = FULL");
            int version = (int) number("PRAGMA user_version");
            if (version == schemaVersion) {
                return;
            }
            connection.setAutoCommit(false);
            for (List<String> added : schema.subList(version, schemaVersion)) {
                for (String sql : added) {
                    statement.execute(sql);
                }
            }
            statement.execute("PRAGMA application_id = " + APPLICATION_ID);
            statement.execute("PRAGMA user_version = " + schemaVersion);
            connection.commit();
            connection.setAutoCommit(true);
        }
    }

    private long number(String sql) throws SQLException {
        return queryRaw(sql, row -> row.getLong(1)).getFirst();
    }

    /** Turns a row into a value. */
    interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** Several statements that happen together or not at all. */
    interface Work<T> {
        T run() throws SQLException;
    }

    <T> T transaction(Work<T> work) {
        lock.lock();
        try {
            connection.setAutoCommit(false);
            try {
                T result = work.run();
                connection.commit();
                return result;
            } catch (SQLException | RuntimeException e) {
                connection.rollback();
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            throw translate(file, e);
        } finally {
            lock.unlock();
        }
    }

    <T> List<T> query(String sql, RowReader<T> reader, @Nullable Object... arguments) {
        lock.lock();
        try {
            return queryRaw(sql, reader, arguments);
        } catch (SQLException e) {
            throw translate(file, e);
        } finally {
            lock.unlock();
        }
    }

    private <T> List<T> queryRaw(String sql, RowReader<T> reader, @Nullable Object... arguments)
            throws SQLException {
        try (PreparedStatement statement = prepare(sql, arguments);
                ResultSet rows = statement.executeQuery()) {
            List<T> list = new ArrayList<>();
            while (rows.next()) {
                list.add(reader.read(rows));
            }
            return list;
        }
    }

    /** Runs a change; returns the number of rows changed. */
    int update(String sql, @Nullable Object... arguments) {
        lock.lock();
        try (PreparedStatement statement = prepare(sql, arguments)) {
            return statement.executeUpdate();
        } catch (SQLException e) {
            throw translate(file, e);
        } finally {
            lock.unlock();
        }
    }

    /** Runs an insert; returns the new row's number. */
    long insert(String sql, @Nullable Object... arguments) {
        lock.lock();
        try (PreparedStatement statement = prepare(sql, arguments)) {
            statement.executeUpdate();
            return number("SELECT last_insert_rowid()");
        } catch (SQLException e) {
            throw translate(file, e);
        } finally {
            lock.unlock();
        }
    }

    private PreparedStatement prepare(String sql, @Nullable Object... arguments)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < arguments.length; i++) {
            statement.setObject(i + 1, arguments[i]);
        }
        return statement;
    }

    private static ProblemException translate(Path file, SQLException e) {
        SQLiteErrorCode code =
                e instanceof SQLiteException known
                        ? known.getResultCode()
                        : SQLiteErrorCode.UNKNOWN_ERROR;
        return switch (code) {
            case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CORRUPT_INDEX, SQLITE_CORRUPT_SEQUENCE ->
                    corrupt(file, e.getMessage(), e);
            case SQLITE_FULL ->
                    new ProblemException(
                            Problem.of(
                                    ProblemKind.NO_SPACE,
                                    "catalogue "
                                            + file
                                            + ": the file system is full; free some space and try again"),
                            e);
            case SQLITE_BUSY, SQLITE_LOCKED ->
                    new ProblemException(
                            Problem.of(
                                    ProblemKind.LOCKED,
                                    "catalogue "
                                            + file
                                            + " is locked by another program; close it and try again"),
                            e);
            default ->
                    new ProblemException(
                            Problem.of(ProblemKind.IO, "catalogue " + file + ": " + e.getMessage()),
                            e);
        };
    }

    private static ProblemException corrupt(
            Path file, @Nullable String detail, @Nullable Throwable cause) {
        return new ProblemException(
                new Problem(
                        ProblemKind.CORRUPT,
                        "catalogue " + file + " is corrupt, nothing was changed",
                        detail,
                        null,
                        RESTORE),
                cause);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            connection.close();
        } catch (SQLException e) {
            throw translate(file, e);
        } finally {
            lock.unlock();
        }
    }
}
