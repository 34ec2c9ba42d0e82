package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.journal.JournalListener;
import dev.tidemark.journal.Position;
import dev.tidemark.journal.RecordLog;
import dev.tidemark.journal.RecordLogOptions;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.util.UUID;
import org.junit.jupiter.api.Test;

final class HeadTest {
    private static final int UNIT_BYTES = 1 << 20;

    @Test
    void a_layer_is_not_folded_before_there_is_one_after_it() throws Exception {
        RecordLog redo =
                RecordLog.create(
                        RecordLogOptions.writeLog(UNIT_BYTES),
                        new UUID(1, 2),
                        new SimulatedDisk(1).root(),
                        new SimulatedScheduler(1),
                        new SegmentPool(Long.MAX_VALUE),
                        JournalListener.NONE);
        Head head = new Head(redo, new Volumes(), UNIT_BYTES, () -> {});
        Position place = redo.begin();
        head.begin(place);
        Layer first = head.layers()[0];

        // Between the two steps of sealing the fold may look.
        first.seal(new Layer.End(1, 1, place, null));
        assertThat(head.oldestSealed()).as("dropped now, it would leave no layer").isNull();

        head.begin(place);
        Layer second = head.layers()[0];
        head.seal(1, 1, place, null);
        assertThat(head.oldestSealed()).isSameAs(second);
        head.drop(second);
        assertThat(head.layers()).hasSize(1);
        assertThat(head.oldestSealed()).isNull();
    }
}
