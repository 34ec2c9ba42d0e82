package dev.tidemark.gateway.catalogue;

import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Names and settings of groups, records of recovery tests, drills and tasks: what the engine does
 * not know. Thread-safe; every change is durable when its method returns.
 */
public final class Catalogue implements AutoCloseable {
    /** Version 1: groups, drills, tests, tasks. */
    private static final List<String> FIRST =
            List.of(
                    """
                    CREATE TABLE groups (
                        id TEXT PRIMARY KEY,
                        name TEXT NOT NULL UNIQUE,
                        created_micros INTEGER NOT NULL,
                        window_millis INTEGER NOT NULL,
                        history_bytes INTEGER NOT NULL,
                        fine_window_millis INTEGER NOT NULL,
                        checkpoint_millis INTEGER NOT NULL,
                        phase TEXT NOT NULL CHECK (phase IN ('CREATING', 'ACTIVE', 'DELETING'))
                    ) STRICT\
                    """,
                    """
                    CREATE TABLE drills (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        group_id TEXT NOT NULL,
                        group_name TEXT NOT NULL,
                        note TEXT NOT NULL,
                        started_micros INTEGER NOT NULL,
                        started_by TEXT NOT NULL
                    ) STRICT\
                    """,
                    """
                    CREATE TABLE tests (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        image TEXT NOT NULL UNIQUE,
                        group_id TEXT NOT NULL,
                        group_name TEXT NOT NULL,
                        drill INTEGER NOT NULL REFERENCES drills (id),
                        asked TEXT NOT NULL,
                        sequence INTEGER NOT NULL,
                        point_micros INTEGER NOT NULL,
                        checkpoint TEXT NOT NULL,
                        open_micros INTEGER NOT NULL,
                        started_micros INTEGER NOT NULL,
                        started_by TEXT NOT NULL,
                        stopped_micros INTEGER,
                        verdict TEXT CHECK (verdict IN ('passed', 'failed', 'inconclusive')),
                        note TEXT NOT NULL,
                        stopped_by TEXT NOT NULL,
                        bytes_written INTEGER NOT NULL,
                        CHECK ((stopped_micros IS NULL) = (verdict IS NULL))
                    ) STRICT\
                    """,
                    "CREATE INDEX tests_by_stop ON tests (stopped_micros)",
                    """
                    CREATE TABLE tasks (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        kind TEXT NOT NULL,
                        subject TEXT NOT NULL,
                        state TEXT NOT NULL,
                        progress REAL NOT NULL,
                        detail TEXT NOT NULL,
                        started_micros INTEGER NOT NULL,
                        ended_micros INTEGER,
                        result TEXT,
                        problem TEXT
                    ) STRICT\
                    """);

    /** Version 2: the names of volumes, for groups that cannot be asked. */
    private static final List<String> NAMES_OF_VOLUMES =
            List.of(
                    """
                    CREATE TABLE volumes (
                        group_id TEXT NOT NULL,
                        name TEXT NOT NULL,
                        PRIMARY KEY (group_id, name)
                    ) STRICT, WITHOUT ROWID\
                    """);

    /** Version 3: persistent reservations of units, as the iSCSI target writes them. */
    private static final List<String> RESERVATIONS =
            List.of(
                    """
                    CREATE TABLE reservations (
                        unit INTEGER PRIMARY KEY,
                        state BLOB NOT NULL
                    ) STRICT\
                    """);

    private final Database database;
    private final SiteTables sites;
    private final ProtectionTables protections;

    private Catalogue(Database database) {
        this.database = database;
        this.sites = new SiteTables(database);
        this.protections = new ProtectionTables(database);
    }

    /**
     * Opens or creates the catalogue; a corrupt, foreign or newer file is refused and left as it
     * is.
     */
    public static Catalogue open(Path file) {
        // Version 4: this site, its peers and invitations. Version 5: groups at several sites.
        // Version 6: copies that are to be deleted.
        return new Catalogue(
                Database.open(
                        file,
                        List.of(
                                FIRST,
                                NAMES_OF_VOLUMES,
                                RESERVATIONS,
                                SiteTables.SCHEMA,
                                ProtectionTables.SCHEMA,
                                ProtectionTables.REMOVALS)));
    }

    /** This site and its peers. */
    public SiteTables sites() {
        return sites;
    }

    /** Which groups are copied where. */
    public ProtectionTables protections() {
        return protections;
    }

    // Groups

    public List<GroupRow> groups() {
        return database.query("SELECT * FROM groups ORDER BY name", Catalogue::group);
    }

    public void addGroup(GroupRow row) {
        database.update(
                "INSERT INTO groups VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row.id().toString(),
                row.name(),
                row.createdMicros(),
                row.windowMillis(),
                row.historyBytes(),
                row.fineWindowMillis(),
                row.checkpointMillis(),
                row.phase().name());
    }

    /** A copy is complete: it is a group from now on. */
    public void arrived(GroupRow row) {
        database.transaction(() -> {
            protections.removeArrival(row.id());
            addGroup(row);
            return row;
        });
    }

