package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.execution.Causes;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PointSpec;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Three sites in one seeded world: one is active and ships to both others, one of those takes over,
 * at any point, and the two that are left follow it, whatever they have of the one before; or both
 * take over in the same tenure, and one of them is kept. Links are cut and machines lose power at
 * any time; sites are compared by what their points read as.
 */
class ThirdSiteSimulationTest {
    private static final int SEEDS = Integer.getInteger("tidemark.thirdsite.seeds", 60);
    private static final int ROUNDS = 3;

    /** How often which way was taken, in all seeds. */
    private static final Map<String, Integer> TOTALS = new ConcurrentHashMap<>();

    static LongStream seeds() {
        return LongStream.range(7000, 7000 + SEEDS);
    }

    /** What a site had before it became a copy of another one. */
    private record Branch(long point, Map<Integer, byte[]> content) {}

    /** One machine, and what its gateway would do. */
    private static final class Site implements CopyHost, ShippingListener {
        final World world;
        final UUID id;
        final Rig rig;
        final Map<Integer, BlockDevice> devices = new TreeMap<>();
        final Map<Site, GroupShipping> shippings = new HashMap<>();
        final Map<Site, DirectLink> links = new HashMap<>();
        final List<Branch> branches = new ArrayList<>();
        ShippingDesk desk;
        boolean made;

