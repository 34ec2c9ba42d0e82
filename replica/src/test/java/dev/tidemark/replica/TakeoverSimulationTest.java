package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.execution.Causes;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.replica.ship.CopyHost;
import dev.tidemark.replica.ship.GroupOffer;
import dev.tidemark.replica.ship.GroupShipping;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.replica.ship.ShippingListener;
import dev.tidemark.replica.ship.ShippingStatus;
import dev.tidemark.replica.ship.SiteMessages.News;
import dev.tidemark.replica.ship.Whose;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two sites in one seeded world, each of which may be the active one: a copy takes the group over
 * with and without its source knowing, gives it back, is followed by the old site; the link is cut,
 * either machine loses power. Each site's models are made from the records of its own log, so what
 * one site has of the other is compared and not assumed.
 */
class TakeoverSimulationTest {
    private static final int SEEDS = Integer.getInteger("tidemark.takeover.seeds", 150);

    /** How often which way was taken, in all seeds. */
    private static final Map<String, Integer> TOTALS = new ConcurrentHashMap<>();

    private static void count(String way) {
        TOTALS.merge(way, 1, Integer::sum);
    }

    static LongStream seeds() {
        return LongStream.range(3000, 3000 + SEEDS);
    }

    /** Notes a site's records. */
    private static final class SiteRules extends Rig.NotingRules {
        private final Site site;

        SiteRules(Site site) {
            site.rig.super();
            this.site = site;
        }

        @Override
        void appended(PendingRecord record) {
            if (site.noting(record)) {
                super.appended(record);
            }
        }

        @Override
        boolean mayCopy() {
            return !site.holdsCopies;
        }
    }

    /** Points from one record to just before another that went with a promotion's image. */
    private record Gone(long first, long last) {}

    /** One machine, and what its gateway would do. */
    private static final class Site implements CopyHost, ShippingListener {
        final World world;
        final UUID id;
        final Rig rig;
        final Map<Integer, BlockDevice> devices = new TreeMap<>();
        final List<Gone> gone = new ArrayList<>();

        /** Last numbers of what was written before this site was set back. */
        final List<Long> branches = new ArrayList<>();

        ShippingDesk desk;
        @Nullable GroupShipping shipping;
        @Nullable DirectLink link;
        boolean made;

        /** Promotions stay as they are. */
        boolean holdsCopies;

        /** It took over and has not asked the other one to follow. */
        boolean mayGiveBack;

        /** The end of a synchronisation whose role is not written yet. */
        private long synchronised;

        /** Of all synchronisations. */
        private final Set<Long> ends = new HashSet<>();

        private int lastTenure;
        private int lastEpoch;

        Site(World world, UUID id) {
            this.world = world;
            this.id = id;
            rig = new Rig(world.random.nextLong());
            rig.rules = new SiteRules(this);
            desk = new ShippingDesk(this, rig.scheduler);
        }

        Site other() {
            return this == world.first ? world.second : world.first;
        }

        ProtectionGroup group() {
            return rig.group();
        }

        Role role() {
            return group().role();
        }

        boolean is(GroupRole state) {
            return made && role().state() == state;
        }

        /** Whether it is the copy of the other one. */
        boolean follows() {
            return is(GroupRole.STANDBY) && other().id.equals(role().source());
        }

        long head() {
            return group().status().headSequence();
        }

        VolumeModel model(int volume) {
            VolumeModel known = rig.models.get(volume);
            if (known == null) {
                try {
                    known = new VolumeModel(group().firstSizeBytes(volume));
                } catch (ReplicaException impossible) {
                    throw new AssertionError(impossible);
                }
                rig.models.put(volume, known);
            }
            return known;
        }

