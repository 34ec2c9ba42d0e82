package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.ship.CopyHost;
import dev.tidemark.replica.ship.GroupOffer;
import dev.tidemark.replica.ship.GroupShipping;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.replica.ship.ShippingListener;
import dev.tidemark.replica.ship.ShippingStage;
import dev.tidemark.replica.ship.ShippingState;
import dev.tidemark.replica.ship.ShippingStatus;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A copy across a break of the order: what is sent, what is said, and what it shows then. */
class DeltaSyncTest {
    private static final UUID PEER = new UUID(2, 2);
    private static final long LIMIT_BYTES = 100_000;

    /** A source of one volume, its copy, and what joins them. */
    private static final class Pair implements CopyHost {
        final Random random = new Random(5);
        Rig source = new Rig(1);
        final Rig copy = new Rig(2);
        BlockDevice device;
        private boolean made;

        /** The copy's fold is held back, as by a full disk. */
        boolean foldIsHeld;

        private ShippingDesk desk = new ShippingDesk(this, copy.scheduler);
        GroupShipping shipping;
        private @Nullable DirectLink link;

        Pair(long sizeBytes, Duration fineWindow) throws ReplicaException {
            source.options = source.options.withHistory(Duration.ofDays(1), 1L << 40, fineWindow);
            source.create();
            source.addVolume("disk", sizeBytes);
            device = source.group().openVolume(1);
            shipping = newShipping();
        }

        Pair(long sizeBytes) throws ReplicaException {
            this(sizeBytes, Duration.ofDays(1));
        }

        GroupShipping newShipping() {
            return new GroupShipping(
                    source.group(),
                    new GroupShipping.Terms("group", Rig.UNIT_BYTES, LIMIT_BYTES),
                    PEER,
                    source.group().status().headSequence(),
                    source.scheduler,
                    new ShippingListener() {});
        }

        @Override
        public @Nullable ProtectionGroup find(UUID group) {
            return made ? copy.group() : null;
        }

        @Override
        public SyncImages begin(GroupOffer offer, UUID from) throws ReplicaException {
            return copy.beginCopy();
        }

        @Override
        public ProtectionGroup adopt(
                GroupOffer offer, UUID from, SyncImages images, StandbyStart start)
                throws ReplicaException {
            copy.models.putAll(source.models);
            copy.rules =
                    copy.new SilentRules() {
                        @Override
                        void fold(FoldSteps steps) throws JournalException, IOException {
                            if (foldIsHeld) {
                                throw new StorageException(
                                        StorageException.Kind.NO_SPACE, "held back", null);
                            }
                            super.fold(steps);
                        }
                    };
            copy.createStandby(images, start);
            made = true;
            return copy.group();
        }

        @Override
        public String rejoin(ProtectionGroup group, GroupOffer offer, UUID from) {
            throw new AssertionError("nobody takes over here");
        }

        DirectLink connect() {
            DirectLink now = new DirectLink(source.scheduler, copy.scheduler, desk, random, PEER);
            link = now;
            shipping.up(now);
            return now;
        }

        void cut() {
            DirectLink now = link;
            if (now != null) {
                link = null;
                now.cut();
                shipping.down(now, "cut");
            }
        }

        void await(String what, BooleanSupplier condition) {
            for (int i = 0; i < 20_000 && !condition.getAsBoolean(); i++) {
                source.scheduler.runFor(1_000_000);
                copy.scheduler.runFor(1_000_000);
            }
            assertThat(condition.getAsBoolean()).as("%s: %s", what, shipping.status()).isTrue();
        }

        boolean isEven() {
            return made
                    && shipping.status().state() == ShippingState.SHIPPING
                    && copy.group().role().toSource(head(copy)) == head(source)
                    && shipping.status().backlogBytes() == 0;
        }

        /** Protected, then without a link until the backlog has outgrown its limit. */
        void breakTheOrder() {
            connect();
            await("a copy", this::isEven);
            assertThat(shipping.status().trigger()).isEqualTo("new");
            cut();
            while (shipping.status().backlogBytes() <= LIMIT_BYTES) {
                source.write(device, random.nextInt(30) * 4096L, source.bytes(4096));
            }
            await("given up", () -> shipping.status().backlogBytes() == 0);
            assertThat(shipping.status().state()).isEqualTo(ShippingState.WAITING);
            assertThat(shipping.status().reason())
                    .startsWith("the backlog of ")
                    .contains("outgrew its limit of " + LIMIT_BYTES);
        }