    /** Replaces everything but id and creation time. */
    public void updateGroup(GroupRow row) {
        database.update(
                "UPDATE groups SET name = ?, window_millis = ?, history_bytes = ?, fine_window_millis = ?, checkpoint_millis = ?, phase = ? WHERE id = ?",
                row.name(),
                row.windowMillis(),
                row.historyBytes(),
                row.fineWindowMillis(),
                row.checkpointMillis(),
                row.phase().name(),
                row.id().toString());
    }

    public void removeGroup(UUID id) {
        database.transaction(() -> {
            database.update("DELETE FROM volumes WHERE group_id = ?", id.toString());
            database.update("DELETE FROM protections WHERE group_id = ?", id.toString());
            database.update("DELETE FROM handovers WHERE group_id = ?", id.toString());
            return database.update("DELETE FROM groups WHERE id = ?", id.toString());
        });
    }

    /** The volumes that a group had when it was last asked, by name. */
    public List<String> volumes(UUID group) {
        return database.query(
                "SELECT name FROM volumes WHERE group_id = ? ORDER BY name",
                row -> row.getString("name"),
                group.toString());
    }

    /** Takes note of the volumes that a group has. */
    public void rememberVolumes(UUID group, List<String> names) {
        if (volumes(group).equals(names.stream().sorted().toList())) {
            return;
        }
        database.transaction(() -> {
            database.update("DELETE FROM volumes WHERE group_id = ?", group.toString());
            for (String name : names) {
                database.update("INSERT INTO volumes VALUES (?, ?)", group.toString(), name);
            }
            return names.size();
        });
    }

    private static GroupRow group(ResultSet row) throws SQLException {
        return new GroupRow(
                UUID.fromString(row.getString("id")),
                row.getString("name"),
                row.getLong("created_micros"),
                row.getLong("window_millis"),
                row.getLong("history_bytes"),
                row.getLong("fine_window_millis"),
                row.getLong("checkpoint_millis"),
                GroupRow.Phase.valueOf(row.getString("phase")));
    }

    // Reservations

    /** What was kept last of each unit, by its identifier. */
    public Map<Long, byte[]> reservations() {
        Map<Long, byte[]> states = new HashMap<>();
        database.query(
                        "SELECT unit, state FROM reservations",
                        row -> Map.entry(row.getLong("unit"), row.getBytes("state")))
                .forEach(entry -> states.put(entry.getKey(), entry.getValue()));
        return states;
    }

    /** Keeps the state of a unit, or nothing any more when it is empty. */
    public void keepReservations(long unit, byte[] state) {
        if (state.length == 0) {
            database.update("DELETE FROM reservations WHERE unit = ?", unit);
        } else {
            database.update("INSERT OR REPLACE INTO reservations VALUES (?, ?)", unit, state);
        }
    }

    // Drills and tests

    public long addDrill(UUID group, String groupName, String note, long startedMicros, String by) {
        return database.insert(
                "INSERT INTO drills (group_id, group_name, note, started_micros, started_by) VALUES (?, ?, ?, ?, ?)",
                group.toString(),
                groupName,
                note,
                startedMicros,
                by);
    }

    public List<DrillRow> drills(int limit) {
        return database.query(
                "SELECT * FROM drills ORDER BY id DESC LIMIT ?", Catalogue::drill, limit);
    }

    public Optional<DrillRow> drill(long id) {
        return database.query("SELECT * FROM drills WHERE id = ?", Catalogue::drill, id).stream()
                .findFirst();
    }

    private static DrillRow drill(ResultSet row) throws SQLException {
        return new DrillRow(
                row.getLong("id"),
                UUID.fromString(row.getString("group_id")),
                row.getString("group_name"),
                row.getString("note"),
                row.getLong("started_micros"),
                row.getString("started_by"));
    }