        Site(World world, int number) {
            this.world = world;
            id = new UUID(number, number);
            rig = new Rig(world.random.nextLong());
            rig.rules = rig.new SilentRules();
            desk = new ShippingDesk(this, rig.scheduler);
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

        long head() {
            return group().status().headSequence();
        }

        /** A copy of that site of which everything is known. */
        boolean follows(Site other) {
            return is(GroupRole.STANDBY)
                    && other.id.equals(role().source())
                    && group().halfSynchronised() == null;
        }

        boolean isEvenWith(Site other) {
            return follows(other) && role().toSource(head()) == other.head();
        }

        void shipTo(Site copy, long known) {
            GroupShipping made =
                    new GroupShipping(
                            group(),
                            new GroupShipping.Terms("group", Rig.UNIT_BYTES, world.backlogBytes),
                            copy.id,
                            known,
                            rig.scheduler,
                            this);
            shippings.put(copy, made);
            DirectLink now = links.get(copy);
            if (now != null) {
                made.up(now);
            }
        }

        void closeShippings() {
            shippings.values().forEach(GroupShipping::close);
            shippings.clear();
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
            made = true;
            return group();
        }

        @Override
        public String rejoin(ProtectionGroup group, GroupOffer offer, UUID from) {
            Role role = role();
            if (role.state() == GroupRole.REJOINING) {
                return "it becomes a copy";
            }
            closeShippings();
            Succession how = Objects.requireNonNull(offer.takeover());
            boolean copy = role.state() == GroupRole.STANDBY;
            boolean succeeds = how.from().equals(copy ? role.source() : id);
            var _ =
                    group.fence(offer.tenure())
                            .thenCompose(last ->
                                    offer.follow(
                                            group,
                                            from,
                                            succeeds ? how : null,
                                            offer.volumeNames()))
                            .whenComplete((nothing, failure) -> {
                                if (failure == null) {
                                    world.count(way(role, role()));
                                } else if (!isForLater(failure)) {
                                    world.failures.add(failure);
                                }
                            });
            return "it becomes a copy";
        }

        private static String way(Role before, Role after) {
            if (after.state() == GroupRole.REJOINING) {
                return before.state() + " is set back";
            }
            return before.state() + (after.newest().isKnown() ? " goes on" : " is compared");
        }

        /** A rollback that goes on here has to end first. */
        private static boolean isForLater(Throwable failure) {
            return Failures.replica(Causes.of(failure)).kind() == ReplicaException.Kind.IN_USE;
        }

        @Override
        public void fenced(UUID group, UUID peer, String reason) {
            ask(world.site(peer));
        }

        @Override
        public void behind(UUID group, UUID peer) {
            ask(world.site(peer));
        }

        /** As a gateway does when a peer knows better, and now and then while it is fenced. */
        void ask(Site there) {
            if (!there.made) {
                return;
            }
            int tenure = there.role().tenure();
            switch (whose(there)) {
                case THEIRS -> {
                    var _ = group().fence(tenure);
                }
                case OURS -> {
                    var _ =
                            group().reinstate(tenure)
                                    .thenRun(() ->
                                            shippings.values().forEach(GroupShipping::resume));
                }
                case UNKNOWN, BOTH -> {
                    // As it is.
                }
            }
        }

        /** What follows from how the group stands at another site. */
        Whose whose(Site there) {
            Role role = there.role();
            News news = new News(role.state(), role.tenure(), there.head(), false, role.source());
            return Whose.of(role(), false, news, id.equals(news.source()));
        }

        void look() {
            if (is(GroupRole.FENCED)) {
                links.keySet().stream().filter(shippings::containsKey).forEach(this::ask);
            }
        }

        void openDevices() throws ReplicaException {
            devices.values().forEach(BlockDevice::close);
            devices.clear();
            for (VolumeInfo volume : group().volumes()) {
                devices.put(volume.id(), group().openVolume(volume.id()));
            }
        }

        void write() {
            if (devices.isEmpty() || !is(GroupRole.ACTIVE)) {
                return;
            }
            List<BlockDevice> all = List.copyOf(devices.values());
            BlockDevice device = all.get(world.random.nextInt(all.size()));
            int length = 1 + world.random.nextInt(9_000);
            int offset = world.random.nextInt((int) device.geometry().sizeBytes() - length);
            Outcome outcome = new Outcome();
            if (world.random.nextInt(5) == 0) {
                device.zero(offset, length, world.random.nextBoolean(), false, outcome);
            } else {
                device.write(offset, Unpooled.wrappedBuffer(rig.bytes(length)), false, outcome);
            }
            device.submit();
            rig.settle(outcome);
        }

        /** What an administrator does; a rollback may be in the way of it. */
        void change() throws ReplicaException {
            try {
                switch (world.random.nextInt(4)) {
                    case 0 -> {
                        int number = devices.keySet().iterator().next();
                        long size = group().newestSizeBytes(number) + 4096;
                        rig.await(group().resizeVolume(number, size));
                    }
                    case 1 -> {
                        if (devices.size() < 5) {
                            world.addVolume(this);
                        }
                    }
                    case 2 -> rig.await(group().addCheckpoint("tag" + head(), "a test"));
                    default -> {
                        PointSpec to = new PointSpec.AtSequence(anySequence());
                        rig.await(group().rollback(to).usable());
                    }
                }
            } catch (ReplicaException refused) {
                assertThat(refused.kind())
                        .as("%s", refused)
                        .isIn(
                                ReplicaException.Kind.IN_USE,
                                ReplicaException.Kind.OUTSIDE_WINDOW,
                                ReplicaException.Kind.NOT_FOUND);
            }
        }

        long anySequence() {
            long oldest = group().status().history().tail().sequence();
            long first = Math.max(oldest, head() - 40);
            return first + world.random.nextInt((int) (head() - first) + 1);
        }

        List<Checkpoint> checkpoints() {
            return group().checkpoints(new CheckpointQuery(0, Long.MAX_VALUE, 1000, false));
        }

        void crash() throws ReplicaException {
            world.cutAll(this);
            if (!made) {
                rig.scheduler.discardAll();
                rig.disk.crash(world.random);
                desk = new ShippingDesk(this, rig.scheduler);
                return;
            }
            Map<Site, Long> known = new HashMap<>();
            shippings.forEach(
                    (to, shipping) -> known.put(to, shipping.status().acknowledgedSequence()));
            shippings.clear();
            devices.clear();
            rig.crashAndOpen();
            desk = new ShippingDesk(this, rig.scheduler);
            if (is(GroupRole.ACTIVE)) {
                openDevices();
            }
            if (is(GroupRole.ACTIVE) || is(GroupRole.FENCED)) {
                known.forEach((to, sequence) -> shipTo(to, Math.min(head(), sequence)));
            }
        }

        /** What a point reads as; null when there is none. */
        @Nullable Map<Integer, byte[]> content(long sequence) {
            PointSpec at = new PointSpec.AtSequence(sequence);
            try (PointInTimeView view = rig.await(group().openView(at))) {
                Map<Integer, byte[]> all = new TreeMap<>();
                for (PointVolume volume : view.volumes()) {
                    BlockDevice device = view.device(volume.id());
                    all.put(volume.id(), rig.readAll(device));
                    device.close();
                }
                return all;
            } catch (ReplicaException refused) {
                assertThat(refused.kind())
                        .as("%s", refused)
                        .isEqualTo(ReplicaException.Kind.OUTSIDE_WINDOW);
                return null;
            }
        }

        /** A point of a copy is the source's, also of volumes that one of them has not got. */
        void compare(Site source, long sequence) {
            long there = role().pointInSource(sequence);
            Map<Integer, byte[]> own = content(sequence);
            Map<Integer, byte[]> wanted = there < 0 ? null : source.content(there);
            if (own == null || wanted == null) {
                return;
            }
            world.count("compared points");
            TreeMap<Integer, byte[]> all = new TreeMap<>(own);
            all.putAll(wanted);
            for (int volume : all.keySet()) {
                byte[] here = own.getOrDefault(volume, new byte[0]);
                byte[] at = wanted.getOrDefault(volume, new byte[0]);
                int size = Math.max(here.length, at.length);
                assertThat(Arrays.equals(Arrays.copyOf(here, size), Arrays.copyOf(at, size)))
                        .as(
                                "volume %s at %s, there %s: %s; %s",
                                volume, sequence, there, role(), source.role())
                        .isTrue();
            }
        }

        void checkBranches() {
            for (Branch branch : branches) {
                Map<Integer, byte[]> now = content(branch.point());
                assertThat(now).as("point %s", branch.point()).isNotNull();
                branch.content()
                        .forEach((volume, bytes) ->
                                assertThat(Arrays.equals(now.get(volume), bytes))
                                        .as("volume %s at %s", volume, branch.point())
                                        .isTrue());
            }
        }

        /** What it has now is to be there whatever it becomes a copy of. */
        void noteBranch() {
            if (made && !is(GroupRole.REJOINING)) {
                long point = group().newestPoint();
                Map<Integer, byte[]> now =
                        point <= group().status().durableSequence() ? content(point) : null;
                if (now != null) {
                    branches.add(new Branch(point, now));
                }
            }
        }
    }

