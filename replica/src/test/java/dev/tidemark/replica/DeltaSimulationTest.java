package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.ship.CopyHost;
import dev.tidemark.replica.ship.GroupOffer;
import dev.tidemark.replica.ship.GroupShipping;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.replica.ship.ShippingListener;
import dev.tidemark.replica.ship.ShippingState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two sites in one seeded world whose backlog is so small that it outgrows its limit now and then:
 * the copy is synchronised across the gap while hosts write and volumes come and grow, the link is
 * cut and either machine loses power at any moment of it. What the copy shows is the source after
 * some record, before the gap and after it, always; in between it shows nothing.
 */
class DeltaSimulationTest {
    private static final int SEEDS = Integer.getInteger("tidemark.delta.seeds", 100);

    private static int deltas;
    private static int troubled;
    private static int whole;
    private static int gaps;

    static LongStream seeds() {
        return LongStream.range(7000, 7000 + SEEDS);
    }

    @AfterAll
    static void allOfItHappened() {
        assertThat(deltas).as("synchronisations").isGreaterThan(SEEDS);
        assertThat(troubled).as("cut or crashed in the middle").isGreaterThan(SEEDS / 4);
        assertThat(whole).as("whole volumes compared").isGreaterThan(SEEDS / 20);
        assertThat(gaps).as("gaps looked into").isGreaterThan(SEEDS / 4);
    }

    /** Local numbers between which there are no points. */
    private record Gap(long before, long end) {}

    private static final Pattern GAP =
            Pattern.compile("points between record (\\d+) and (\\d+) are not there.*");

    /** Both machines and what joins them. */
    private static final class World implements CopyHost {
        private static final long MILLISECOND = 1_000_000;
        private static final UUID PEER = new UUID(2, 2);

        final Random random;
        final Rig source;
        final Rig copy;
        private final List<BlockDevice> devices = new ArrayList<>();
        private final long backlogBytes;
        private final boolean forgetful;
        private boolean made;
        private ShippingDesk desk;
        private GroupShipping shipping;
        private long journaledBefore;
        private @Nullable DirectLink link;
        private int nextVolume;

        World(long seed) throws ReplicaException {
            random = new Random(seed);
            source = new Rig(random.nextLong());
            forgetful = random.nextInt(3) == 0;
            if (forgetful) {
                source.options =
                        source.options.withHistory(
                                Duration.ofSeconds(3), 1L << 40, Duration.ofMillis(500));
            }
            source.create();
            copy = new Rig(random.nextLong());
            backlogBytes = 20_000L + random.nextInt(100_000);
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
            VolumeInfo added = source.addVolume("disk" + nextVolume, 230_000 + 4608L * nextVolume);
            copy.models.put(added.id(), source.model(added.id()));
            devices.add(source.group().openVolume(added.id()));
        }