        /** Under the redo log's lock; false when the models stay. */
        boolean noting(PendingRecord record) {
            noteSynchronised();
            if (group().halfSynchronised() != null && group().promotion() == null) {
                return notingHalf(record);
            }
            if (record.kind() == RecordKind.PROMOTE) {
                endGone(record.sequence());
                gone.add(new Gone(record.sequence(), Long.MAX_VALUE));
                promoted(record.sequence());
            } else if (record.kind() == RecordKind.PROMOTED) {
                endGone(record.sequence());
            } else if (record.volume() > 0) {
                // What this site alone has made of a volume is not smaller again.
                boolean grows = record.kind() == RecordKind.RESIZE;
                long size = model(record.volume()).sizeAt(Long.MAX_VALUE);
                return !grows || record.lengthBytes() >= size;
            }
            return true;
        }

        /** What a synchronisation brings is known when the role says what it has come to. */
        private boolean notingHalf(PendingRecord record) {
            if (record.kind() == RecordKind.PROMOTE && !isGone(record.sequence())) {
                gone.add(new Gone(record.sequence(), Long.MAX_VALUE));
            } else if (record.kind() == RecordKind.PROMOTED) {
                synchronised = record.sequence();
                ends.add(synchronised);
            }
            return record.kind() == RecordKind.RESIZE;
        }

        /** The copy has become what its source was at a record. */
        private void noteSynchronised() {
            if (synchronised == 0 || !is(GroupRole.STANDBY)) {
                return;
            }
            Role.Stretch newest = role().newest();
            if (newest.localSequence() == synchronised) {
                endGone(synchronised);
                synchronised = 0;
                for (VolumeInfo volume : group().volumes()) {
                    VolumeModel source = other().rig.models.get(volume.id());
                    VolumeModel own = model(volume.id());
                    int size = (int) own.sizeAt(Long.MAX_VALUE);
                    byte[] image = new byte[0];
                    if (source != null) {
                        image = source.imageAt(newest.sourceSequence());
                    }
                    own.write(newest.localSequence(), 0, Arrays.copyOf(image, size));
                }
                count("compared as a whole");
            }
        }

        private void endGone(long last) {
            if (!gone.isEmpty() && gone.getLast().last() == Long.MAX_VALUE) {
                gone.add(new Gone(gone.removeLast().first(), last));
            }
        }

        /** What the volumes become: this site's own point, or what they became at the source. */
        private void promoted(long sequence) {
            Map<Integer, byte[]> to = rig.rules.promotedTo;
            to.clear();
            PromotionTask own = group().promotion();
            long point = own == null ? 0 : own.point().join().sequence();
            for (VolumeInfo volume : group().volumes()) {
                int number = volume.id();
                int size = (int) model(number).sizeAt(Long.MAX_VALUE);
                if (own == null) {
                    VolumeModel source = other().rig.models.get(number);
                    if (source != null) {
                        byte[] image = source.imageAt(role().toSource(sequence));
                        to.put(number, Arrays.copyOf(image, size));
                    }
                } else if (volume.createdSequence() <= point) {
                    to.put(number, Arrays.copyOf(model(number).imageAt(point), size));
                } else if (is(GroupRole.STANDBY) || is(GroupRole.REJOINING)) {
                    to.put(number, new byte[size]);
                }
            }
        }

        boolean isGone(long sequence) {
            return gone.stream()
                    .anyMatch(each -> sequence >= each.first() && sequence < each.last());
        }

        /** A new link's or a new process' shipping. */
        void ship(long known) {
            closeShipping();
            GroupShipping made =
                    new GroupShipping(
                            group(),
                            new GroupShipping.Terms("group", Rig.UNIT_BYTES, Long.MAX_VALUE),
                            other().id,
                            known,
                            rig.scheduler,
                            this);
            shipping = made;
            DirectLink now = link;
            if (now != null) {
                made.up(now);
            }
        }

        void closeShipping() {
            GroupShipping open = shipping;
            shipping = null;
            if (open != null) {
                open.close();
            }
        }

        @Override
        public @Nullable ProtectionGroup find(UUID group) {
            return made ? group() : null;
        }

        @Override
        public SyncImages begin(GroupOffer offer, UUID from) throws ReplicaException {
            return rig.beginCopy();
        }