        /** The copy reads as the source does. */
        void checkEqual() throws ReplicaException {
            checkCopy(head(copy), head(source));
        }

        void checkCopy(long local, long atSource) throws ReplicaException {
            try (PointInTimeView view =
                    copy.await(copy.group().openView(new PointSpec.AtSequence(local)))) {
                BlockDevice shown = view.device(1);
                copy.checkContent(shown, 1, atSource);
                shown.close();
            }
        }

        /** The newest state of a volume is the same at both. */
        void checkSame(String volume) throws ReplicaException {
            assertThat(newest(copy, volume)).isEqualTo(newest(source, volume));
        }

        private static byte[] newest(Rig rig, String volume) throws ReplicaException {
            PointSpec last = new PointSpec.AtSequence(head(rig));
            try (PointInTimeView view = rig.await(rig.group().openView(last))) {
                BlockDevice shown = view.device(id(rig, volume));
                byte[] content = rig.readAll(shown);
                shown.close();
                return content;
            }
        }

        void importImage(String name) throws Exception {
            byte[] content = new byte[150_000];
            System.arraycopy(source.bytes(50_000), 0, content, 70_000, 50_000);
            StorageFile image = source.disk.root().create(name + ".raw");
            image.write(0, ByteBuffer.wrap(content));
            var _ = source.await(source.group().importVolume(name, image, Progress.NONE));
            image.close();
        }

        @Nullable Throwable refusal(PointSpec spec) {
            try {
                copy.await(copy.group().openView(spec)).close();
                return null;
            } catch (ReplicaException refused) {
                return refused;
            }
        }
    }

    @Test
    void whatHasNoRecordReachesTheCopyOfAGroupIntoWhichNobodyWrites() throws Exception {
        Pair pair = new Pair(400_000);
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.source.await(pair.source.group().renameVolume(1, "renamed"));
        pair.source.addVolume("another", 40_000);
        pair.await(
                "told",
                () ->
                        pair.copy.group().volumes().stream()
                                .map(VolumeInfo::name)
                                .toList()
                                .equals(List.of("renamed", "another")));
    }

    @Test
    void aCopyWhoseFoldIsBehindSaysThatThisIsWhatHoldsItUp() throws Exception {
        Pair pair = new Pair(400_000);
        pair.copy.options = pair.copy.options.withUnfoldedLimit(300_000);
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.foldIsHeld = true;
        for (int i = 0; i < 29; i++) {
            pair.source.write(pair.device, i * 10_000L, pair.source.bytes(10_000));
        }
        pair.await("below the limit", pair::isEven);
        assertThat(pair.shipping.status().stage()).isEqualTo(ShippingStage.NONE);
        for (int i = 29; i < 36; i++) {
            pair.source.write(pair.device, i * 10_000L, pair.source.bytes(10_000));
            pair.source.scheduler.runFor(100_000_000);
        }
        pair.await(
                "held up by the fold", () -> pair.shipping.status().stage() == ShippingStage.FOLD);
        assertThat(pair.isEven()).isFalse();
        pair.foldIsHeld = false;
        pair.await("shipped", pair::isEven);
        assertThat(pair.shipping.status().stage()).isEqualTo(ShippingStage.NONE);
        pair.checkEqual();
    }

    private static long head(Rig rig) {
        return rig.group().status().headSequence();
    }

