package dev.tidemark.replica;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.JournalOptions;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/**
 * The parts of one protection group, put together: journal, head, fold, images, promotions, and
 * what they share. Fields are set once, before anything runs.
 */
final class Engine {
    private static final long DEFAULT_UNFOLDED_LIMIT_BYTES = 1L << 30;

    final GroupOptions options;
    final UUID id;
    final StorageDirectory volumeDirectory;
    final Scheduler scheduler;
    final GroupListener listener;
    final Rules rules;
    final Journal journal;
    final Health health;
    final Meters meters = new Meters();
    final Maintenance maintenance;
    final Volumes volumes = new Volumes();
    final Roles roles;

    /** Of the copies that records are read for. */
    final List<Shipment> shipments = new CopyOnWriteArrayList<>();

    /** Of the programs outside that read along. */
    final List<Tap> taps = new CopyOnWriteArrayList<>();

    final TapCount tapped = new TapCount();
    final WriteTally tally;

    final Throttle throttle;
    final Head head;
    final HeadLog log;
    final Checkpoints checkpoints;
    final Fold fold;
    final Images images;
    final Promotions promotions;
    final RoleChanges roleChanges;
    final DirtyMaps dirtyMaps;
    final OpeningHolds openingHolds;
    final Drain drain;

    Engine(
            GroupOptions options,
            Environment environment,
            Rules rules,
            StorageDirectory directory,
            Journal journal,
            Health health,
            Alerts alerts)
            throws StorageException {
        this.options = options;
        this.id = journal.group();
        this.volumeDirectory = directory.directory("volumes");
        this.scheduler = environment.scheduler();
        this.listener = environment.listener();
        this.rules = rules;
        this.journal = journal;
        this.health = health;
        this.tally = new WriteTally(journal.redo().lastSequence());
        this.maintenance = new Maintenance(scheduler, "group " + id, health);
        this.throttle =
                new Throttle(
                        journal.redo(), unfoldedLimit(options, environment.pool().budgetBytes()));
        this.head = new Head(journal.redo(), volumes, options.unitBytes(), this::layerSealed);
        this.roles = new Roles(journal);
        this.log =
                new HeadLog(
                        journal.redo(),
                        head,
                        throttle,
                        rules,
                        roles,
                        tally,
                        this::written,
                        this::appended);
        this.checkpoints =
                new Checkpoints(scheduler, log, health, roles, options.checkpointInterval());
        this.images =
                new Images(
                        journal,
                        volumes,
                        rules,
                        meters,
                        scheduler,
                        environment.pool(),
                        alerts,
                        maintenance,
                        options.unitBytes(),
                        directory);
        this.promotions = new Promotions(this);
        this.roleChanges = new RoleChanges(this);
        this.dirtyMaps = new DirtyMaps(this, directory);
        this.openingHolds = new OpeningHolds(journal);
        this.drain = new Drain(this);
        this.fold =
                new Fold(
                        journal,
                        head,
                        throttle,
                        health,
                        rules,
                        meters,
                        maintenance,
                        scheduler,
                        options.retryInterval(),
                        new FoldListeners(this::saveSizes, promotions, drain));
    }

    /** What must be in the manifest before gold passes a layer. */
    private interface BeforeFold {
        void run() throws JournalException;
    }

    private void saveSizes() throws JournalException {
        for (Volume volume : volumes.all()) {
            if (volume.hasUnsavedSizes()) {
                volume.save(journal, false);
            }
        }
    }

    /** Both hear of each fold. */
    private record FoldListeners(BeforeFold before, Fold.FoldGuard first, Fold.FoldGuard second)
            implements Fold.FoldGuard {
        @Override
        public void before(Layer layer) throws JournalException {
            before.run();
            first.before(layer);
            second.before(layer);
        }

        @Override
        public void folded() {
            first.folded();
            second.folded();
        }

        @Override
        public void stalled(String reason) {
            first.stalled(reason);
            second.stalled(reason);
        }
    }

    private static long unfoldedLimit(GroupOptions options, long poolBytes) {
        return options.unfoldedLimitBytes() > 0
                ? options.unfoldedLimitBytes()
                : Math.min(DEFAULT_UNFOLDED_LIMIT_BYTES, poolBytes / 2);
    }

    static JournalOptions journalOptions(GroupOptions options) {
        return new JournalOptions(
                options.unitBytes(),
                micros(options.historyWindow()),
                options.historyBytes(),
                micros(options.fineWindow()));
    }

    static long micros(Duration duration) {
        return TimeUnit.NANOSECONDS.toMicros(duration.toNanos());
    }

    private void layerSealed() {
        fold.request();
    }

    private void written() {
        checkpoints.written();
    }

    /** Any record is in the log: copies lack it. */
    private void appended() {
        if (!shipments.isEmpty()) {
            shipments.forEach(Shipment::appended);
        }
        if (!taps.isEmpty()) {
            taps.forEach(Tap::appended);
        }
    }

    /** Stops timers and closes all files; on the caller's thread, when no maintenance task runs. */
    void close() throws JournalException {
        checkpoints.stop();
        fold.stop();
        promotions.stop();
        roleChanges.stop();
        throttle.failWaiting(Failures.closed("group " + id));
        images.close();
        journal.close();
        for (Volume volume : volumes.all()) {
            closeGold(volume);
        }
    }

    private static void closeGold(Volume volume) {
        try {
            volume.gold().close();
        } catch (StorageException failure) {
            // Everything that matters was forced by the fold; the rest is in redo.
        }
    }
}