        @Override
        public ProtectionGroup adopt(
                GroupOffer offer, UUID from, SyncImages images, StandbyStart start)
                throws ReplicaException {
            rig.createStandby(images, start);
            long sequence = start.position().sequence();
            for (VolumeInfo volume : group().volumes()) {
                byte[] image = other().model(volume.id()).imageAt(sequence);
                rig.models.put(volume.id(), VolumeModel.of(image));
            }
            made = true;
            return group();
        }

        @Override
        public String rejoin(ProtectionGroup group, GroupOffer offer, UUID from)
                throws ReplicaException {
            Succession takeover = offer.takeover();
            assertThat(takeover).isNotNull();
            closeShipping();
            if (role().state() == GroupRole.REJOINING) {
                return "it becomes a copy";
            }
            other().mayGiveBack = false;
            mayGiveBack = false;
            boolean known = takeover.from().equals(id) && world.random.nextInt(5) > 0;
            var _ =
                    group.fence(offer.tenure())
                            .thenCompose(last -> {
                                branches.add(last);
                                return offer.follow(
                                        group, from, known ? takeover : null, offer.volumeNames());
                            })
                            .whenComplete((nothing, failure) -> {
                                if (failure != null && !isForLater(failure)) {
                                    world.failures.add(failure);
                                }
                            });
            return "it becomes a copy";
        }

        /** A rollback that goes on here has to end first. */
        private static boolean isForLater(Throwable failure) {
            return Failures.replica(Causes.of(failure)).kind() == ReplicaException.Kind.IN_USE;
        }

        @Override
        public void behind(UUID group, UUID peer) {
            ask();
        }

        @Override
        public void fenced(UUID group, UUID peer, String reason) {
            ask();
        }

        /** As a gateway does when the other one knows better. */
        private void ask() {
            Role there = other().role();
            News news = new News(there.state(), there.tenure(), 0, false, there.source());
            switch (Whose.of(role(), false, news, id.equals(there.source()))) {
                case THEIRS -> {
                    var _ = group().fence(news.tenure());
                }
                case OURS -> {
                    var _ = group().reinstate(news.tenure()).thenRun(() -> World.askAgain(this));
                }
                case UNKNOWN, BOTH -> {
                    // As it is.
                }
            }
        }

        void openDevices() throws ReplicaException {
            devices.values().forEach(BlockDevice::close);
            devices.clear();
            for (VolumeInfo volume : group().volumes()) {
                devices.put(volume.id(), group().openVolume(volume.id()));
            }
        }

        BlockDevice anyDevice() {
            List<BlockDevice> all = List.copyOf(devices.values());
            return all.get(world.random.nextInt(all.size()));
        }

        /** A host does not know which site is the right one: the group has to. */
        void write() throws ReplicaException {
            if (devices.isEmpty()) {
                return;
            }
            boolean active = role().state() == GroupRole.ACTIVE;
            Random random = world.random;
            BlockDevice device = anyDevice();
            int size = (int) device.geometry().sizeBytes();
            int length = 1 + random.nextInt(9_000);
            int offset = random.nextInt(size - length);
            Outcome outcome = new Outcome();
            if (random.nextInt(5) == 0) {
                device.zero(offset, length, random.nextBoolean(), false, outcome);
            } else {
                boolean forced = random.nextInt(10) == 0;
                device.write(offset, Unpooled.wrappedBuffer(rig.bytes(length)), forced, outcome);
            }
            device.submit();
            rig.settle(outcome);
            if (!active) {
                outcome.expectFailure(ErrorCode.SHUTDOWN);
            } else if (role().state() == GroupRole.ACTIVE) {
                outcome.expectSuccess();
            }
        }

