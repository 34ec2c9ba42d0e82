package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.PointSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Each rule, broken on purpose, is caught by the same checks that pass when it is kept. */
class BrokenRulesTest {
    private static final int SEEDS = 20;

    /**
     * Crashes groups that follow the rules given until a check fails; returns the seed, -1 when
     * none does.
     */
    private static long firstFailure(Function<Rig, Rig.NotingRules> rules) throws Exception {
        for (long seed = 500; seed < 500 + SEEDS; seed++) {
            Rig rig = new Rig(seed);
            rig.rules = rules.apply(rig);
            try {
                GroupProperties.Crashing crashing = new GroupProperties.Crashing(rig);
                for (int life = 0; life < 6; life++) {
                    crashing.liveAndDie(false);
                }
            } catch (AssertionError | ReplicaException caught) {
                return seed;
            }
        }
        return -1;
    }

    @Test
    void theRulesKeptPass() throws Exception {
        assertThat(firstFailure(rig -> rig.new NotingRules())).isEqualTo(-1);
    }

    @Test
    void goldWrittenBeforeItsUndoRunIsForcedIsCaught() throws Exception {
        long seed =
                firstFailure(rig ->
                        rig.new NotingRules() {
                            @Override
                            void fold(FoldSteps steps) throws JournalException, IOException {
                                steps.forceRedo();
                                steps.saveBeforeImages();
                                steps.overwriteGold();
                                steps.forceGold();
                                steps.publishRun();
                                steps.recordGold();
                            }
                        });
        assertThat(seed).isNotEqualTo(-1);
    }

    @Test
    void goldRecordedWithoutBeingForcedIsCaught() throws Exception {
        long seed =
                firstFailure(rig ->
                        rig.new NotingRules() {
                            @Override
                            void fold(FoldSteps steps) throws JournalException, IOException {
                                steps.forceRedo();
                                steps.saveBeforeImages();
                                steps.publishRun();
                                steps.overwriteGold();
                                steps.recordGold();
                            }
                        });
        assertThat(seed).isNotEqualTo(-1);
    }

    @Test
    void aWriteAnsweredBeforeItIsInTheLogIsCaught() throws Exception {
        long seed =
                firstFailure(rig ->
                        rig.new NotingRules() {
                            @Override
                            boolean acknowledgesBeforeAppend() {
                                return true;
                            }
                        });
        assertThat(seed).isNotEqualTo(-1);
    }

    @Test
    void aViewWithoutAPinIsCaught() throws Exception {
        expireUnder(new Rig(7), true);
        assertThatThrownBy(() -> expireUnder(new Rig(7), false)).isInstanceOf(AssertionError.class);
    }

    /** A view stays open while the history it stands on expires. */
    private static void expireUnder(Rig rig, boolean pins) throws Exception {
        rig.options =
                rig.options.withHistory(
                        Duration.ofSeconds(5), Long.MAX_VALUE, Duration.ofSeconds(1));
        rig.rules =
                rig.new NotingRules() {
                    @Override
                    boolean pinsViews() {
                        return pins;
                    }
                };
        rig.create();
        VolumeInfo volume = rig.addVolume("disk", 1 << 20);
        BlockDevice device = rig.group().openVolume(volume.id());
        for (int i = 0; i < 30; i++) {
            rig.randomWrite(device, 60_000);
        }
        rig.scheduler.runFor(2_000_000_000L);
        PointInTimeView view = rig.await(rig.group().openView(new PointSpec.AtSequence(30)));
        for (int i = 0; i < 300; i++) {
            rig.randomWrite(device, 60_000);
            rig.scheduler.runFor(200_000_000L);
        }
        rig.scheduler.runFor(60_000_000_000L);
        rig.checkView(view);
        view.close();
        rig.write(device, 0, rig.bytes(100));
        rig.scheduler.runFor(60_000_000_000L);
        assertThat(rig.group().status().history().tail().sequence()).isPositive();
        assertThat(rig.group().counters().journal().freedUnits()).isPositive();
    }
}
