package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.replica.ship.CopyHost;
import dev.tidemark.replica.ship.GroupOffer;
import dev.tidemark.replica.ship.GroupShipping;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.replica.ship.ShippingListener;
import dev.tidemark.replica.ship.ShippingState;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two sites in one seeded world: a group is protected while its hosts write, the copy is made over
 * a link that is cut, either machine loses power at any time, and everything goes on by itself. The
 * copy is the source after some record, always.
 */
class TwoSiteSimulationTest {
    private static final int SEEDS = Integer.getInteger("tidemark.sites.seeds", 150);

    static LongStream seeds() {
        return LongStream.range(2000, 2000 + SEEDS);
    }

    /** Both machines and what joins them. */
    private static final class World implements CopyHost {
        private static final long MILLISECOND = 1_000_000;
        private static final UUID PEER = new UUID(2, 2);

        final Random random;
        final Rig source;
        final Rig copy;
        final List<BlockDevice> devices = new ArrayList<>();
        private boolean made;
        private ShippingDesk desk;
        private GroupShipping shipping;
        private long journaledBefore;
        private @Nullable DirectLink link;
        private int nextVolume;
        int syncs;

        World(long seed) throws ReplicaException {
            random = new Random(seed);
            source = new Rig(random.nextLong()).create();
            copy = new Rig(random.nextLong());
            int count = 1 + random.nextInt(3);
            for (int i = 0; i < count; i++) {
                addVolume();
            }
            desk = new ShippingDesk(this, copy.scheduler);
            for (int i = 0; i < 20; i++) {
                write();
            }
            shipping = newShipping();
        }

        private void addVolume() throws ReplicaException {
            nextVolume++;
            VolumeInfo made = source.addVolume("disk" + nextVolume, 130_000 + 4608L * nextVolume);
            copy.models.put(made.id(), source.model(made.id()));
            devices.add(source.group().openVolume(made.id()));
        }

        private GroupShipping newShipping() {
            journaledBefore = source.group().counters().journaled().records();
            return new GroupShipping(
                    source.group(),
                    new GroupShipping.Terms("group", Rig.UNIT_BYTES, Long.MAX_VALUE),
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
            syncs++;
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

        private void write() {
            source.randomWrite(devices.get(random.nextInt(devices.size())), 9_000);
        }

        /** Time passes at both sites. */
        void run(int milliseconds) {
            for (int i = 0; i < milliseconds; i += 5) {
                source.scheduler.runFor(5 * MILLISECOND);
                copy.scheduler.runFor(5 * MILLISECOND);
            }
        }

        void connect() {
            if (link == null) {
                DirectLink now =
                        new DirectLink(source.scheduler, copy.scheduler, desk, random, PEER);
                link = now;
                shipping.up(now);
            }
        }

        void cut() {
            DirectLink now = link;
            if (now != null) {
                link = null;
                now.cut();
                shipping.down(now, "cut");
            }
        }

        void step() throws ReplicaException {
            switch (random.nextInt(14)) {
                case 0, 1, 2, 3, 4 -> write();
                case 5, 6, 7 -> run(random.nextInt(300));
                case 8 -> connect();
                case 9 -> {
                    if (random.nextInt(4) == 0) {
                        cut();
                    }
                }
                case 10 -> change();
                case 11 -> {
                    if (random.nextInt(4) == 0) {
                        crash();
                    }
                }
                default -> check();
            }
        }

        private void change() throws ReplicaException {
            int id = 1 + random.nextInt(devices.size());
            switch (random.nextInt(4)) {
                case 0 -> {
                    long size = source.model(id).sizeAt(Long.MAX_VALUE) + 4096;
                    source.await(source.group().resizeVolume(id, size));
                }
                case 1 -> {
                    if (devices.size() < 5) {
                        addVolume();
                    }
                }
                case 2 -> {
                    String name = "tag" + source.group().status().headSequence();
                    source.await(source.group().addCheckpoint(name, "a test"));
                }
                default -> source.flush(devices.get(id - 1));
            }
        }

        private void crash() throws ReplicaException {
            cut();
            if (random.nextBoolean()) {
                crashCopy();
            } else {
                source.crashAndOpen();
                long head = source.group().status().headSequence();
                source.models.values().forEach(model -> model.discardAfter(head));
                devices.clear();
                for (VolumeInfo volume : source.group().volumes()) {
                    devices.add(source.group().openVolume(volume.id()));
                }
                shipping = newShipping();
            }
        }

        private void crashCopy() throws ReplicaException {
            if (made) {
                copy.crashAndOpen();
            } else {
                copy.scheduler.discardAll();
                copy.disk.crash(random);
            }
            desk = new ShippingDesk(this, copy.scheduler);
        }

        void check() throws ReplicaException {
            if (!made) {
                return;
            }
            long last = copy.group().status().headSequence();
            assertThat(last).isLessThanOrEqualTo(source.group().status().headSequence());
            copy.checkView(last);
            List<Checkpoint> all = checkpoints(copy);
            if (!all.isEmpty()) {
                copy.checkView(all.get(random.nextInt(all.size())).sequence());
            }
        }

        private static List<Checkpoint> checkpoints(Rig rig) {
            return rig.group().checkpoints(new CheckpointQuery(0, Long.MAX_VALUE, 1000, false));
        }

        void finish() throws ReplicaException {
            cut();
            connect();
            run(100);
            for (int i = 0; i < 200 && (!isEven() || backlog() > 0); i++) {
                run(100);
            }
            assertThat(shipping.status().state())
                    .as("%s", shipping.status())
                    .isEqualTo(ShippingState.SHIPPING);
            assertThat(isEven()).as("%s", shipping.status()).isTrue();
            assertThat(backlog()).isZero();
            assertThat(shipping.status().lagMicros()).isZero();
            checkCounters();
            List<Checkpoint> all = checkpoints(copy);
            assertThat(checkpoints(source)).endsWith(all.toArray(Checkpoint[]::new));
            for (Checkpoint checkpoint : all) {
                copy.checkView(checkpoint.sequence());
            }
            copy.checkView(copy.group().status().headSequence());
        }

        private long backlog() {
            return shipping.status().backlogBytes();
        }

        /** Each write of a host was shipped or came with a synchronisation, and counts once. */
        private void checkCounters() {
            CopyCounters copied = shipping.status().copied();
            assertThat(copied.records() + copied.droppedRecords())
                    .as("%s", copied)
                    .isEqualTo(source.group().counters().journaled().records() - journaledBefore);
        }

        private boolean isEven() {
            return made
                    && copy.group().status().headSequence()
                            == source.group().status().headSequence();
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void aGroupIsProtectedAndItsCopyKeptWhateverBreaks(long seed) throws Exception {
        World world = new World(seed);
        for (int i = 0; i < 250; i++) {
            world.step();
        }
        world.finish();
        assertThat(world.syncs).isPositive();
    }
}