    /** The sites and what joins them. */
    private static final class World {
        private static final long MILLISECOND = 1_000_000;

        final Random random;
        final List<Site> sites = new ArrayList<>();
        final List<Throwable> failures = new ArrayList<>();
        final long backlogBytes;
        Site active;
        private int volumes;

        World(long seed) throws ReplicaException {
            random = new Random(seed);
            backlogBytes = random.nextInt(4) == 0 ? 60_000 : Long.MAX_VALUE;
            for (int i = 1; i <= 3; i++) {
                sites.add(new Site(this, i));
            }
            active = sites.getFirst();
            active.rig.create();
            active.made = true;
            addVolume(active);
            addVolume(active);
            for (int i = 0; i < 10; i++) {
                active.write();
            }
            for (Site copy : others()) {
                active.shipTo(copy, active.head());
                connect(active, copy);
            }
        }

        void count(String way) {
            TOTALS.merge(way, 1, Integer::sum);
        }

        Site site(UUID id) {
            return sites.stream().filter(site -> site.id.equals(id)).findAny().orElseThrow();
        }

        List<Site> others() {
            return sites.stream().filter(site -> site != active).toList();
        }

        void addVolume(Site at) throws ReplicaException {
            volumes++;
            at.rig.addVolume("disk" + volumes, 70_000 + 4608L * volumes);
            at.openDevices();
        }

        void connect(Site from, Site to) {
            if (from != to && !from.links.containsKey(to)) {
                DirectLink now =
                        new DirectLink(
                                from.rig.scheduler, to.rig.scheduler, to.desk, random, from.id);
                from.links.put(to, now);
                GroupShipping shipping = from.shippings.get(to);
                if (shipping != null) {
                    shipping.up(now);
                }
            }
        }