        /** What an administrator or an initiator does at an active site; it may be fenced then. */
        void change() throws ReplicaException {
            Random random = world.random;
            try {
                switch (random.nextInt(5)) {
                    case 0 -> {
                        int number = devices.keySet().iterator().next();
                        long size = model(number).sizeAt(Long.MAX_VALUE) + 4096;
                        rig.await(group().resizeVolume(number, size));
                    }
                    case 1 -> {
                        if (devices.size() < 6) {
                            world.addVolume(this);
                        }
                    }
                    case 2 -> rig.await(group().addCheckpoint("tag" + head(), "a test"));
                    case 3 -> {
                        if (random.nextInt(3) == 0) {
                            PointSpec to = new PointSpec.AtSequence(anySequence(0));
                            rig.await(group().rollback(to).usable());
                        }
                    }
                    default -> {
                        Outcome outcome = new Outcome();
                        BlockDevice device = anyDevice();
                        device.flush(outcome);
                        device.submit();
                        rig.settle(outcome);
                    }
                }
            } catch (ReplicaException refused) {
                assertThat(refused.kind())
                        .as("%s", refused)
                        .isIn(
                                ReplicaException.Kind.IN_USE,
                                ReplicaException.Kind.EXISTS,
                                ReplicaException.Kind.OUTSIDE_WINDOW,
                                ReplicaException.Kind.NOT_FOUND);
            }
        }

        private long anySequence(long from) {
            long oldest = group().status().history().tail().sequence();
            long first = Math.max(Math.max(oldest, from), head() - 80);
            return first + world.random.nextInt((int) (head() - first) + 1);
        }

        PointSpec anyPoint() {
            Random random = world.random;
            long from = random.nextInt(20) == 0 ? 0 : role().newest().localSequence() + 1;
            List<Checkpoint> all = new ArrayList<>(checkpoints());
            all.removeIf(checkpoint -> checkpoint.sequence() < from);
            return switch (random.nextInt(3)) {
                case 0 -> new PointSpec.Latest();
                case 1 ->
                        new PointSpec.AtSequence(
                                all.isEmpty()
                                        ? head()
                                        : all.get(random.nextInt(all.size())).sequence());
                default -> new PointSpec.AtSequence(anySequence(Math.min(from, head())));
            };
        }

        List<Checkpoint> checkpoints() {
            return group().checkpoints(new CheckpointQuery(0, Long.MAX_VALUE, 1000, false));
        }

        void crash() throws ReplicaException {
            world.cut();
            if (!made) {
                rig.scheduler.discardAll();
                rig.disk.crash(world.random);
                desk = new ShippingDesk(this, rig.scheduler);
                return;
            }
            long durable = group().status().durableSequence();
            GroupShipping shipped = shipping;
            rig.crashAndOpen();
            long head = head();
            assertThat(head).isGreaterThanOrEqualTo(durable);
            rig.models.values().forEach(model -> model.discardAfter(head));
            gone.removeIf(each -> each.first() > head);
            gone.replaceAll(each ->
                    new Gone(each.first(), each.last() > head ? Long.MAX_VALUE : each.last()));
            lastEpoch = Math.min(lastEpoch, group().epoch());
            desk = new ShippingDesk(this, rig.scheduler);
            devices.clear();
            shipping = null;
            if (role().state() == GroupRole.ACTIVE) {
                openDevices();
            }
            if (shipped != null && (is(GroupRole.ACTIVE) || is(GroupRole.FENCED))) {
                ship(Math.min(head, shipped.status().acknowledgedSequence()));
            }
        }

        void checkOrder() {
            if (made) {
                assertThat(role().tenure()).isGreaterThanOrEqualTo(lastTenure);
                assertThat(group().epoch()).isGreaterThanOrEqualTo(lastEpoch);
                lastTenure = role().tenure();
                lastEpoch = group().epoch();
            }
        }

        void check() throws ReplicaException {
            if (!made) {
                return;
            }
            checkPoint(head());
            List<Checkpoint> all = checkpoints();
            if (!all.isEmpty()) {
                checkPoint(all.get(world.random.nextInt(all.size())).sequence());
            }
            checkPoint(anySequence(0));
        }

