package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.ship.GroupShipping;
import dev.tidemark.replica.ship.ShippingStatus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Two sites, each of which may be the active one, what joins them and what happens to them: one
 * random step after the other, with a seed that says all of it. Used by one thread.
 */
final class TakeoverWorld {
    private static final long MILLISECOND = 1_000_000;

    final Random random;
    final TakeoverSite first;
    final TakeoverSite second;
    final List<Throwable> failures = new ArrayList<>();
    private int volumes;
    private int takeovers;

    /** How often which way was taken. */
    private final Map<String, Integer> ways = new TreeMap<>();

    TakeoverWorld(long seed) throws ReplicaException {
        random = new Random(seed);
        first = new TakeoverSite(this, new UUID(1, 1));
        second = new TakeoverSite(this, new UUID(2, 2));
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

    void count(String way) {
        ways.merge(way, 1, Integer::sum);
    }

    Map<String, Integer> ways() {
        return ways;
    }

    void addVolume(TakeoverSite at) throws ReplicaException {
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

    private void connect(TakeoverSite from) {
        TakeoverSite to = from.other();
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

    private static void cut(TakeoverSite from) {
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
        TakeoverSite at = random.nextBoolean() ? first : second;
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
    void takeOver(TakeoverSite at, PointSpec spec) throws ReplicaException {
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
    private void move(TakeoverSite from) throws ReplicaException {
        TakeoverSite to = from.other();
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

    private static boolean hasAll(TakeoverSite to, long last) {
        return to.follows() && to.role().toSource(to.head()) >= last;
    }

    private void giveBack(TakeoverSite at) throws ReplicaException {
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

    static void askAgain(TakeoverSite at) {
        GroupShipping shipping = at.shipping;
        if (shipping != null) {
            shipping.resume();
        }
    }

    /** The active site asks the old one to follow it. */
    private void reverse(TakeoverSite at) {
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
        for (TakeoverSite at : List.of(first, second)) {
            at.check();
            for (Checkpoint checkpoint : at.checkpoints()) {
                at.checkPoint(checkpoint.sequence());
            }
            for (long branch : at.branches) {
                at.checkPoint(branch);
            }
        }
        TakeoverSite active = winner();
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
        TakeoverSite active = winner();
        active.rig.await(active.group().addCheckpoint("the end", ""));
        for (int i = 0; i < 100 && !isSettled(); i++) {
            run(100);
        }
        assertThat(isSettled()).as("%s", this).isTrue();
    }

    private void activate(TakeoverSite at) throws ReplicaException {
        if (at.is(GroupRole.FENCED)) {
            at.rig.await(at.group().reinstate(at.role().tenure()));
        } else if (at.is(GroupRole.STANDBY) && !at.other().is(GroupRole.FENCED)) {
            takeOver(at, new PointSpec.Latest());
        }
    }

    private TakeoverSite winner() {
        if (!second.made) {
            return first;
        }
        int later = Integer.compare(second.role().tenure(), first.role().tenure());
        boolean isSecond = later > 0 || (later == 0 && second.role().state() == GroupRole.ACTIVE);
        return isSecond ? second : first;
    }

    private boolean isSettled() {
        TakeoverSite active = winner();
        TakeoverSite copy = active.other();
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

    private static String text(TakeoverSite at) {
        GroupShipping shipping = at.shipping;
        ShippingStatus status = shipping == null ? null : shipping.status();
        return (at.made ? at.role() + " at " + at.head() : "not made")
                + ", shipping "
                + status
                + ", alerts "
                + at.rig.alerts;
    }
}