    /** Adds a running test; its id is ignored and given anew. */
    public TestRow addTest(TestRow test) {
        long id =
                database.insert(
                        "INSERT INTO tests (image, group_id, group_name, drill, asked, sequence, point_micros, checkpoint, open_micros, started_micros, started_by, note, stopped_by, bytes_written)"
                                + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0)",
                        test.image().toString(),
                        test.group().toString(),
                        test.groupName(),
                        test.drill(),
                        test.asked(),
                        test.sequence(),
                        test.pointMicros(),
                        test.checkpoint(),
                        test.openMicros(),
                        test.startedMicros(),
                        test.startedBy(),
                        test.note());
        return test(id).orElseThrow();
    }

    public Optional<TestRow> test(long id) {
        return database.query("SELECT * FROM tests WHERE id = ?", Catalogue::test, id).stream()
                .findFirst();
    }

    /** Running tests, oldest first. */
    public List<TestRow> runningTests() {
        return database.query(
                "SELECT * FROM tests WHERE stopped_micros IS NULL ORDER BY id", Catalogue::test);
    }

    /** The newest tests, newest first. */
    public List<TestRow> tests(int limit) {
        return database.query(
                "SELECT * FROM tests ORDER BY id DESC LIMIT ?", Catalogue::test, limit);
    }

    public List<TestRow> testsOfDrill(long drill) {
        return database.query(
                "SELECT * FROM tests WHERE drill = ? ORDER BY id", Catalogue::test, drill);
    }

    /** Ends a running test; returns false when it had ended already, and then changes nothing. */
    public boolean stopTest(
            long id,
            Verdict verdict,
            String note,
            String by,
            long stoppedMicros,
            long bytesWritten) {
        return database.update(
                        "UPDATE tests SET stopped_micros = ?, verdict = ?, note = ?, stopped_by = ?, bytes_written = ? WHERE id = ? AND stopped_micros IS NULL",
                        stoppedMicros,
                        verdict.text(),
                        note,
                        by,
                        bytesWritten,
                        id)
                == 1;
    }

    /** Takes an end back that did not come about. */
    public void reopenTest(long id) {
        database.update(
                "UPDATE tests SET stopped_micros = NULL, verdict = NULL, stopped_by = '', bytes_written = 0 WHERE id = ?",
                id);
    }

    /**
     * Which records of ended tests go: of those of the group that ended before a time, all but the
     * newest, oldest first.
     *
     * @param group of all groups when null
     * @param keep how many of the newest stay
     * @param most how many go at most
     */
    public record Purge(@Nullable UUID group, int keep, long endedBeforeMicros, int most) {
        public static Purge beyond(int keep) {
            return new Purge(null, keep, Long.MAX_VALUE, Integer.MAX_VALUE);
        }
    }

    /**
     * Deletes records of ended tests, and drills left without tests; returns how many records went.
     */
    public int purgeTests(Purge purge) {
        UUID group = purge.group();
        String ended =
                "FROM tests WHERE stopped_micros IS NOT NULL AND (? IS NULL OR group_id = ?)";
        String id = group == null ? null : group.toString();
        return database.transaction(() -> {
            int purged =
                    database.update(
                            "DELETE FROM tests WHERE id IN (SELECT id "
                                    + ended
                                    + " AND stopped_micros < ? AND id NOT IN (SELECT id "
                                    + ended
                                    + " ORDER BY stopped_micros DESC, id DESC LIMIT ?) ORDER BY stopped_micros, id LIMIT ?)",
                            id,
                            id,
                            purge.endedBeforeMicros(),
                            id,
                            id,
                            purge.keep(),
                            purge.most());
            database.update("DELETE FROM drills WHERE id NOT IN (SELECT drill FROM tests)");
            return purged;
        });
    }

    private static TestRow test(ResultSet row) throws SQLException {
        String verdict = row.getString("verdict");
        long stopped = row.getLong("stopped_micros");
        return new TestRow(
                row.getLong("id"),
                UUID.fromString(row.getString("image")),
                UUID.fromString(row.getString("group_id")),
                row.getString("group_name"),
                row.getLong("drill"),
                row.getString("asked"),
                row.getLong("sequence"),
                row.getLong("point_micros"),
                row.getString("checkpoint"),
                row.getLong("open_micros"),
                row.getLong("started_micros"),
                row.getString("started_by"),
                verdict == null ? null : (Long) stopped,
                verdict == null ? null : Verdict.of(verdict),
                row.getString("note"),
                row.getString("stopped_by"),
                row.getLong("bytes_written"));
    }

    // Tasks

    public long addTask(String kind, String subject, long startedMicros) {
        return database.insert(
                "INSERT INTO tasks (kind, subject, state, progress, detail, started_micros) VALUES (?, ?, 'running', 0, '', ?)",
                kind,
                subject,
                startedMicros);
    }

    /** Ends a task; keeps the newest thousand. */
    public void endTask(TaskRow task) {
        database.update(
                "UPDATE tasks SET state = ?, progress = ?, detail = ?, ended_micros = ?, result = ?, problem = ? WHERE id = ?",
                task.state(),
                task.progress(),
                task.detail(),
                task.endedMicros(),
                task.result(),
                task.problem(),
                task.id());
        database.update(
                "DELETE FROM tasks WHERE state <> 'running' AND id <= (SELECT max(id) FROM tasks) - 1000");
    }

    /** Marks tasks that an earlier process left running; returns how many there were. */
    public int interruptTasks(long endedMicros) {
        return database.update(
                "UPDATE tasks SET state = 'interrupted', detail = 'the gateway stopped', ended_micros = ? WHERE state = 'running'",
                endedMicros);
    }

    public List<TaskRow> tasks(int limit) {
        return database.query(
                "SELECT * FROM tasks ORDER BY id DESC LIMIT ?", Catalogue::task, limit);
    }

    public Optional<TaskRow> task(long id) {
        return database.query("SELECT * FROM tasks WHERE id = ?", Catalogue::task, id).stream()
                .findFirst();
    }

    private static TaskRow task(ResultSet row) throws SQLException {
        @Nullable Long ended =
                row.getObject("ended_micros") == null ? null : (Long) row.getLong("ended_micros");
        return new TaskRow(
                row.getLong("id"),
                row.getString("kind"),
                row.getString("subject"),
                row.getString("state"),
                row.getDouble("progress"),
                row.getString("detail"),
                row.getLong("started_micros"),
                ended,
                row.getString("result"),
                row.getString("problem"));
    }

    @Override
    public void close() {
        database.close();
    }
}