        /** A point is what this site's log says, and of a copy what the source's says. */
        void checkPoint(long sequence) throws ReplicaException {
            noteSynchronised();
            if (ends.contains(sequence)
                    && role().stretches().stream()
                            .noneMatch(stretch -> stretch.localSequence() == sequence)) {
                // Power was lost before the role said what of the source's that is.
                return;
            }
            group().volumes().forEach(volume -> model(volume.id()));
            try {
                rig.checkView(sequence);
            } catch (ReplicaException refused) {
                assertThat(isGone(sequence)).as("%s", refused).isTrue();
            }
            if (follows()
                    && group().halfSynchronised() == null
                    && sequence >= role().newest().localSequence()
                    && sequence <= head()) {
                long there = role().pointInSource(sequence);
                for (VolumeInfo volume : group().volumes()) {
                    VolumeModel source = other().rig.models.get(volume.id());
                    assertThat(model(volume.id()).hashAt(sequence))
                            .as(
                                    "volume %s at %s, there %s: %s; %s",
                                    volume.name(), sequence, there, role(), other().role())
                            .isEqualTo(source == null ? 0 : source.hashAt(there));
                }
            }
        }
    }

    /** Both sites and what joins them. */
    private static final class World {
        private static final long MILLISECOND = 1_000_000;

        final Random random;
        final Site first;
        final Site second;
        final List<Throwable> failures = new ArrayList<>();
        private int volumes;
        int takeovers;

        World(long seed) throws ReplicaException {
            random = new Random(seed);
            first = new Site(this, new UUID(1, 1));
            second = new Site(this, new UUID(2, 2));
            first.rig.create();
            first.made = true;
            int count = 1 + random.nextInt(3);
            for (int i = 0; i < count; i++) {
                addVolume(first);
            }
            for (int i = 0; i < 20; i++) {
                first.write();
            }
            first.ship(first.head());
            connect();
        }

        void addVolume(Site at) throws ReplicaException {
            volumes++;
            at.rig.addVolume("disk" + volumes, 130_000 + 4608L * volumes);
            at.openDevices();
        }

        /** Time passes at both sites. */
        void run(int milliseconds) {
            for (int i = 0; i < milliseconds; i += 5) {
                first.rig.scheduler.runFor(5 * MILLISECOND);
                second.rig.scheduler.runFor(5 * MILLISECOND);
            }
        }

        void connect() {
            if (first.link == null) {
                connect(first);
                connect(second);
            }
        }

        private void connect(Site from) {
            Site to = from.other();
            DirectLink now =
                    new DirectLink(from.rig.scheduler, to.rig.scheduler, to.desk, random, from.id);
            from.link = now;
            GroupShipping shipping = from.shipping;
            if (shipping != null) {
                shipping.up(now);
            }
        }

        void cut() {
            cut(first);
            cut(second);
        }

        private static void cut(Site from) {
            DirectLink now = from.link;
            if (now != null) {
                from.link = null;
                now.cut();
                GroupShipping shipping = from.shipping;
                if (shipping != null) {
                    shipping.down(now, "cut");
                }
            }
        }

        void step() throws ReplicaException {
            Site at = random.nextBoolean() ? first : second;
            if (at.is(GroupRole.ACTIVE) && at.devices.isEmpty()) {
                at.openDevices();
            }
            switch (random.nextInt(19)) {
                case 0, 1, 2, 3, 4, 5 -> at.write();
                case 6, 7, 8 -> run(random.nextInt(300));
                case 9 -> connect();
                case 10 -> {
                    if (random.nextInt(3) == 0) {
                        cut();
                    }
                }
                case 11 -> {
                    if (at.is(GroupRole.ACTIVE)) {
                        at.change();
                    }
                }
                case 12 -> {
                    if (random.nextInt(3) == 0) {
                        at.crash();
                    }
                }
                case 13 -> {
                    if (at.is(GroupRole.STANDBY) && random.nextInt(2) == 0) {
                        takeOver(at, at.anyPoint());
                    }
                }
                case 14 -> {
                    if (random.nextInt(2) == 0) {
                        move(at);
                    }
                }
                case 15 -> {
                    if (random.nextInt(3) == 0) {
                        giveBack(at);
                    } else {
                        reverse(at);
                    }
                }
                case 16 -> at.holdsCopies = random.nextBoolean();
                default -> at.check();
            }
            first.checkOrder();
            second.checkOrder();
            assertThat(failures).isEmpty();
        }