    @Test
    void aBacklogThatOutgrewItsLimitEndsInASynchronisationAndTheCopyKeepsItsPast()
            throws Exception {
        Pair pair = new Pair(200_000);
        for (int i = 0; i < 20; i++) {
            pair.source.randomWrite(pair.device, 9_000);
        }
        pair.breakTheOrder();
        long before = head(pair.copy);
        pair.connect();
        pair.await("synchronised", pair::isEven);
        assertThat(pair.shipping.status().trigger())
                .contains("outgrew its limit of " + LIMIT_BYTES);
        long after = head(pair.copy);
        assertThat(pair.copy.events)
                .contains(
                        "points between record "
                                + before
                                + " and "
                                + after
                                + " are not there: the copy was synchronised");
        pair.checkEqual();
        pair.checkCopy(before, before);
        for (long inside = before + 1; inside < after; inside++) {
            assertThat(pair.refusal(new PointSpec.AtSequence(inside)))
                    .hasMessageContaining("lies inside");
        }
        // And on, one for one.
        pair.source.randomWrite(pair.device, 9_000);
        pair.await("shipped", pair::isEven);
        assertThat(head(pair.copy)).isEqualTo(after + 1);
        pair.checkEqual();
        pair.copy.crashAndOpen();
        pair.checkCopy(before, before);
        pair.checkCopy(after, head(pair.source) - 1);
        assertThat(pair.refusal(new PointSpec.AtSequence(before + 1))).isNotNull();
        assertThat(pair.copy.group().gaps())
                .singleElement()
                .satisfies(gap -> {
                    assertThat(gap.synchronised()).isTrue();
                    assertThat(gap.beforeSequence()).isEqualTo(before);
                    assertThat(gap.endSequence()).isEqualTo(after);
                    assertThat(gap.why()).contains("outgrew its limit of " + LIMIT_BYTES);
                });
    }

    @Test
    void onlyWhatChangedIsSent() throws Exception {
        Pair pair = new Pair(64 << 20);
        for (int at = 0; at < 64 << 20; at += 256 << 10) {
            pair.source.write(pair.device, at, pair.source.bytes(256 << 10));
        }
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.cut();
        for (int i = 0; i < 256; i++) {
            long at = pair.random.nextInt((64 << 20) / 4096) * 4096L;
            pair.source.write(pair.device, at, pair.source.bytes(4096));
        }
        pair.await("given up", () -> pair.shipping.status().backlogBytes() == 0);
        DirectLink link = pair.connect();
        pair.await("synchronised", pair::isEven);
        ShippingStatus status = pair.shipping.status();
        assertThat(status.sync().sentBytes()).isBetween(900L << 10, 1100L << 10);
        assertThat(status.sync().readBytes()).isLessThan(2 << 20);
        assertThat(status.sync().passedBytes()).isEqualTo(64 << 20);
        assertThat(link.sentBytes).isBetween(900L << 10, 2L << 20);
        pair.checkEqual();
    }

    @Test
    void aHalfSynchronisedCopyTakesNoFeedAndIsSynchronisedFirst() throws Exception {
        Pair pair = new Pair(200_000);
        pair.source.randomWrite(pair.device, 9_000);
        pair.breakTheOrder();
        long before = head(pair.copy);
        pair.connect();
        pair.await("begun", () -> head(pair.copy) > before + 3);
        pair.cut();
        pair.copy.crashAndOpen();
        pair.desk = new ShippingDesk(pair, pair.copy.scheduler);
        StreamPosition half = pair.copy.group().halfSynchronised();
        assertThat(half).isNotNull();
        assertThat(half.sequence()).isEqualTo(before);
        assertThat(pair.refusal(new PointSpec.Latest())).isNotNull();
        pair.checkCopy(before, before);
        Feed feed = pair.copy.group().feed(PEER);
        try (Shipment from = pair.source.group().ship(head(pair.source) - 1)) {
            pair.source.flush(pair.device);
            ShippedRecords records = from.next(1);
            assertThat(records).isNotNull();
            assertThatThrownBy(() -> pair.copy.await(feed.append(records.body())))
                    .hasMessageContaining("half synchronised");
            records.body().release();
        }
        int epoch = pair.copy.group().epoch();
        pair.connect();
        pair.await("synchronised", pair::isEven);
        assertThat(pair.shipping.status().trigger()).isEqualTo("the copy was half synchronised");
        assertThat(pair.copy.group().epoch()).as("one PROMOTE is enough").isEqualTo(epoch);
        pair.checkEqual();
        pair.checkCopy(before, before);
    }

