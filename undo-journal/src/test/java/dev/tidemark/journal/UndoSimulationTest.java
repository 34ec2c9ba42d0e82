package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.storage.simulation.SimulatedDirectory;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The undo log on a disk whose power fails at any operation. Only the manifest survives everything
 * here: it is forced by its owner.
 */
class UndoSimulationTest {
    private static final int LIVES = 12;
    private static final UUID GROUP = new UUID(1, 2);

    static LongStream seeds() {
        Long one = Long.getLong("tidemark.seed");
        return one != null ? LongStream.of(one) : LongStream.range(0, 15);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aRunIsThereWholeFromItsRecordOnWhereverPowerFails(long seed) throws Exception {
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        SimulatedDisk disk = new SimulatedDisk(seed);
        SimulatedDirectory directory = disk.root();
        UndoModel model = new UndoModel(random);
        IndexCache cache = new IndexCache(1 << 20);
        int failures = 0;
        for (int life = 0; life < LIVES; life++) {
            UndoLog log = open(directory, cache, model);
            assertThat(log.lastRun()).isEqualTo(model.lastRun());
            checkAll(log, model);
            disk.powerOffAfter(1 + random.nextInt(120));
            List<UndoModel.Write> writes = List.of();
            try {
                while (true) {
                    writes = model.interval();
                    run(log, model, writes);
                    for (int i = random.nextInt(4); i > 0; i--) {
                        log.mergeStep();
                    }
                }
            } catch (JournalException failure) {
                assertThat(disk.isPoweredOff()).as(failure.toString()).isTrue();
                failures++;
                if (log.lastRun() < lastRecorded(model)) {
                    model.apply(writes);
                }
            }
            directory = disk.crash(random);
        }
        assertThat(failures).isEqualTo(LIVES);
        checkAll(open(directory, cache, model), model);
    }

    private static UndoLog open(SimulatedDirectory directory, IndexCache cache, UndoModel model)
            throws JournalException {
        Counters counters = new Counters();
        SegmentStore store =
                SegmentStore.open(
                        SegmentKind.UNDO,
                        1 << 20,
                        true,
                        new SegmentStore.Context(
                                GROUP,
                                directory,
                                new SegmentPool(Long.MAX_VALUE),
                                () -> 1,
                                counters,
                                JournalListener.NONE,
                                () -> false,
                                failure -> {}));
        return UndoLog.open(store, cache, 0, model.manifest, model, counters, JournalListener.NONE);
    }

    private static void run(UndoLog log, UndoModel model, List<UndoModel.Write> writes)
            throws JournalException {
        UndoRunBuilder run = log.beginRun(UndoModel.boundary(model.lastRun() + 1), 1);
        for (UndoModel.Write write : writes) {
            model.addTo(run, write);
        }
        run.commit();
        model.apply(writes);
    }

    private static long lastRecorded(UndoModel model) {
        return model.manifest.stream()
                .filter(span -> span.level() == 0)
                .mapToLong(SpanDescriptor::lastRun)
                .max()
                .orElse(0);
    }

    private static void checkAll(UndoLog log, UndoModel model) throws JournalException {
        for (long run = 0; run <= model.lastRun(); run++) {
            UndoLookup lookup = log.lookup(run);
            for (int volume = 0; volume < UndoModel.VOLUMES; volume++) {
                byte[] read = model.readGathered(lookup, volume, 0, UndoModel.BYTES, false);
                byte[] past = model.history.get((int) run)[volume];
                assertThat(Arrays.mismatch(read, past))
                        .as("volume %d after run %d", volume, run)
                        .isEqualTo(-1);
            }
        }
    }
}