        /** The copy becomes the active site, unless power is lost before it is. */
        void takeOver(Site at, PointSpec spec) throws ReplicaException {
            int tenure = at.role().tenure() + 1;
            PromotionTask task = at.group().takeOver(spec, tenure);
            if (random.nextInt(5) == 0) {
                at.rig.scheduler.runFor(random.nextInt(3) * MILLISECOND);
                at.crash();
                if (!at.is(GroupRole.ACTIVE)) {
                    return;
                }
            } else {
                try {
                    at.rig.await(task.usable());
                } catch (ReplicaException refused) {
                    assertThat(refused.kind())
                            .as("%s", refused)
                            .isIn(
                                    ReplicaException.Kind.OUTSIDE_WINDOW,
                                    ReplicaException.Kind.NOT_FOUND,
                                    ReplicaException.Kind.IN_USE);
                    return;
                }
            }
            takeovers++;
            count("takeovers");
            assertThat(at.role().state()).isEqualTo(GroupRole.ACTIVE);
            assertThat(at.role().tenure()).isEqualTo(tenure);
            assertThat(at.group().epoch()).isEqualTo(tenure << Role.TENURE_SHIFT);
            long point = task.point().join().sequence();
            for (VolumeInfo volume : at.group().volumes()) {
                BlockDevice device = at.group().openVolume(volume.id());
                byte[] live = at.rig.readAll(device);
                device.close();
                byte[] then = new byte[0];
                if (volume.createdSequence() <= point) {
                    then = at.model(volume.id()).imageAt(point);
                }
                assertThat(Arrays.equals(live, Arrays.copyOf(then, live.length)))
                        .as("volume %s is as at %s", volume.name(), point)
                        .isTrue();
            }
            at.mayGiveBack = true;
            at.other().mayGiveBack = false;
            at.desk.takenOver(Rig.ID, "taken over");
            at.openDevices();
        }

        /** The source hands the group over, and nothing is lost. */
        private void move(Site from) throws ReplicaException {
            Site to = from.other();
            if (from.link == null
                    || !from.is(GroupRole.ACTIVE)
                    || !to.follows()
                    || from.group().promotion() != null) {
                return;
            }
            long last = from.rig.await(from.group().relinquish());
            for (int i = 0; i < 60 && !hasAll(to, last); i++) {
                run(50);
            }
            if (!hasAll(to, last) || !from.is(GroupRole.FENCED)) {
                var _ = from.rig.await(from.group().reinstate(from.role().tenure()));
                return;
            }
            int before = takeovers;
            takeOver(to, new PointSpec.Latest());
            if (takeovers == before) {
                if (from.is(GroupRole.FENCED) && !to.is(GroupRole.ACTIVE)) {
                    var _ = from.rig.await(from.group().reinstate(from.role().tenure()));
                }
                return;
            }
            count("moves");
            for (VolumeInfo volume : from.group().volumes()) {
                assertThat(to.model(volume.id()).hashAt(Long.MAX_VALUE))
                        .isEqualTo(from.model(volume.id()).hashAt(Long.MAX_VALUE));
            }
        }

        private static boolean hasAll(Site to, long last) {
            return to.follows() && to.role().toSource(to.head()) >= last;
        }

        private void giveBack(Site at) throws ReplicaException {
            Role role = at.made ? at.role() : null;
            Role.Takeover takeover = role == null ? null : role.takeover();
            if (!at.mayGiveBack || !at.is(GroupRole.ACTIVE) || role == null || takeover == null) {
                return;
            }
            at.closeShipping();
            at.mayGiveBack = false;
            at.rig.await(at.group().giveBack(role.tenure() + 1));
            count("given back");
            askAgain(at.other());
        }