    @Test
    void aHalfSynchronisedCopyIsTakenOverAtAPointBeforeIt() throws Exception {
        Pair pair = new Pair(200_000);
        pair.source.randomWrite(pair.device, 9_000);
        pair.breakTheOrder();
        long before = head(pair.copy);
        pair.connect();
        pair.await("begun", () -> head(pair.copy) > before + 3);
        pair.cut();
        ProtectionGroup group = pair.copy.group();
        assertThatThrownBy(
                        () -> pair.copy.await(group.takeOver(new PointSpec.Latest(), 1).usable()))
                .hasMessageContaining("the newest point before it is seq:" + before);
        pair.copy.await(group.takeOver(new PointSpec.AtSequence(before), 1).usable());
        Role.Takeover how = group.role().takeover();
        assertThat(how).isNotNull();
        assertThat(how.pointSource()).isEqualTo(before);
        assertThat(how.lastSource()).as("in order").isEqualTo(before);
        assertThat(group.halfSynchronised()).isNull();
        BlockDevice taken = group.openVolume(1);
        pair.copy.checkContent(taken, 1, before);
    }

    @Test
    void aCopyOfAnotherHistoryIsComparedAsAWhole() throws Exception {
        Pair pair = new Pair(200_000);
        for (int i = 0; i < 30; i++) {
            pair.source.randomWrite(pair.device, 9_000);
        }
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.cut();
        long before = head(pair.copy);
        byte[] then = pair.source.model(1).imageAt(before);
        // The same group, from an old backup, went another way.
        pair.source = new Rig(9).create();
        pair.source.scheduler.runFor(1_000_000_000);
        pair.source.addVolume("disk", 200_000);
        pair.device = pair.source.group().openVolume(1);
        for (int i = 0; i < 90; i++) {
            pair.source.randomWrite(pair.device, 9_000);
        }
        pair.copy.models.putAll(pair.source.models);
        pair.shipping = pair.newShipping();
        pair.connect();
        pair.await("synchronised", pair::isEven);
        assertThat(pair.shipping.status().trigger())
                .startsWith("the copy's last record is not this site's");
        pair.checkEqual();
        try (PointInTimeView view =
                pair.copy.await(pair.copy.group().openView(new PointSpec.AtSequence(before)))) {
            assertThat(pair.copy.readAll(view.device(1))).isEqualTo(then);
        }
    }

    @Test
    void whatIsNotInRedoAnyMoreIsToldByHistory() throws Exception {
        Pair pair = new Pair(400_000, Duration.ofMillis(100));
        pair.source.randomWrite(pair.device, 9_000);
        pair.breakTheOrder();
        long before = head(pair.copy);
        for (int i = 0; i < 600; i++) {
            pair.source.write(
                    pair.device, pair.random.nextInt(20) * 4096L, pair.source.bytes(8192));
            pair.source.scheduler.runFor(10_000_000);
        }
        pair.await(
                "redo has gone",
                () -> {
                    try {
                        pair.source.group().ship(before).close();
                        return false;
                    } catch (ReplicaException gone) {
                        return true;
                    }
                });
        pair.connect();
        pair.await("synchronised", pair::isEven);
        // 30 blocks of 4 KiB were written by what broke the order.
        assertThat(pair.shipping.status().sync().readBytes()).isLessThanOrEqualTo(30 * 4096L);
        pair.checkEqual();
    }

    @Test
    void aRollbackAtTheSourceInTheGapIsSynchronisedOnce() throws Exception {
        Pair pair = new Pair(200_000);
        for (int i = 0; i < 10; i++) {
            pair.source.randomWrite(pair.device, 9_000);
        }
        pair.breakTheOrder();
        long point = head(pair.source) - 3;
        for (int i = 0; i < 2; i++) {
            pair.source.rules.promotedTo.put(1, pair.source.model(1).imageAt(point));
            PromotionTask task = pair.source.group().rollback(new PointSpec.AtSequence(point));
            pair.source.await(task.done());
        }
        pair.connect();
        pair.await("synchronised", pair::isEven);
        assertThat(pair.copy.group().epoch()).isGreaterThanOrEqualTo(pair.source.group().epoch());
        assertThat(pair.copy.events)
                .filteredOn(said -> said.startsWith("points between"))
                .hasSize(1);
        long begin = pair.copy.group().role().newest().localSequence();
        pair.checkEqual();
        pair.cut();
        pair.connect();
        pair.await("shipped on", pair::isEven);
        assertThat(pair.copy.group().role().newest().localSequence()).isEqualTo(begin);
    }