        private GroupShipping newShipping() {
            journaledBefore = source.group().counters().journaled().records();
            return new GroupShipping(
                    source.group(),
                    new GroupShipping.Terms("group", Rig.UNIT_BYTES, backlogBytes),
                    PEER,
                    source.group().status().headSequence(),
                    source.scheduler,
                    new ShippingListener() {
                        @Override
                        public void changed(
                                UUID group, UUID peer, ShippingState state, String reason) {
                            assertThat(state).as(reason).isNotEqualTo(ShippingState.STOPPED);
                            if (state == ShippingState.SYNCING && made) {
                                deltas++;
                                whole += reason.contains("everything") ? 1 : 0;
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

        private void connect() {
            if (link == null) {
                DirectLink now =
                        new DirectLink(source.scheduler, copy.scheduler, desk, random, PEER);
                link = now;
                shipping.up(now);
            }
        }

        private void cut() {
            noteTrouble();
            DirectLink now = link;
            if (now != null) {
                link = null;
                now.cut();
                shipping.down(now, "cut");
            }
        }

        private void noteTrouble() {
            if (made && copy.group().halfSynchronised() != null) {
                troubled++;
            }
        }

        void step() throws ReplicaException {
            switch (random.nextInt(15)) {
                case 0, 1, 2, 3, 4 -> write();
                case 5, 6 -> run(random.nextInt(300));
                case 7, 8 -> run(random.nextInt(60));
                case 9, 10 -> connect();
                case 11 -> change();
                case 12 -> trouble();
                default -> check();
            }
        }

        private void trouble() throws ReplicaException {
            switch (random.nextInt(5)) {
                case 0, 1 -> cut();
                case 2 -> {
                    // Long enough for the backlog to outgrow its limit, and for history to expire.
                    cut();
                    int count = random.nextInt(forgetful ? 700 : 60);
                    for (int i = 0; i < count; i++) {
                        write();
                        source.scheduler.runFor(random.nextInt(30) * MILLISECOND);
                    }
                }
                case 3 -> crashCopy();
                default -> crashSource();
            }
        }

        private void change() throws ReplicaException {
            int id = 1 + random.nextInt(devices.size());
            switch (random.nextInt(4)) {
                case 0 -> {
                    // A volume that the copy learns of late has the oldest size that is known.
                    if (!forgetful) {
                        long size = source.model(id).sizeAt(Long.MAX_VALUE) + 4096;
                        source.await(source.group().resizeVolume(id, size));
                    }
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

        private void crashSource() throws ReplicaException {
            cut();
            source.crashAndOpen();
            long head = source.group().status().headSequence();
            source.models.values().forEach(model -> model.discardAfter(head));
            devices.clear();
            for (VolumeInfo volume : source.group().volumes()) {
                devices.add(source.group().openVolume(volume.id()));
            }
            shipping = newShipping();
        }

        private void crashCopy() throws ReplicaException {
            cut();
            if (made) {
                copy.crashAndOpen();
            } else {
                copy.scheduler.discardAll();
                copy.disk.crash(random);
            }
            desk = new ShippingDesk(this, copy.scheduler);
        }

        private List<Gap> gapsSoFar() {
            List<Gap> all = new ArrayList<>();
            for (String event : copy.events) {
                Matcher told = GAP.matcher(event);
                if (told.matches()) {
                    all.add(new Gap(Long.parseLong(told.group(1)), Long.parseLong(told.group(2))));
                }
            }
            StreamPosition half = copy.group().halfSynchronised();
            if (half != null) {
                long before = copy.group().role().toLocal(half.sequence());
                all.add(new Gap(before, Long.MAX_VALUE));
            }
            return all;
        }

        private long toSource(long local) {
            Role.Stretch found = null;
            for (Role.Stretch stretch : copy.group().role().stretches()) {
                if (stretch.localSequence() <= local) {
                    found = stretch;
                }
            }
            assertThat(found).isNotNull();
            return found.sourceSequence() + (local - found.localSequence());
        }

        private long first() {
            return copy.group().role().stretches().getFirst().localSequence();
        }

        /** Any point of the copy, and one of its checkpoints. */
        void check() throws ReplicaException {
            if (!made) {
                return;
            }
            long last = copy.group().status().headSequence();
            checkPoint(last);
            checkPoint(first() + (long) (random.nextDouble() * (last - first())));
            List<Gap> all = gapsSoFar();
            if (!all.isEmpty()) {
                Gap gap = all.get(random.nextInt(all.size()));
                checkPoint(gap.before());
                checkPoint(Math.min(last, gap.end()));
                long inside = Math.min(last, gap.end()) - gap.before();
                checkPoint(gap.before() + (long) (random.nextDouble() * inside));
            }
            List<Checkpoint> there = checkpoints(copy);
            if (!there.isEmpty()) {
                checkPoint(there.get(random.nextInt(there.size())).sequence());
            }
        }

        private void checkPoint(long local) throws ReplicaException {
            boolean inside =
                    gapsSoFar().stream().anyMatch(gap -> local > gap.before() && local < gap.end());
            if (inside) {
                gaps++;
                checkInside(local);
                return;
            }
            try (PointInTimeView view = view(local)) {
                for (PointVolume volume : view.volumes()) {
                    if (existedAtSource(volume.id(), toSource(local))) {
                        BlockDevice device = view.device(volume.id());
                        copy.checkContent(device, volume.id(), toSource(local));
                        device.close();
                    }
                }
            }
        }

        /** A copy has a volume as soon as it was told of it, which may be a record too early. */
        private boolean existedAtSource(int id, long sequence) {
            return source.group().volumes().stream()
                    .anyMatch(each -> each.id() == id && each.createdSequence() <= sequence);
        }

        private PointInTimeView view(long local) throws ReplicaException {
            return copy.await(copy.group().openView(new PointSpec.AtSequence(local)));
        }

        /** Refused; but for the end of an attempt of which the copy did not learn that it ended. */
        private void checkInside(long local) throws ReplicaException {
            try (PointInTimeView view = view(local)) {
                TreeSet<Long> equal = null;
                for (PointVolume volume : view.volumes()) {
                    BlockDevice device = view.device(volume.id());
                    byte[] all = copy.readAll(device);
                    device.close();
                    VolumeModel model = source.model(volume.id());
                    long head = source.group().status().headSequence();
                    TreeSet<Long> here = new TreeSet<>();
                    for (long at = 0; at <= head; at++) {
                        if (model.sizeAt(at) == all.length
                                && model.firstDifference(at, 0, all) < 0) {
                            here.add(at);
                        }
                    }
                    if (equal != null) {
                        here.retainAll(equal);
                    }
                    equal = here;
                }
                assertThat(equal).as("seed %d: inside a gap, at %d", copy.seed, local).isNotEmpty();
            } catch (ReplicaException refused) {
                assertThat(refused.kind()).isEqualTo(ReplicaException.Kind.OUTSIDE_WINDOW);
            }
        }

        private static List<Checkpoint> checkpoints(Rig rig) {
            return rig.group().checkpoints(new CheckpointQuery(0, Long.MAX_VALUE, 1000, false));
        }

        void finish() throws ReplicaException {
            cut();
            connect();
            for (int i = 0; i < 400 && !isEven(); i++) {
                run(100);
            }
            assertThat(isEven()).as("%s", shipping.status()).isTrue();
            assertThat(shipping.status().state()).isEqualTo(ShippingState.SHIPPING);
            assertThat(shipping.status().lagMicros()).isZero();
            write();
            source.await(source.group().addCheckpoint("last", "a test"));
            for (int i = 0; i < 100 && !isEven(); i++) {
                run(100);
            }
            assertThat(isEven()).as("%s", shipping.status()).isTrue();
            checkCounters();
            List<Checkpoint> all = checkpoints(copy);
            for (Checkpoint checkpoint : all) {
                checkPoint(checkpoint.sequence());
            }
            long begin = copy.group().role().newest().localSequence();
            List<Checkpoint> after =
                    all.stream()
                            .filter(each -> each.sequence() > begin)
                            .map(this::atSource)
                            .toList();
            assertThat(after).isNotEmpty();
            assertThat(checkpoints(source)).endsWith(after.toArray(Checkpoint[]::new));
            check();
            for (Gap gap : gapsSoFar()) {
                checkPoint(gap.before());
                checkPoint(gap.end());
            }
            copy.await(copy.group().drain());
        }

        private Checkpoint atSource(Checkpoint here) {
            return new Checkpoint(
                    toSource(here.sequence()),
                    here.timeMicros(),
                    here.tagged(),
                    here.name(),
                    here.description());
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
                    && shipping.status().state() == ShippingState.SHIPPING
                    && copy.group().halfSynchronised() == null
                    && copy.group().role().toSource(copy.group().status().headSequence())
                            == source.group().status().headSequence()
                    && shipping.status().backlogBytes() == 0;
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void aGapIsClosedWhateverBreaks(long seed) throws Exception {
        World world = new World(seed);
        for (int i = 0; i < 300; i++) {
            world.step();
        }
        world.finish();
    }
}