        private static void askAgain(Site at) {
            GroupShipping shipping = at.shipping;
            if (shipping != null) {
                shipping.resume();
            }
        }

        /** The active site asks the old one to follow it. */
        private void reverse(Site at) {
            Role role = at.made ? at.role() : null;
            Role.Takeover takeover = role == null ? null : role.takeover();
            if (at.is(GroupRole.ACTIVE) && at.shipping == null && takeover != null) {
                at.mayGiveBack = false;
                at.ship(takeover.lastLocal());
                count("followed");
            }
        }

        void finish() throws ReplicaException {
            first.holdsCopies = false;
            second.holdsCopies = false;
            cut();
            connect();
            for (int i = 0; i < 300 && !isSettled(); i++) {
                if (i % 20 == 10) {
                    askAgain(first);
                    askAgain(second);
                    reverse(winner());
                    if (!first.is(GroupRole.ACTIVE) && !second.is(GroupRole.ACTIVE)) {
                        activate(winner());
                    }
                }
                run(100);
            }
            assertThat(failures).isEmpty();
            assertThat(isSettled()).as("%s", this).isTrue();
            tellOfEmptyVolumes();
            for (Site at : List.of(first, second)) {
                at.check();
                for (Checkpoint checkpoint : at.checkpoints()) {
                    at.checkPoint(checkpoint.sequence());
                }
                for (long branch : at.branches) {
                    at.checkPoint(branch);
                }
            }
            Site active = winner();
            if (!active.other().follows()) {
                return;
            }
            for (VolumeInfo volume : active.group().volumes()) {
                assertThat(active.other().model(volume.id()).hashAt(Long.MAX_VALUE))
                        .as("volume %s", volume.name())
                        .isEqualTo(active.model(volume.id()).hashAt(Long.MAX_VALUE));
            }
        }

        /** A copy hears of a volume before the next record, whatever that is. */
        private void tellOfEmptyVolumes() throws ReplicaException {
            Site active = winner();
            active.rig.await(active.group().addCheckpoint("the end", ""));
            for (int i = 0; i < 100 && !isSettled(); i++) {
                run(100);
            }
            assertThat(isSettled()).as("%s", this).isTrue();
        }

        private void activate(Site at) throws ReplicaException {
            if (at.is(GroupRole.FENCED)) {
                at.rig.await(at.group().reinstate(at.role().tenure()));
            } else if (at.is(GroupRole.STANDBY) && !at.other().is(GroupRole.FENCED)) {
                takeOver(at, new PointSpec.Latest());
            }
        }

        private Site winner() {
            if (!second.made) {
                return first;
            }
            int later = Integer.compare(second.role().tenure(), first.role().tenure());
            boolean isSecond =
                    later > 0 || (later == 0 && second.role().state() == GroupRole.ACTIVE);
            return isSecond ? second : first;
        }

        private boolean isSettled() {
            Site active = winner();
            Site copy = active.other();
            if (!active.is(GroupRole.ACTIVE) || !copy.made) {
                return false;
            }
            return copy.follows()
                    && active.group().promotion() == null
                    && copy.role().toSource(copy.head()) == active.head();
        }

        @Override
        public String toString() {
            return "first " + text(first) + "\nsecond " + text(second);
        }

        private static String text(Site at) {
            GroupShipping shipping = at.shipping;
            ShippingStatus status = shipping == null ? null : shipping.status();
            return (at.made ? at.role() + " at " + at.head() : "not made")
                    + ", shipping "
                    + status
                    + ", alerts "
                    + at.rig.alerts;
        }
    }

    @AfterAll
    static void everyWayWasTaken() {
        for (String way :
                List.of("takeovers", "moves", "given back", "followed", "compared as a whole")) {
            assertThat(TOTALS).as("%s", TOTALS).containsKey(way);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void theGroupGoesFromSiteToSiteWhateverBreaks(long seed) throws Exception {
        World world = new World(seed);
        for (int i = 0; i < 400; i++) {
            world.step();
        }
        world.finish();
    }
}