    private static int id(Rig rig, String volume) {
        return rig.group().volumes().stream()
                .filter(each -> each.name().equals(volume))
                .mapToInt(VolumeInfo::id)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aNameThatIsUsedAgainIsTheNewVolumesAndTheDeletedOneIsKept() throws Exception {
        Pair pair = new Pair(200_000);
        int first = pair.source.addVolume("extra", 50_000).id();
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.cut();
        pair.source.await(pair.source.group().removeVolume(first));
        pair.source.await(pair.source.group().renameVolume(1, "main"));
        int again = pair.source.addVolume("Extra", 60_000).id();
        pair.connect();
        pair.await("shipped", pair::isEven);
        assertThat(id(pair.copy, "Extra")).isEqualTo(again);
        assertThat(id(pair.copy, "extra.deleted-" + first)).isEqualTo(first);
        assertThat(id(pair.copy, "main")).isEqualTo(1);
        pair.copy.crashAndOpen();
        assertThat(id(pair.copy, "Extra")).isEqualTo(again);
    }

    @Test
    void whatIsImportedIsInNoRecordAndReachesTheCopyByASynchronisation() throws Exception {
        Pair pair = new Pair(200_000);
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.importImage("live");
        pair.source.randomWrite(pair.device, 9_000);
        pair.await("synchronised", pair::isEven);
        assertThat(pair.shipping.status().trigger()).contains("volume live was imported");
        assertThat(pair.shipping.status().sync().sentBytes()).isLessThan(150_000);
        pair.checkSame("live");
        pair.checkEqual();

        pair.cut();
        pair.importImage("cut");
        pair.connect();
        pair.await("synchronised", pair::isEven);
        pair.checkSame("cut");

        // Nobody ships, and nothing is written after it.
        pair.cut();
        pair.shipping.close();
        pair.importImage("alone");
        pair.source.crashAndOpen();
        pair.shipping = pair.newShipping();
        pair.connect();
        pair.await("synchronised", pair::isEven);
        pair.checkSame("alone");
        pair.checkSame("cut");
        long sent = pair.shipping.status().sync().sentBytes();
        pair.cut();
        pair.connect();
        pair.await("shipped on", pair::isEven);
        assertThat(pair.shipping.status().sync().sentBytes()).isEqualTo(sent);
    }

    @Test
    void aPausedGroupGivesItsBacklogUpAndIsSynchronisedWhenItGoesOn() throws Exception {
        Pair pair = new Pair(200_000);
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.shipping.pause();
        while (pair.shipping.status().backlogBytes() <= LIMIT_BYTES) {
            pair.source.randomWrite(pair.device, 9_000);
        }
        pair.await("given up", () -> pair.shipping.status().backlogBytes() == 0);
        assertThat(pair.shipping.status().state()).isEqualTo(ShippingState.PAUSED);
        assertThat(pair.shipping.status().reason()).contains("outgrew its limit");
        pair.shipping.resume();
        pair.await("synchronised", pair::isEven);
        assertThat(pair.shipping.status().trigger()).contains("outgrew its limit");
        pair.checkEqual();
    }

    @Test
    void whatACopyLacksIsHeldFromTheOpeningOnAndUntilItIsShipped() throws Exception {
        Pair pair = new Pair(400_000, Duration.ofMillis(100));
        pair.connect();
        pair.await("a copy", pair::isEven);
        pair.cut();
        long known = head(pair.source);
        Shipment held = pair.source.group().ship(known);
        for (int i = 0; i < 60; i++) {
            pair.source.write(pair.device, 0, pair.source.bytes(65_536));
        }
        pair.source.scheduler.runFor(3_000_000_000L);
        assertThat(held.isGivenUp()).isFalse();
        pair.source.copies = Map.of(PEER, known);
        pair.source.killAndOpen();
        ProtectionGroup group = pair.source.group();
        pair.source.write(group.openVolume(1), 0, pair.source.bytes(4096));
        pair.source.scheduler.runFor(30_000_000_000L);
        group.ship(known).close();
        group.copyIsShipped(PEER);
        pair.source.write(group.openVolume(1), 0, pair.source.bytes(4096));
        pair.source.scheduler.runFor(30_000_000_000L);
        assertThatThrownBy(() -> group.ship(known)).hasMessageContaining("not kept any more");
    }
}