        void cut(Site from, Site to) {
            DirectLink now = from.links.remove(to);
            if (now != null) {
                now.cut();
                GroupShipping shipping = from.shippings.get(to);
                if (shipping != null) {
                    shipping.down(now, "cut");
                }
            }
        }

        void cutAll(Site at) {
            for (Site other : sites) {
                cut(at, other);
                cut(other, at);
            }
        }

        void run(int milliseconds) {
            for (int i = 0; i < milliseconds; i += 5) {
                sites.forEach(site -> site.rig.scheduler.runFor(5 * MILLISECOND));
            }
        }

        void step() throws ReplicaException {
            Site copy = others().get(random.nextInt(2));
            if (active.is(GroupRole.ACTIVE) && active.devices.isEmpty()) {
                active.openDevices();
            }
            switch (random.nextInt(19)) {
                case 0, 1, 2, 3, 4 -> active.write();
                case 5, 6, 7 -> run(random.nextInt(300));
                case 8, 9 -> connect(active, copy);
                case 10 -> cut(active, copy);
                case 11 -> {
                    if (active.is(GroupRole.ACTIVE) && !active.devices.isEmpty()) {
                        active.change();
                    }
                }
                case 12 -> {
                    if (random.nextInt(3) == 0) {
                        sites.get(random.nextInt(3)).crash();
                    }
                }
                case 13 -> connect(sites.get(random.nextInt(3)), sites.get(random.nextInt(3)));
                case 14, 15 -> sites.forEach(Site::look);
                default -> {
                    if (copy.follows(active)) {
                        copy.compare(
                                active, random.nextBoolean() ? copy.head() : copy.anySequence());
                    }
                }
            }
            assertThat(failures).isEmpty();
            for (Site one : sites) {
                assertThat(
                                one != active
                                        && one.is(GroupRole.ACTIVE)
                                        && one.role().tenure() >= active.role().tenure())
                        .as("%s is active beside %s: %s", one.id, active.id, this)
                        .isFalse();
            }
        }

        /** Everything that has a copy agrees with the site that is active. */
        void settle() throws ReplicaException {
            others().forEach(copy -> connect(active, copy));
            for (int i = 0; i < 400 && !isSettled(); i++) {
                if (i % 20 == 10) {
                    active.shippings.values().forEach(GroupShipping::resume);
                }
                run(100);
            }
            assertThat(failures).isEmpty();
            assertThat(isSettled()).as("%s", this).isTrue();
            for (Site copy : others()) {
                copy.compare(active, copy.head());
                for (Checkpoint checkpoint : copy.checkpoints()) {
                    if (checkpoint.sequence() >= copy.role().newest().localSequence()) {
                        copy.compare(active, checkpoint.sequence());
                    }
                }
            }
            sites.forEach(Site::checkBranches);
        }

        private boolean isSettled() {
            return active.group().promotion() == null
                    && others().stream().allMatch(copy -> copy.isEvenWith(active));
        }

        /**
         * As a failover begins with a link: the site before is fenced, and ships what it still may
         * to whoever it has a link with, also one that comes back.
         */
        private boolean fence(Site next, int tenure) throws ReplicaException {
            if (!active.is(GroupRole.ACTIVE)
                    || !active.links.containsKey(next)
                    || !active.id.equals(next.role().source())) {
                return false;
            }
            long last = active.rig.await(active.group().fence(tenure));
            active.devices.values().forEach(BlockDevice::close);
            active.devices.clear();
            Site other = sites.get(random.nextInt(3));
            cut(active, random.nextBoolean() ? next : other);
            run(random.nextInt(1_500));
            connect(active, next);
            connect(active, other);
            boolean lacked = next.follows(active) && next.role().toSource(next.head()) < last;
            run(random.nextInt(1_500));
            if (lacked && next.follows(active) && next.role().toSource(next.head()) == last) {
                count("last records after a link came back");
            }
            return true;
        }

