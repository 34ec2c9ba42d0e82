package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.ship.CopyHost;
import dev.tidemark.replica.ship.GroupOffer;
import dev.tidemark.replica.ship.GroupShipping;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.replica.ship.ShippingListener;
import dev.tidemark.replica.ship.ShippingState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A copy whose link is down for longer than its source's history reaches, while hosts write, the
 * source rolls back, grows and loses its power at any moment of its folds and its retention. When
 * the link comes, what is looked at is what can have changed and not all, and the copy is equal.
 */
class DirtyMapSimulationTest {
    private static final int SEEDS = Integer.getInteger("tidemark.dirty.seeds", 60);
    private static final int BLOCK_BYTES = 64 << 10;
    private static final int SIZE_BYTES = 6 << 20;

    private static int mapped;
    private static int crashes;
    private static int rollbacks;

    static LongStream seeds() {
        return LongStream.range(9000, 9000 + SEEDS);
    }

    @AfterAll
    static void allOfItHappened() {
        assertThat(mapped).as("histories that did not reach back").isGreaterThan(SEEDS / 2);
        assertThat(crashes).as("power lost").isGreaterThan(SEEDS);
        assertThat(rollbacks).as("rollbacks").isGreaterThan(SEEDS / 4);
    }

    private static final class World implements CopyHost {
        private static final long MILLISECOND = 1_000_000;
        private static final UUID PEER = new UUID(2, 2);

        final Random random;
        final Rig source;
        final Rig copy;
        private final List<BlockDevice> devices = new ArrayList<>();

        /** What is written to while the link is down. */
        private final int[] touched = new int[12];

        private boolean made;
        private final ShippingDesk desk;
        private GroupShipping shipping;
        private @Nullable DirectLink link;
        private final List<String> reasons = new ArrayList<>();
        private long known;

        World(long seed) throws ReplicaException {
            random = new Random(seed);
            source = new Rig(random.nextLong());
            source.options =
                    source.options.withHistory(
                            Duration.ofSeconds(2), 1L << 40, Duration.ofMillis(500));
            source.create();
            copy = new Rig(random.nextLong());
            addVolume("disk");
            addVolume("other");
            for (BlockDevice device : devices) {
                for (int at = 0; at < SIZE_BYTES; at += BLOCK_BYTES) {
                    source.write(device, at, source.bytes(BLOCK_BYTES));
                }
            }
            for (int i = 0; i < touched.length; i++) {
                touched[i] = random.nextInt(SIZE_BYTES / BLOCK_BYTES);
            }
            desk = new ShippingDesk(this, copy.scheduler);
            shipping = newShipping();
        }

        private void addVolume(String name) throws ReplicaException {
            VolumeInfo added = source.addVolume(name, SIZE_BYTES);
            copy.models.put(added.id(), source.model(added.id()));
            devices.add(source.group().openVolume(added.id()));
        }

        private GroupShipping newShipping() {
            return new GroupShipping(
                    source.group(),
                    new GroupShipping.Terms("group", Rig.UNIT_BYTES, 60_000),
                    PEER,
                    known,
                    source.scheduler,
                    new ShippingListener() {
                        @Override
                        public void changed(
                                UUID group, UUID peer, ShippingState state, String reason) {
                            assertThat(state).as(reason).isNotEqualTo(ShippingState.STOPPED);
                            if (made && state == ShippingState.SYNCING) {
                                reasons.add(reason);
                            }
                        }
                    });
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
            copy.createStandby(images, start, source);
            made = true;
            return copy.group();
        }

        @Override
        public String rejoin(ProtectionGroup group, GroupOffer offer, UUID from) {
            throw new AssertionError("nobody takes over here");
        }

        void run(int milliseconds) {
            for (int i = 0; i < milliseconds; i += 5) {
                source.scheduler.runFor(5 * MILLISECOND);
                copy.scheduler.runFor(5 * MILLISECOND);
            }
        }

        void connect() {
            DirectLink now = new DirectLink(source.scheduler, copy.scheduler, desk, random, PEER);
            link = now;
            shipping.up(now);
        }

        void cut() {
            DirectLink now = link;
            if (now != null) {
                link = null;
                known = Math.max(known, shipping.status().acknowledgedSequence());
                now.cut();
                shipping.down(now, "cut");
            }
        }

        private boolean isEven() {
            return made
                    && shipping.status().state() == ShippingState.SHIPPING
                    && copy.group().halfSynchronised() == null
                    && copy.group().role().toSource(copy.group().status().headSequence())
                            == source.group().status().headSequence()
                    && shipping.status().backlogBytes() == 0;
        }

        void awaitEven() {
            for (int i = 0; i < 600 && !isEven(); i++) {
                run(100);
            }
            assertThat(isEven()).as("seed %d: %s", source.seed, shipping.status()).isTrue();
        }

        private void write() {
            BlockDevice device = devices.get(random.nextInt(devices.size()));
            int block = touched[random.nextInt(touched.length)];
            int offset = random.nextInt(BLOCK_BYTES - 4096);
            int length = 1 + random.nextInt(Math.min(16_000, BLOCK_BYTES - offset));
            source.write(
                    device,
                    (long) block * BLOCK_BYTES + offset,
                    source.bytes(length),
                    random.nextInt(10) == 0);
        }

