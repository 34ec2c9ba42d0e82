package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a copy remembers of rollbacks and promotions at its source, which may say what it likes. */
class SourcePromotionsTest {
    private static final UUID SOURCE = new UUID(1, 1);
    private static final long BEGIN = 100;

    private final Rig copy = new Rig(3);
    private long next = BEGIN + 1;
    private Feed feed;

    @BeforeEach
    void make() throws ReplicaException {
        SyncImages images = copy.beginCopy();
        images.volume(1, "disk", 8192);
        images.force();
        copy.rules = copy.new SilentRules();
        copy.createStandby(
                images, new StandbyStart(new StreamPosition(BEGIN, 1_000, 1), 0, SOURCE));
        feed = copy.group().feed(SOURCE);
    }

    /** The source sends one record without payload, as the next one. */
    private void send(RecordKind kind, int epoch) throws ReplicaException {
        ByteBuf batch = Unpooled.buffer().writeLongLE(next).writeIntLE(1);
        batch.writeByte(kind.code()).writeByte(0).writeShortLE(0).writeIntLE(0);
        batch.writeLongLE(next).writeLongLE(2_000).writeLongLE(0).writeLongLE(0);
        batch.writeIntLE(0).writeIntLE(epoch);
        CRC32C crc = new CRC32C();
        crc.update(batch.array(), RecordWire.BATCH_HEADER_BYTES, 48);
        batch.writeIntLE((int) crc.getValue()).writeIntLE(0);
        try {
            copy.await(feed.append(batch));
            next++;
        } finally {
            batch.release();
        }
    }

    private int remembered() {
        return copy.group().gaps().size();
    }

    @Test
    void theyAreRefusedWhereManyBeginAndNoneEnds() throws ReplicaException {
        for (int i = 0; i < EndedPromotions.MAXIMUM_OPEN_OF_A_COPY; i++) {
            send(RecordKind.PROMOTE, 2 + i);
        }
        assertThatThrownBy(() -> send(RecordKind.PROMOTE, 50))
                .isInstanceOf(ReplicaException.class)
                .hasMessageContaining("begins while 16 have not ended")
                .extracting(refused -> ((ReplicaException) refused).kind())
                .isEqualTo(ReplicaException.Kind.INVALID);
        assertThat(remembered()).isEqualTo(EndedPromotions.MAXIMUM_OPEN_OF_A_COPY);

        feed = copy.group().feed(SOURCE);
        assertThat(feed.position().sequence()).as("nothing of it was taken").isEqualTo(next - 1);
        send(RecordKind.PROMOTED, 50);
        send(RecordKind.PROMOTE, 51);
    }

    @Test
    void theyAreRefusedWhereTheWindowHasTooMany() throws ReplicaException {
        for (int i = 0; i < EndedPromotions.MAXIMUM_OF_A_COPY; i++) {
            send(RecordKind.PROMOTE, 2 + i);
            send(RecordKind.PROMOTED, 2 + i);
        }
        assertThatThrownBy(() -> send(RecordKind.PROMOTE, 60_000))
                .isInstanceOf(ReplicaException.class)
                .hasMessageContainingAll("4096", "until its window has passed some")
                .extracting(refused -> ((ReplicaException) refused).kind())
                .isEqualTo(ReplicaException.Kind.FAILED);
        assertThat(remembered()).isEqualTo(EndedPromotions.MAXIMUM_OF_A_COPY);
    }

    /** It would outrank the tenure in which the copy is taken over. */
    @Test
    void anEpochOfATenureThatTheGroupIsNotInIsRefused() throws ReplicaException {
        assertThatThrownBy(() -> send(RecordKind.PROMOTE, 5 << Role.TENURE_SHIFT))
                .isInstanceOf(ReplicaException.class)
                .hasMessageContaining("epoch 327680 is of tenure 5, the group is in tenure 0")
                .extracting(refused -> ((ReplicaException) refused).kind())
                .isEqualTo(ReplicaException.Kind.INVALID);

        copy.await(copy.group().takeOver(new PointSpec.Latest(), 1).usable());
        assertThat(copy.group().role().state()).isEqualTo(GroupRole.ACTIVE);
        assertThat(copy.group().epoch()).isEqualTo(1 << Role.TENURE_SHIFT);
    }
}