        /** One of the copies, at any point of it; the one before may go on for a while. */
        void handOver() throws ReplicaException {
            List<Site> able = others().stream().filter(copy -> copy.is(GroupRole.STANDBY)).toList();
            if (able.isEmpty()) {
                return;
            }
            Site next = able.get(random.nextInt(able.size()));
            if (takes(next, nextTenure())) {
                goesOn(next);
            }
        }

        private int nextTenure() {
            return sites.stream()
                            .mapToInt(site -> site.made ? site.role().tenure() : 0)
                            .max()
                            .orElseThrow()
                    + 1;
        }

        /** At any point of it, where that can be. */
        private boolean takes(Site next, int tenure) throws ReplicaException {
            PointSpec at =
                    random.nextBoolean()
                            ? new PointSpec.Latest()
                            : new PointSpec.AtSequence(next.anySequence());
            boolean fenced = random.nextBoolean() && fence(next, tenure);
            try {
                next.rig.await(next.group().takeOver(at, tenure).usable());
            } catch (ReplicaException refused) {
                if (fenced) {
                    // The site before learns that the group is its own.
                    next.rig.await(next.group().learn(tenure + 1));
                }
                assertThat(refused.kind())
                        .as("%s", refused)
                        .isIn(
                                ReplicaException.Kind.OUTSIDE_WINDOW,
                                ReplicaException.Kind.NOT_FOUND,
                                ReplicaException.Kind.IN_USE);
                return false;
            }
            count("takeovers");
            next.desk.takenOver(Rig.ID, "taken over");
            next.openDevices();
            return true;
        }

        /**
         * Both copies take over in the same tenure, as neither reaches the other; hosts write to
         * both, and then one of them is kept.
         */
        void split() throws ReplicaException {
            if (!others().stream().allMatch(copy -> copy.is(GroupRole.STANDBY))) {
                return;
            }
            sites.forEach(this::cutAll);
            Site kept = others().get(random.nextInt(2));
            Site other = others().stream().filter(copy -> copy != kept).findAny().orElseThrow();
            int tenure = nextTenure();
            if (!takes(kept, tenure)) {
                return;
            }
            if (takes(other, tenure)) {
                count("two active");
                for (int i = random.nextInt(20); i > 0; i--) {
                    Site written = random.nextBoolean() ? kept : other;
                    written.write();
                    written.rig.scheduler.runFor(random.nextInt(50) * MILLISECOND);
                    if (random.nextInt(5) == 0) {
                        written.change();
                    }
                }
                assertThat(kept.whose(other)).isEqualTo(Whose.BOTH);
                assertThat(other.whose(kept)).isEqualTo(Whose.BOTH);
                keep(kept, tenure + 1);
                if (random.nextBoolean()) {
                    givesWay(other, kept);
                }
            }
            goesOn(kept);
        }

        /** Somebody says which one is kept, and says it again when power was lost meanwhile. */
        private void keep(Site kept, int tenure) throws ReplicaException {
            if (random.nextBoolean()) {
                var _ = kept.group().claim(tenure);
                if (random.nextBoolean()) {
                    kept.rig.scheduler.runFor(random.nextInt(2) * MILLISECOND);
                }
                kept.crash();
                count(kept.role().tenure() == tenure ? "claimed in time" : "not claimed in time");
            }
            assertThat(kept.is(GroupRole.ACTIVE)).as("%s", kept.role()).isTrue();
            if (kept.role().tenure() < tenure) {
                kept.rig.await(kept.group().claim(tenure));
            }
            assertThat(kept.role().tenure()).isEqualTo(tenure);
        }

        /** From when it has heard of it, no host's write is taken. */
        private void givesWay(Site other, Site kept) {
            other.ask(kept);
            other.rig.scheduler.runFor(100 * MILLISECOND);
            assertThat(other.is(GroupRole.FENCED)).as("%s", other.role()).isTrue();
            long last = other.head();
            BlockDevice device = other.devices.values().iterator().next();
            other.rig.start(device, 0, new byte[512], false).expectFailure(ErrorCode.SHUTDOWN);
            assertThat(other.head()).isEqualTo(last);
            assertThat(kept.whose(other)).isEqualTo(Whose.UNKNOWN);
        }