        void withoutLink() throws ReplicaException {
            for (int i = 0; i < 900; i++) {
                write();
                source.scheduler.runFor(random.nextInt(20) * MILLISECOND);
                switch (random.nextInt(400)) {
                    case 0, 1, 2 -> crash();
                    case 3 -> rollback();
                    case 4 -> source.flush(devices.getFirst());
                    default -> {}
                }
            }
        }

        private void crash() throws ReplicaException {
            crashes++;
            shipping.close();
            source.copies = new TreeMap<>(Map.of(PEER, known));
            source.crashAndOpen();
            long head = source.group().status().headSequence();
            source.models.values().forEach(model -> model.discardAfter(head));
            devices.clear();
            for (VolumeInfo volume : source.group().volumes()) {
                devices.add(source.group().openVolume(volume.id()));
            }
            shipping = newShipping();
        }

        private void rollback() throws ReplicaException {
            if (source.group().promotion() != null) {
                return;
            }
            long point = source.group().status().headSequence() - 1 - random.nextInt(5);
            try {
                source.await(source.group().resolve(new PointSpec.AtSequence(point)));
            } catch (ReplicaException inside) {
                return; // of a rollback that has ended
            }
            rollbacks++;
            source.models
                    .keySet()
                    .forEach(
                            id -> source.rules.promotedTo.put(id, source.model(id).imageAt(point)));
            PromotionTask task = source.group().rollback(new PointSpec.AtSequence(point));
            source.await(task.usable());
            if (random.nextBoolean()) {
                source.await(task.done());
            }
        }

        /** Nothing but what can have changed was looked at. */
        void check() throws ReplicaException {
            long distinct = Arrays.stream(touched).distinct().count();
            assertThat(shipping.status().sync().readBytes())
                    .as("seed %d: %s", source.seed, reasons)
                    .isLessThanOrEqualTo(distinct * devices.size() * BLOCK_BYTES);
            assertThat(reasons).as("seed %d", source.seed).containsOnly("");
            assertThat(source.alerts).as("seed %d", source.seed).isEmpty();
            checkContent();
        }

        void checkContent() throws ReplicaException {
            long head = copy.group().status().headSequence();
            try (PointInTimeView view =
                    copy.await(copy.group().openView(new PointSpec.AtSequence(head)))) {
                for (PointVolume volume : view.volumes()) {
                    BlockDevice device = view.device(volume.id());
                    copy.checkContent(device, volume.id(), source.group().status().headSequence());
                    device.close();
                }
            }
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void whatHistoryHasForgottenIsNotComparedAsAWhole(long seed) throws Exception {
        World world = new World(seed);
        world.connect();
        world.awaitEven();
        // What was written last ends with a checkpoint: an interval counts as a whole.
        world.run(2500);
        world.awaitEven();
        long last = world.source.group().status().headSequence();
        world.cut();
        world.reasons.clear();
        world.withoutLink();
        boolean gone = world.source.group().status().history().tail().sequence() > last;
        mapped += gone ? 1 : 0;
        world.connect();
        world.awaitEven();
        world.check();
        assertThat(mapFiles(world.source)).as("seed %d", seed).isEmpty();
    }

    /** What is written down is checked before it is believed, and then the copy is compared. */
    @Test
    void aDamagedMapIsSaidAndNotBelieved() throws Exception {
        World world = new World(3);
        world.connect();
        world.awaitEven();
        world.cut();
        world.reasons.clear();
        for (int i = 0; i < 200; i++) {
            world.write();
            world.source.scheduler.runFor(50 * World.MILLISECOND);
        }
        assertThat(mapFiles(world.source)).hasSize(1);
        assertThat(
                        world.source.disk.rot(
                                (path, position) -> path.contains("dirty-map-") && position == 0,
                                new Random(1)))
                .isPresent();
        world.connect();
        world.awaitEven();
        assertThat(world.source.alerts).anyMatch(alert -> alert.contains("a dirty map is damaged"));
        assertThat(world.reasons).anyMatch(reason -> reason.contains("everything is compared"));
        assertThat(world.shipping.status().sync().readBytes()).isEqualTo(2L * SIZE_BYTES);
        world.checkContent();
        assertThat(mapFiles(world.source)).isEmpty();
    }

    /** It takes no more memory than that, and is kept no longer. */
    @Test
    void aMapBeyondItsBoundIsTooLarge() {
        DirtyMap map = new DirtyMap(0, 0, 0);
        long regionBytes = 512L * DirtyMap.BLOCK_BYTES;
        for (long i = 0; i < DirtyMap.MAXIMUM_REGIONS; i++) {
            map.add(1, i * regionBytes, 1);
        }
        assertThat(map.isTooLarge()).isFalse();
        assertThat(map.encode(Rig.ID, World.PEER).remaining())
                .isLessThanOrEqualTo(DirtyMap.maximumFileBytes());
        map.add(2, 0, Long.MAX_VALUE / 2);
        assertThat(map.isTooLarge()).isTrue();
        assertThat(map.dirtyBytes())
                .isEqualTo((DirtyMap.MAXIMUM_REGIONS + 1L) * DirtyMap.BLOCK_BYTES);
        map.retain(Set.of(1));
        assertThat(map.isTooLarge()).isFalse();
    }

    private static List<String> mapFiles(Rig rig) throws Exception {
        rig.scheduler.runUntilIdle();
        return rig.disk.root().directory("group").files().stream()
                .filter(name -> name.startsWith("dirty-map-"))
                .toList();
    }
}
