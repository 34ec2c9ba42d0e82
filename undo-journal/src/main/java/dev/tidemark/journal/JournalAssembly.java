package dev.tidemark.journal;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts a journal together: its parts are made one after the other, undone together when one fails,
 * and introduced to each other when all are there. Blocking. Of one thread.
 */
final class JournalAssembly {
    /** What a journal is made with. */
    record Setting(
            JournalOptions options,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            IndexCache cache,
            JournalListener listener) {}

    private final Setting setting;
    private final Counters counters = new Counters();
    private final Failure failure = new Failure();
    private final Room room = new Room();
    private @Nullable Manifest manifest;
    private @Nullable SegmentStore redoStore;
    private @Nullable SegmentStore undoStore;

    /** Stops the redo log when a force failed anywhere; knows it as soon as there is one. */
    private static final class Failure implements Consumer<JournalException> {
        private volatile @Nullable RecordLog redo;

        @Override
        public void accept(JournalException cause) {
            RecordLog known = redo;
            if (known != null) {
                known.fail(cause);
            }
        }
    }

    /** Asks the pool for room on behalf of a journal; nothing can be had before it is started. */
    private static final class Room {
        private volatile @Nullable Retention retention;
        private volatile @Nullable SegmentPool pool;

        boolean make() {
            Retention asking = retention;
            SegmentPool of = pool;
            return asking != null && of != null && !asking.isBusyHere() && of.reclaim(asking);
        }
    }

    /** Keeps marks of what is appended, and lets the manifest know how far redo was forced. */
    private static final class RedoObserver implements RecordLog.Observer {
        private final Marks marks;
        private volatile @Nullable Manifest manifest;

        RedoObserver(Marks marks) {
            this.marks = marks;
        }

        @Override
        public void appended(PendingRecord record, int epoch) {
            marks.appended(record, epoch);
        }

        @Override
        public void forcedFirst(long sequence) throws JournalException {
            Manifest known = manifest;
            if (known != null) {
                known.append(List.of(new ManifestEdit.RedoForced(sequence)), true);
            }
        }
    }

    private JournalAssembly(Setting setting) {
        this.setting = setting;
    }

    /** See {@link Journal#create}. */
    static Journal create(Setting setting, UUID group, JournalStart start) throws JournalException {
        requireEmpty(setting.directory());
        JournalAssembly assembly = new JournalAssembly(setting);
        return assembly.undoneUnlessWhole(() -> assembly.makeNew(group, start));
    }

    /** See {@link Journal#open}. */
    static Journal open(Setting setting) throws JournalException {
        JournalAssembly assembly = new JournalAssembly(setting);
        return assembly.undoneUnlessWhole(assembly::openExisting);
    }

    private static void requireEmpty(StorageDirectory directory) throws JournalException {
        try {
            for (String name : directory.files()) {
                if (name.startsWith(Manifest.PREFIX)
                        || SegmentKind.REDO.numberOf(name) > 0
                        || SegmentKind.UNDO.numberOf(name) > 0) {
                    throw new JournalException(
                            JournalException.Kind.IO,
                            directory.path()
                                    + " already holds "
                                    + name
                                    + " of a journal; open that, or choose an empty folder");
                }
            }
        } catch (StorageException failure) {
            throw JournalException.of("making a journal in " + directory.path(), failure);
        }
    }

    private interface Making {
        Journal run() throws JournalException;
    }

    private Journal undoneUnlessWhole(Making making) throws JournalException {
        boolean whole = false;
        try {
            Journal journal = making.run();
            whole = true;
            return journal;
        } finally {
            if (!whole) {
                abandon();
            }
        }
    }

    private void abandon() {
        if (redoStore != null) {
            redoStore.close();
        }
        if (undoStore != null) {
            undoStore.close();
        }
        if (manifest != null) {
            manifest.abandon();
        }
    }