        /** It is the active one; the one before may go on for a while. */
        private void goesOn(Site next) throws ReplicaException {
            Site before = active;
            active = next;
            for (int i = 0; i < random.nextInt(10); i++) {
                before.write();
                before.rig.scheduler.runFor(random.nextInt(50) * MILLISECOND);
            }
            cutAll(next);
            if (random.nextBoolean()) {
                cutAll(before);
            }
            if (random.nextBoolean()) {
                run(500);
            }
            for (Site copy : others()) {
                copy.noteBranch();
                next.shipTo(copy, next.head());
            }
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            for (Site site : sites) {
                text.append('\n').append(site.id).append(site == active ? " active " : " ");
                text.append(site.made ? site.role() + " at " + site.head() : "not made");
                site.shippings.values().forEach(each -> text.append(' ').append(each.status()));
                text.append(site.rig.alerts);
            }
            return text.toString();
        }
    }

    @AfterAll
    static void everyWayWasTaken() {
        for (String way :
                List.of(
                        "takeovers",
                        "two active",
                        "claimed in time",
                        "not claimed in time",
                        "STANDBY goes on",
                        "STANDBY is set back",
                        "STANDBY is compared",
                        "last records after a link came back",
                        "compared points")) {
            assertThat(TOTALS).as("%s", TOTALS).containsKey(way);
        }
        assertThat(TOTALS.keySet())
                .as("%s", TOTALS)
                .anyMatch(way -> way.endsWith("is set back") && !way.startsWith("STANDBY"));
    }

    /**
     * The copy would take the new tenure for its source's, and its source the group for its own.
     */
    @Test
    void aFencedSiteDoesNotOfferTheTenureThatFencedIt() throws Exception {
        World world = new World(1);
        world.settle();
        Site before = world.active;
        Site next = world.sites.get(1);
        Site third = world.sites.get(2);
        world.cutAll(before);
        next.rig.await(next.group().takeOver(new PointSpec.Latest(), 1).usable());
        before.rig.await(before.group().fence(1));
        world.connect(before, third);
        world.run(2000);
        assertThat(third.role().tenure()).isZero();
        before.look();
        world.run(2000);
        assertThat(before.is(GroupRole.FENCED)).as("%s", world).isTrue();

        world.active = next;
        next.openDevices();
        next.shipTo(before, next.head());
        next.shipTo(third, next.head());
        next.write();
        world.settle();
    }

    @Test
    void aFencedSiteShipsItsLastRecordsWhenTheLinkComesBack() throws Exception {
        World world = new World(1);
        world.settle();
        Site before = world.active;
        Site next = world.sites.get(1);
        Site third = world.sites.get(2);
        world.cutAll(before);
        before.write();
        before.write();
        long last = before.rig.await(before.group().fence(1));
        assertThat(next.role().toSource(next.head())).isLessThan(last);
        world.connect(before, next);
        world.run(2000);
        assertThat(next.role().tenure()).as("of the claim it learns nothing here").isZero();
        assertThat(next.isEvenWith(before)).as("%s", world).isTrue();

        next.rig.await(next.group().takeOver(new PointSpec.Latest(), 1).usable());
        next.desk.takenOver(Rig.ID, "taken over");
        world.run(2000);
        world.connect(before, third);
        world.run(2000);
        assertThat(third.isEvenWith(before)).as("%s", world).isTrue();

        world.active = next;
        next.openDevices();
        next.shipTo(before, next.head());
        next.shipTo(third, next.head());
        world.settle();
        assertThat(before.role().tenure()).isOne();
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void theOthersFollowTheSiteThatTookOver(long seed) throws Exception {
        World world = new World(seed);
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < 60; i++) {
                world.step();
            }
            if (world.random.nextInt(3) == 0) {
                world.settle();
            }
            if (world.random.nextInt(3) == 0) {
                world.split();
            } else {
                world.handOver();
            }
        }
        for (int i = 0; i < 60; i++) {
            world.step();
        }
        world.settle();
    }
}
