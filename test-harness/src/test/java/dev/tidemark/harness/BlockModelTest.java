package dev.tidemark.harness;

import static dev.tidemark.harness.BlockModel.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The judge of the crash loop notices what it is there for. */
final class BlockModelTest {
    private static final int BLOCKS = 4;

    private final BlockModel model = new BlockModel("disk", 7, BLOCKS, null);
    private final byte[] content = new byte[BLOCKS * BLOCK_BYTES];

    /** Sends a write of blocks 1 and 2, and puts it where a server would. */
    private int write(boolean acknowledge) {
        int write = model.nextWrite();
        model.sent(1, 2, write);
        if (acknowledge) {
            model.acknowledged(1, 2, write);
        }
        byte[] payload = model.payload(1, 2, write);
        System.arraycopy(payload, 0, content, BLOCK_BYTES, payload.length);
        return write;
    }

    @Test
    void a_disk_that_was_never_written_holds_zeros() {
        assertThatCode(() -> model.settle(0, content)).doesNotThrowAnyException();
        content[BLOCK_BYTES * 3 - 1] = 1;
        assertThatThrownBy(() -> model.settle(0, content)).hasMessageContaining("disk block 2");
    }

    @Test
    void a_lost_acknowledged_write_is_noticed() {
        write(true);
        byte[] before = content.clone();
        write(true);
        assertThatCode(() -> model.settle(0, content)).doesNotThrowAnyException();
        assertThatThrownBy(() -> model.settle(0, before))
                .hasMessageContaining("write 2 is acknowledged")
                .hasMessageContaining("found disk 7 block 1 write 1");
    }

    @Test
    void a_write_in_flight_may_be_there_or_not_and_then_stays_so() {
        write(true);
        byte[] before = content.clone();
        write(false);
        assertThatThrownBy(model::snapshot).isInstanceOf(IllegalStateException.class);
        model.settle(0, before);
        assertThatThrownBy(() -> model.settle(0, content)).isInstanceOf(AssertionError.class);
        int write = write(false);
        model.settle(0, content);
        assertThatThrownBy(() -> model.settle(0, before)).isInstanceOf(AssertionError.class);
        assertThat(write).isEqualTo(3);
    }

    @Test
    void a_torn_block_is_noticed() {
        write(true);
        Arrays.fill(content, BLOCK_BYTES + 512, BLOCK_BYTES + 1024, (byte) 0);
        assertThatThrownBy(() -> model.settle(0, content)).hasMessageContaining("torn block");
    }

    @Test
    void a_block_in_the_wrong_place_is_noticed() {
        write(true);
        System.arraycopy(content, BLOCK_BYTES, content, 2 * BLOCK_BYTES, BLOCK_BYTES);
        assertThatThrownBy(() -> model.settle(0, content)).hasMessageContaining("block 1 write 1");
    }

    @Test
    void a_snapshot_does_not_change_and_is_the_base_of_other_disks() {
        write(true);
        byte[] then = content.clone();
        BlockModel.Snapshot snapshot = model.snapshot();
        write(true);
        assertThatCode(() -> BlockModel.check(snapshot, "then", 0, then))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> BlockModel.check(snapshot, "then", 0, content))
                .hasMessageContaining("then block 1");
        BlockModel image = new BlockModel("image", 8, BLOCKS, snapshot);
        assertThatCode(() -> image.settle(0, then)).doesNotThrowAnyException();
        model.rolledBack(snapshot);
        assertThatCode(() -> model.settle(0, then)).doesNotThrowAnyException();
    }
}