    private Journal makeNew(UUID group, JournalStart start) throws JournalException {
        RedoObserver observer = new RedoObserver(new Marks(start.sequence(), start.epoch()));
        RecordLog redo = LogOpener.create(redoOptions(), redoParts(group, observer), start);
        redo.epoch(start.epoch());
        Boundary origin = new Boundary(0, start.sequence(), start.timeMicros(), redo.begin(), null);
        Manifest made = Manifest.create(manifestContext(), group, origin, start.epoch());
        manifest = made;
        return assemble(made, redo, observer);
    }

    private Journal openExisting() throws JournalException {
        Manifest found = Manifest.open(manifestContext());
        manifest = found;
        ManifestState state = found.state();
        Boundary gold = state.gold();
        Marks marks = new Marks(gold.sequence(), state.epochAt(gold.run()));
        RedoObserver observer = new RedoObserver(marks);
        RecordLog redo =
                LogOpener.open(
                        redoOptions(),
                        redoParts(found.group(), observer),
                        gold.redo(),
                        gold.timeMicros(),
                        state.forcedSequence(),
                        marks::found);
        // From here on things are done that rely on what the manifest says.
        found.force();
        redo.epoch(marks.lastEpoch());
        marks.recorded(state.newest().sequence());
        return assemble(found, redo, observer);
    }

    private RecordLogOptions redoOptions() {
        return RecordLogOptions.redo(setting.options().unitBytes());
    }

    private Manifest.Context manifestContext() {
        return new Manifest.Context(setting.directory(), counters, setting.listener(), failure);
    }

    private LogOpener.Parts redoParts(UUID group, RedoObserver observer) throws JournalException {
        SegmentStore store = store(SegmentKind.REDO, group);
        redoStore = store;
        return new LogOpener.Parts(
                store, group, setting.scheduler(), setting.listener(), observer, counters);
    }

    private SegmentStore store(SegmentKind kind, UUID group) throws JournalException {
        return SegmentStore.open(
                kind,
                setting.options().unitBytes(),
                true,
                new SegmentStore.Context(
                        group,
                        setting.directory(),
                        setting.pool(),
                        setting.scheduler()::wallClockMicros,
                        counters,
                        setting.listener(),
                        room::make,
                        failure));
    }

    private Journal assemble(Manifest whole, RecordLog redo, RedoObserver observer)
            throws JournalException {
        SegmentStore store = store(SegmentKind.UNDO, whole.group());
        undoStore = store;
        ManifestState state = whole.state();
        UndoLog undo =
                UndoLog.open(
                        store,
                        setting.cache(),
                        state.tail().run(),
                        state.descriptors(),
                        recorder(whole, observer.marks),
                        counters,
                        setting.listener());
        Journal journal = new Journal(whole, redo, store, undo, observer.marks, setting, counters);
        failure.redo = redo;
        room.retention = journal.retention();
        room.pool = setting.pool();
        observer.manifest = whole;
        whole.onForced(witness -> redo.note(witness.encode(whole.group())));
        return journal;
    }

    private static UndoLog.Recorder recorder(Manifest manifest, Marks marks) {
        return new UndoLog.Recorder() {
            @Override
            public void record(
                    Boundary to, int epoch, SpanDescriptor run, List<SpanDescriptor> spans)
                    throws JournalException {
                List<ManifestEdit> edits = new ArrayList<>();
                edits.add(new ManifestEdit.RunAdded(new RunEntry(to, epoch, run)));
                spans.forEach(span -> edits.add(new ManifestEdit.SpanAdded(span)));
                manifest.append(edits, true);
                marks.recorded(to.sequence());
            }

            @Override
            public void record(List<SpanDescriptor> spans) throws JournalException {
                List<ManifestEdit> edits = new ArrayList<>();
                spans.forEach(span -> edits.add(new ManifestEdit.SpanAdded(span)));
                manifest.append(edits, true);
            }
        };
    }
}
