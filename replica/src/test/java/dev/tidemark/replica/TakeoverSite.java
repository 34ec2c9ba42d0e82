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
import org.jspecify.annotations.Nullable;

/** One machine of a {@link TakeoverWorld}, and what its gateway would do. */
final class TakeoverSite implements CopyHost, ShippingListener {
    /** Notes a site's records. */
    private static final class Noting extends Rig.NotingRules {
        private final TakeoverSite site;

        Noting(TakeoverSite site) {
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

    final TakeoverWorld world;
    final UUID id;
    final Rig rig;
    final Map<Integer, BlockDevice> devices = new TreeMap<>();
    private final List<Gone> gone = new ArrayList<>();

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

    TakeoverSite(TakeoverWorld world, UUID id) {
        this.world = world;
        this.id = id;
        rig = new Rig(world.random.nextLong());
        rig.rules = new Noting(this);
        desk = new ShippingDesk(this, rig.scheduler);
    }

    TakeoverSite other() {
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
            world.count("compared as a whole");
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
        return gone.stream().anyMatch(each -> sequence >= each.first() && sequence < each.last());
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
    public ProtectionGroup adopt(GroupOffer offer, UUID from, SyncImages images, StandbyStart start)
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
                var _ =
                        group().reinstate(news.tenure())
                                .thenRun(() -> TakeoverWorld.askAgain(this));
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
        gone.replaceAll(
                each -> new Gone(each.first(), each.last() > head ? Long.MAX_VALUE : each.last()));
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
