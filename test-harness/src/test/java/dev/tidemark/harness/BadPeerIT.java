package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.replica.link.InboundChannel;
import dev.tidemark.replica.link.IncomingChannel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A site that is paired and hostile, against a gateway as a process, over the real link: it is
 * refused with a code that says why, speaks only of what is its own, and what others have at the
 * gateway is what it was.
 */
@Timeout(300)
final class BadPeerIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int DISK_BYTES = 1 << 20;
    private static final int UNIT_BYTES = 1 << 20;
    private static final int FAILED_THERE = 0xffff;

    private static final int SHIPPING = 1;
    private static final int INITIAL_SYNC = 2;
    private static final int DELTA_SYNC = 3;

    private static final int UNKNOWN = 1;
    private static final int NOT_NOW = 2;
    private static final int MALFORMED = 3;
    private static final int FENCED = 100;
    private static final int UNUSABLE = 101;
    private static final int BAD_MESSAGE = 102;
    private static final int FAILED = 103;
    private static final int NOT_YOURS = 105;

    private Sites sites;
    private GatewayProcess berlin;
    private StrangeSite strange;
    private StrangeSite other;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.two(scratch);
        berlin = sites.berlin();
        strange = new StrangeSite("strange", scratch).pair(berlin);
        other = new StrangeSite("other", scratch).pair(berlin);
    }

    /** Nothing failed in the gateway: what peers say is no error of its own. */
    @AfterEach
    void stop() throws Exception {
        try {
            assertThat(berlin.running()).isTrue();
            assertThat(berlin.log().lines().filter(line -> !line.contains("Alerts: ")))
                    .noneMatch(line -> line.contains(" ERROR ") || line.startsWith("\tat "));
        } finally {
            strange.close();
            other.close();
            sites.close();
        }
    }

    // What there is

    /** A group that is active at a gateway, with something on its disk. */
    private static UUID group(GatewayProcess at, String name) throws Exception {
        at.api().createGroup(new Requests.CreateGroup(name, null, null, null, null));
        var _ = at.api().createVolume(name + "-disk", DISK_BYTES, name);
        try (NbdTestClient disk = at.connect(name + "-disk")) {
            byte[] bytes = new byte[64 << 10];
            new Random(3).nextBytes(bytes);
            disk.write(128 << 10, bytes);
            disk.flush();
        }
        return UUID.fromString(at.api().group(name).id());
    }

    /** A copy at berlin of a group of paris. */
    private UUID copyOfParis(String name) throws Exception {
        UUID id = group(sites.paris(), name);
        var _ = Sites.run(sites.paris(), "group", "protect", name, "--to", "berlin");
        Sites.awaitEven(sites.paris(), name);
        return id;
    }

    // Bodies, as docs/internals/link-protocol.md has them

    private static ByteBuf id(UUID id) {
        return Unpooled.buffer(64)
                .writeLong(id.getMostSignificantBits())
                .writeLong(id.getLeastSignificantBits());
    }

    private static ByteBuf text(ByteBuf into, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return into.writeShortLE(bytes.length).writeBytes(bytes);
    }

    private static ByteBuf question(UUID group, int tenure) {
        return id(group).writeIntLE(tenure);
    }

    private static ByteBuf handover(UUID group, long last, String policy) {
        return text(id(group).writeLongLE(last).writeLongLE(0), policy);
    }

    private static ByteBuf range(UUID group, int volume, long offset, long length) {
        return id(group).writeIntLE(volume).writeLongLE(offset).writeLongLE(length);
    }

    private static ByteBuf volume(int id, long size, String name) {
        return text(Unpooled.buffer().writeIntLE(id).writeLongLE(size), name);
    }

    private static ByteBuf offer(UUID group, int tenure, String name, ByteBuf... volumes) {
        ByteBuf body = id(group).writeIntLE(tenure).writeIntLE(UNIT_BYTES).writeBoolean(false);
        text(body, name).writeIntLE(volumes.length);
        Arrays.stream(volumes).forEach(body::writeBytes);
        return body;
    }

    private static ByteBuf end(long sequence, long micros, int epoch) {
        ByteBuf body = Unpooled.buffer().writeLongLE(sequence).writeLongLE(micros);
        return text(body.writeIntLE(epoch), "as the test wants it");
    }

    private static ByteBuf region(int volume, long offset, int bytes) {
        return Unpooled.buffer().writeIntLE(volume).writeLongLE(offset).writeZero(bytes);
    }

    private static ByteBuf zero(int volume, long offset, long length) {
        return Unpooled.buffer().writeIntLE(volume).writeLongLE(offset).writeLongLE(length);
    }

    /** A record as it should be; {@code changed} breaks it before it is sealed. */
    private static ByteBuf record(long sequence, int payload, Consumer<ByteBuf> changed) {
        ByteBuf record = Unpooled.buffer();
        record.writeByte(1).writeByte(0).writeShortLE(0).writeIntLE(1).writeLongLE(sequence);
        record.writeLongLE(2_000_000 + sequence).writeLongLE(4096).writeLongLE(payload);
        record.writeIntLE(payload).writeIntLE(1).writeIntLE(0).writeIntLE(1);
        byte[] bytes = new byte[payload];
        Arrays.fill(bytes, (byte) sequence);
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        record.writeIntLE((int) crc.getValue());
        changed.accept(record);
        CRC32C head = new CRC32C();
        head.update(record.array(), 0, 48);
        head.update(record.array(), 56, 4);
        return record.setIntLE(48, (int) head.getValue()).writeBytes(bytes);
    }

    private static ByteBuf batch(long sequence, int count, ByteBuf records) {
        return Unpooled.buffer().writeLongLE(sequence).writeIntLE(count).writeBytes(records);
    }

    private static ByteBuf write(long sequence) {
        return batch(sequence, 1, record(sequence, 512, record -> {}));
    }

    private static List<ByteBuf> cuts(ByteBuf whole) {
        byte[] bytes = ByteBufUtil.getBytes(whole);
        List<ByteBuf> all = new ArrayList<>();
        for (int length = 0; length < bytes.length; length++) {
            all.add(Unpooled.wrappedBuffer(bytes, 0, length));
        }
        return all;
    }

    // Requests

    @Test
    void requests_that_are_malformed_or_about_what_is_not_the_peers_change_nothing()
            throws Exception {
        UUID shop = group(berlin, "shop");
        UUID kept = copyOfParis("kept");
        String before = Sites.hash(berlin, "kept-disk" + Sites.newest(berlin, "kept"));
        Map<Integer, ByteBuf> valid = new LinkedHashMap<>();
        valid.put(2, question(shop, 0));
        valid.put(3, question(shop, 1));
        valid.put(5, handover(kept, 7, "none"));
        valid.put(6, question(kept, 1));
        valid.put(10, range(kept, 1, 0, 4096));
        valid.put(11, range(kept, 1, 0, 4096));
        for (Map.Entry<Integer, ByteBuf> each : valid.entrySet()) {
            int malformed = each.getKey() < 10 ? MALFORMED : BAD_MESSAGE;
            for (ByteBuf cut : cuts(each.getValue())) {
                assertThat(strange.ask(each.getKey(), cut))
                        .as("method %d", each.getKey())
                        .isEqualTo(malformed);
            }
        }
        for (int method : new int[] {0, 7, 8, 9, 12, 0x7fff, FAILED_THERE}) {
            assertThat(strange.ask(method, Unpooled.buffer().writeZero(40_000))).isEqualTo(UNKNOWN);
        }
        for (int method : new int[] {2, 3, 6}) {
            assertThat(strange.ask(method, question(shop, -1))).isEqualTo(MALFORMED);
            assertThat(strange.ask(method, question(shop, 0x7fff))).isEqualTo(MALFORMED);
        }
        assertThat(strange.ask(5, handover(kept, -1, "whatever"))).isEqualTo(MALFORMED);
        assertThat(strange.ask(3, question(shop, 5))).isEqualTo(UNKNOWN);
        assertThat(strange.ask(3, question(kept, 5))).isEqualTo(UNKNOWN);
        assertThat(strange.ask(5, handover(shop, 0, "commit"))).isEqualTo(NOT_NOW);
        long head = sites.paris().api().group("kept").headSequence();
        assertThat(strange.ask(5, handover(kept, head, "commit"))).isEqualTo(NOT_NOW);
        assertThat(strange.ask(6, question(shop, 9))).isEqualTo(NOT_YOURS);
        assertThat(strange.ask(6, question(kept, 9))).isEqualTo(NOT_YOURS);
        assertThat(strange.ask(10, range(kept, 1, 0, 4096))).isEqualTo(FAILED);

        assertThat(berlin.api().group("shop").role()).isEqualTo("active");
        assertThat(berlin.api().group("kept").role()).isEqualTo("standby");
        assertThat(Sites.hash(berlin, "kept-disk" + Sites.newest(berlin, "kept")))
                .isEqualTo(before);
        assertThat(strange.ask(1, Unpooled.EMPTY_BUFFER)).isZero();
    }

    /** It names no site that the group has to do with. */
    @Test
    void a_stranger_that_says_that_it_has_a_group_is_not_believed() throws Exception {
        UUID kept = copyOfParis("kept");
        var _ =
                Sites.run(
                        berlin,
                        "failover",
                        "--group",
                        "kept",
                        "--at",
                        "latest",
                        "--policy",
                        "commit",
                        "--yes");
        for (int tenure : new int[] {9, 1}) {
            ByteBuf active = Unpooled.buffer().writeByte(0).writeIntLE(tenure).writeLongLE(7);
            strange.answer = ByteBufUtil.getBytes(active.writeBoolean(false).writeBoolean(false));
            // What was asked before the last question has had its effect.
            for (int i = 0; i < 3; i++) {
                int before = strange.asked();
                assertThat(strange.ask(3, question(kept, 1))).isZero();
                Await.until("the stranger to be asked", LIMIT, () -> strange.asked() > before);
            }
            assertThat(berlin.api().group("kept").role()).isEqualTo("active");
            assertThat(berlin.api().group("kept").tenure()).isEqualTo(1);
            assertThat(berlin.api().group("kept").alsoActive()).isEmpty();
        }
        assertThat(berlin.api().get("/api/v1/alerts")).doesNotContain("group-active-twice");
    }

    @Test
    void only_the_source_of_a_synchronisation_may_ask_about_it_or_go_on_with_it() throws Exception {
        UUID mine = UUID.randomUUID();
        ByteBuf[] disk = {volume(1, DISK_BYTES, "mine-disk")};
        StrangeSite.Channel channel = strange.open(INITIAL_SYNC, offer(mine, 0, "mine", disk));
        assertThat(strange.ask(10, range(mine, 1, 0, 4096))).isZero();
        assertThat(strange.ask(11, range(mine, 1, 0, 4096))).isZero();
        assertThat(other.ask(10, range(mine, 1, 0, 4096))).isEqualTo(NOT_YOURS);
        assertThat(other.ask(11, range(mine, 1, 0, 4096))).isEqualTo(NOT_YOURS);

        ByteBuf again = volume(1, DISK_BYTES, "mine-disk");
        assertThat(other.refused(INITIAL_SYNC, offer(mine, 7, "mine", again))).isEqualTo(UNUSABLE);
        channel.send(5, region(1, 0, 4096));
        assertThat(strange.ask(11, range(mine, 1, 0, 4096))).isZero();
        // Also once it is interrupted: what has arrived is not another site's.
        channel.close();
        ByteBuf third = volume(1, DISK_BYTES, "mine-disk");
        assertThat(other.refused(INITIAL_SYNC, offer(mine, 7, "mine", third))).isEqualTo(UNUSABLE);
        assertThat(other.ask(6, question(mine, 7))).isZero();
        assertThat(berlin.log()).doesNotContain("given up before it had arrived");
        ByteBuf fourth = volume(1, DISK_BYTES, "mine-disk");
        StrangeSite.Channel next = strange.open(INITIAL_SYNC, offer(mine, 0, "mine", fourth));
        assertThat(next.send(7, end(5, 1_000_000, 1)).acknowledged()).isEqualTo(5);
        assertThat(berlin.api().group("mine").role()).isEqualTo("standby");
    }

    @Test
    void questions_that_make_no_sense_are_refused() throws Exception {
        UUID mine = UUID.randomUUID();
        strange.open(INITIAL_SYNC, offer(mine, 0, "mine", volume(1, DISK_BYTES, "mine-disk")));
        questionsAreRefused(mine);
        StrangeSite.Channel again =
                strange.open(
                        INITIAL_SYNC, offer(mine, 0, "mine", volume(1, DISK_BYTES, "mine-disk")));
        again.send(7, end(5, 1_000_000, 1)).acknowledged();
        strange.open(DELTA_SYNC, offer(mine, 0, "mine", volume(1, DISK_BYTES, "mine-disk")));
        questionsAreRefused(mine);
    }

    private void questionsAreRefused(UUID mine) throws Exception {
        for (int method : new int[] {10, 11}) {
            assertThat(strange.ask(method, range(mine, 1, 0, 4096))).isZero();
            assertThat(strange.ask(method, range(mine, 1, -4096, 4096))).isEqualTo(BAD_MESSAGE);
            assertThat(strange.ask(method, range(mine, 1, 0, -1))).isEqualTo(BAD_MESSAGE);
            assertThat(strange.ask(method, range(mine, 1, Long.MAX_VALUE, 1)))
                    .isEqualTo(BAD_MESSAGE);
            assertThat(strange.ask(method, range(mine, 1, Long.MIN_VALUE, Long.MIN_VALUE)))
                    .isEqualTo(BAD_MESSAGE);
            for (int unknown : new int[] {0, -1, 2, Integer.MAX_VALUE}) {
                assertThat(strange.ask(method, range(mine, unknown, 0, 4096)))
                        .as("volume %d", unknown)
                        .isIn(UNUSABLE, FAILED);
            }
        }
        assertThat(strange.ask(11, range(mine, 1, DISK_BYTES, 4096))).isEqualTo(UNUSABLE);
        assertThat(strange.ask(11, range(mine, 1, 0, 0))).isEqualTo(BAD_MESSAGE);
        assertThat(strange.ask(11, range(mine, 1, 0, 17 << 20))).isEqualTo(BAD_MESSAGE);
        assertThat(strange.ask(11, range(mine, 1, 0, Long.MAX_VALUE))).isEqualTo(BAD_MESSAGE);
    }

    // Offers

    @Test
    void offers_that_are_malformed_or_of_groups_of_others_are_refused() throws Exception {
        UUID shop = group(berlin, "shop");
        UUID kept = copyOfParis("kept");
        UUID mine = UUID.randomUUID();
        ByteBuf whole = offer(mine, 0, "mine", volume(1, DISK_BYTES, "mine-disk"));
        for (int purpose : new int[] {SHIPPING, INITIAL_SYNC, DELTA_SYNC}) {
            for (ByteBuf cut : cuts(whole)) {
                assertThat(strange.refused(purpose, cut)).isEqualTo(BAD_MESSAGE);
            }
            for (ByteBuf bad :
                    List.of(
                            offer(mine, -1, "mine"),
                            offer(mine, 0x7fff, "mine"),
                            offer(mine, 0, "mine", volume(0, DISK_BYTES, "disk")),
                            offer(mine, 0, "mine", volume(1, -1, "disk")),
                            offer(mine, 0, "mine", volume(1, DISK_BYTES, "")),
                            offer(mine, 0, "mine", volume(1, DISK_BYTES, "a\nb")),
                            offer(mine, 0, "mine", volume(1, DISK_BYTES, "x".repeat(256))),
                            offer(mine, 0, "mine").setIntLE(31, Integer.MAX_VALUE),
                            offer(mine, 0, "mine").setIntLE(31, -1),
                            offer(mine, 0, "mine").setByte(28, 0xff))) {
                assertThat(strange.refused(purpose, bad)).isEqualTo(BAD_MESSAGE);
            }
            for (int tenure : new int[] {0, 1, 0x7000}) {
                assertThat(strange.refused(purpose, offer(shop, tenure, "shop")))
                        .isIn(FENCED, UNUSABLE);
                assertThat(strange.refused(purpose, offer(kept, tenure, "kept")))
                        .isIn(FENCED, UNUSABLE);
            }
        }
        for (ByteBuf bad :
                List.of(
                        offer(mine, 0, "a group/with ../ a name"),
                        offer(mine, 0, "mine", volume(1, 1L << 60, "disk")),
                        offer(mine, 0, "mine", volume(1, DISK_BYTES, "a/b")),
                        offer(mine, 0, "mine", volume(1, DISK_BYTES, "test.1-disk")),
                        offer(mine, 0, "mine", volume(1, DISK_BYTES, "shop-disk")),
                        offer(mine, 0, "mine").setIntLE(20, Integer.MAX_VALUE))) {
            assertThat(strange.refused(INITIAL_SYNC, bad)).isEqualTo(UNUSABLE);
        }
        assertThat(strange.refused(77, whole.copy())).isEqualTo(UNKNOWN);
        assertThat(berlin.api().group("shop").role()).isEqualTo("active");
        assertThat(berlin.api().group("kept").role()).isEqualTo("standby");
        Sites.awaitEven(sites.paris(), "kept");
        // Groups that are not here leave nothing behind, and there may be any number of them.
        for (int i = 0; i < 2_000; i++) {
            StrangeSite.Channel unknown =
                    strange.open(SHIPPING, offer(UUID.randomUUID(), 0, "none"));
            assertThat(unknown.out().openedBody().getByte(0)).isEqualTo((byte) 1);
            unknown.close();
        }
    }

    // Data

    private static final class Sent {
        final int kind;
        final ByteBuf body;
        final String what;

        Sent(int kind, ByteBuf body, String what) {
            this.kind = kind;
            this.body = body;
            this.what = what;
        }
    }

    /** What is bad in any channel that brings records; the next record is number 6. */
    private static List<Sent> badRecords() {
        List<Sent> all = new ArrayList<>();
        for (int length : new int[] {0, 1, 7, 11, 12, 13, 60, 67, 68, 71, 72, 100, 583}) {
            all.add(new Sent(1, write(6).slice(0, length), "records cut to " + length));
        }
        all.add(new Sent(1, write(6).setIntLE(8, -1), "a negative count"));
        all.add(new Sent(1, write(6).setByte(300, 77), "a payload that is damaged"));
        all.add(new Sent(1, write(6).setByte(40, 77), "a header that is damaged"));
        Map<String, Consumer<ByteBuf>> changes = new LinkedHashMap<>();
        changes.put("kind 0", record -> record.setByte(0, 0));
        changes.put("kind 99", record -> record.setByte(0, 99));
        changes.put("zeros with a payload", record -> record.setByte(0, 2));
        changes.put("a resize with a payload", record -> record.setByte(0, 4));
        changes.put("something reserved", record -> record.setShortLE(2, 1));
        changes.put("a negative offset", record -> record.setLongLE(24, -4096));
        changes.put("an offset outside", record -> record.setLongLE(24, DISK_BYTES));
        changes.put("an offset that overflows", record -> record.setLongLE(24, Long.MAX_VALUE));
        changes.put("a length of its own", record -> record.setLongLE(32, 4096));
        changes.put("a negative length", record -> record.setLongLE(32, -1));
        changes.put("a huge payload", record -> record.setIntLE(40, Integer.MAX_VALUE));
        changes.put("epoch 0", record -> record.setIntLE(44, 0));
        changes.put("epoch -1", record -> record.setIntLE(44, -1));
        changes.put("the greatest epoch", record -> record.setIntLE(44, Integer.MAX_VALUE));
        changes.put("time -1", record -> record.setLongLE(16, -1));
        changes.put("the last time", record -> record.setLongLE(16, Long.MAX_VALUE));
        changes.put("no chunks", record -> record.setIntLE(52, 0));
        changes.put("many chunks", record -> record.setIntLE(52, Integer.MAX_VALUE));
        changes.forEach(
                (what, change) -> all.add(new Sent(1, batch(6, 1, record(6, 512, change)), what)));
        for (int kind : new int[] {0, 8, 99, 0xffff}) {
            all.add(new Sent(kind, Unpooled.buffer().writeZero(40), "kind " + kind));
        }
        for (int kind : new int[] {2, 3, 4}) {
            all.add(new Sent(kind, Unpooled.EMPTY_BUFFER, "kind " + kind + " without a body"));
            all.add(new Sent(kind, Unpooled.buffer().writeZero(3), "kind " + kind + " cut short"));
        }
        all.add(new Sent(2, volume(-1, DISK_BYTES, "bad"), "volume -1"));
        all.add(new Sent(2, volume(9, 0, "bad"), "a volume of nothing"));
        all.add(new Sent(2, volume(9, Long.MAX_VALUE, "bad"), "a volume without end"));
        all.add(new Sent(2, volume(9, DISK_BYTES, ""), "a volume without a name"));
        all.add(new Sent(3, text(Unpooled.buffer().writeIntLE(77), "x"), "volume 77 renamed"));
        all.add(
                new Sent(
                        3,
                        text(Unpooled.buffer().writeIntLE(1), "a\u0000b"),
                        "a name with a zero"));
        return all;
    }

    /** What is bad only behind a record that is well: that one is taken. */
    private static List<Sent> badBehindRecord(int sequence) {
        return List.of(
                new Sent(1, write(sequence).writeByte(0), "a byte too many"),
                new Sent(1, write(sequence + 1).setIntLE(8, 2), "a count of 2"),
                new Sent(1, write(sequence + 2).setIntLE(8, Integer.MAX_VALUE), "a huge count"));
    }

    private StrangeSite.Channel again(int purpose, UUID mine) throws Exception {
        return strange.open(purpose, offer(mine, 0, "mine", volume(1, DISK_BYTES, "mine-disk")));
    }

    private void expectClosed(int purpose, UUID mine, List<Sent> all) throws Exception {
        for (Sent bad : all) {
            StrangeSite.Channel channel = again(purpose, mine).send(bad.kind, bad.body);
            Await.until("the end after " + bad.what, LIMIT, channel::isClosed);
            assertThat(channel.closed())
                    .as("purpose %d: %s", purpose, bad.what)
                    .isIn(UNUSABLE, BAD_MESSAGE, FAILED);
        }
    }

    /** What is bad in a channel that synchronises. */
    private static List<Sent> badSynchronisation() {
        List<Sent> all = new ArrayList<>(badRecords());
        for (ByteBuf cut : cuts(region(1, 0, 0))) {
            all.add(new Sent(5, cut, "a region cut short"));
        }
        for (ByteBuf cut : cuts(zero(1, 0, 4096))) {
            all.add(new Sent(6, cut, "zeros cut short"));
        }
        for (int length : new int[] {0, 8, 19, 21, 22, 30}) {
            all.add(new Sent(7, end(5, 1, 1).slice(0, length), "an end cut short"));
        }
        all.add(new Sent(5, region(2, 0, 512), "a region of volume 2"));
        all.add(new Sent(5, region(1, -512, 512), "a region before the volume"));
        all.add(new Sent(5, region(1, DISK_BYTES - 1, 512), "a region across the end"));
        all.add(new Sent(5, region(1, Long.MAX_VALUE, 512), "a region far outside"));
        all.add(new Sent(6, zero(1, 0, -1), "zeros of no length"));
        all.add(new Sent(6, zero(1, 1, DISK_BYTES), "zeros across the end"));
        all.add(new Sent(6, zero(1, Long.MAX_VALUE, Long.MAX_VALUE), "zeros far outside"));
        all.add(new Sent(7, end(-1, 1_000_000, 1), "an end at -1"));
        all.add(new Sent(7, end(Long.MAX_VALUE, 1_000_000, 1), "an end at the last"));
        all.add(new Sent(7, end(5, -1, 1), "an end at time -1"));
        all.add(new Sent(7, end(5, Long.MAX_VALUE, 1), "an end at the last time"));
        all.add(new Sent(7, end(5, 1_000_000, 0), "an end in epoch 0"));
        all.add(new Sent(7, end(5, 1_000_000, Integer.MAX_VALUE), "the last epoch"));
        all.addAll(badBehindRecord(6));
        return all;
    }

    @Test
    void data_that_is_bad_closes_its_channel_and_the_copy_is_what_it_was() throws Exception {
        UUID mine = UUID.randomUUID();
        expectClosed(INITIAL_SYNC, mine, badSynchronisation());

        StrangeSite.Channel sync = again(INITIAL_SYNC, mine);
        sync.send(5, region(1, 0, 0)).send(7, end(5, 1_000_000, 1));
        assertThat(sync.acknowledged()).isEqualTo(5);

        List<Sent> shipped = new ArrayList<>(badRecords());
        shipped.add(new Sent(1, write(5), "a record that came before"));
        shipped.add(new Sent(1, write(7), "a record that jumps"));
        shipped.add(new Sent(1, write(-1), "record -1"));
        shipped.add(new Sent(1, write(Long.MAX_VALUE), "the last record"));
        shipped.add(
                new Sent(
                        1,
                        batch(6, 1, record(6, 512, record -> record.setIntLE(4, 77))),
                        "a record of volume 77"));
        for (int kind : new int[] {5, 6, 7}) {
            shipped.add(new Sent(kind, zero(1, 0, 4096), "kind " + kind + " while shipping"));
        }
        expectClosed(SHIPPING, mine, shipped);
        GroupDocument copy = berlin.api().group("mine");
        assertThat(copy.role()).isEqualTo("standby");
        assertThat(copy.headSequence()).isEqualTo(5);

        expectClosed(SHIPPING, mine, badBehindRecord(6));
        assertThat(berlin.api().group("mine").headSequence()).isEqualTo(8);
        StrangeSite.Channel good = again(SHIPPING, mine);
        for (int kind : new int[] {0, 1, 7, 0xffff}) {
            good.out().message(kind, Unpooled.EMPTY_BUFFER);
            good.out().message(kind, Unpooled.buffer().writeZero(1 << 20));
        }
        assertThat(good.send(1, write(9)).acknowledged()).isEqualTo(9);
        byte[] expected = new byte[512];
        Arrays.fill(expected, (byte) 9);
        try (NbdTestClient disk = berlin.connect("mine-disk@seq:9")) {
            assertThat(disk.read(4096, 512)).isEqualTo(expected);
        }
        expectClosed(DELTA_SYNC, mine, badSynchronisation());
        StrangeSite.Channel delta = again(DELTA_SYNC, mine);
        assertThat(delta.send(7, end(9, 2_000_009, 1)).acknowledged()).isEqualTo(9);
        try (NbdTestClient disk = berlin.connect("mine-disk" + Sites.newest(berlin, "mine"))) {
            assertThat(disk.read(4096, 512)).isEqualTo(expected);
        }
    }

    // A copy that answers badly

    private static ByteBuf opened(int state, long sequence, long micros, int epoch, long floor) {
        ByteBuf body = Unpooled.buffer().writeByte(state).writeLongLE(sequence);
        return body.writeLongLE(micros).writeIntLE(epoch).writeLongLE(floor);
    }

    @Test
    void a_copy_that_answers_badly_stops_its_own_shipping_and_nothing_else() throws Exception {
        var _ = group(berlin, "shop");
        List<ByteBuf> bad = new ArrayList<>(cuts(opened(0, 1, 1, 1, 0)));
        bad.add(opened(3, 1, 1, 1, 0));
        bad.add(opened(255, 1, 1, 1, 0));
        bad.add(opened(0, -2, 1, 1, 0));
        bad.add(opened(2, Long.MIN_VALUE, 1, 1, 0));
        bad.add(opened(0, 1, -1, 1, 0));
        bad.add(opened(0, 1, 1, -1, 0));
        bad.add(opened(2, 1, 1, 1, -1));
        List<ByteBuf> left = new ArrayList<>(bad);
        strange.taker = channel -> answerNext(channel, left);
        var _ = Sites.run(berlin, "group", "protect", "shop", "--to", "strange");
        for (int i = bad.size(); i > 0; i--) {
            int after = i - 1;
            Await.until(
                    "a bad answer: " + after,
                    LIMIT,
                    () ->
                            left.size() <= after
                                    && Sites.copy(berlin, "shop").state().equals("stopped"));
            Sites.post(berlin, "/groups/shop/protections/strange/resume");
        }
        Await.until("nothing left", LIMIT, left::isEmpty);
        try (NbdTestClient disk = berlin.connect("shop-disk")) {
            disk.write(0, new byte[4096]);
            disk.flush();
        }
    }

    private static void answerNext(IncomingChannel channel, List<ByteBuf> left) {
        if (left.isEmpty()) {
            channel.refuse(NOT_NOW, "that was all");
        } else {
            StrangeSite.accept(channel, left.removeFirst(), new StrangeSite.Ignoring());
        }
    }

    @Test
    void acknowledgements_that_make_no_sense_acknowledge_nothing() throws Exception {
        var _ = group(berlin, "shop");
        strange.taker =
                channel -> {
                    ByteBuf none = opened(2, -1, 0, 0, 0);
                    InboundChannel open =
                            StrangeSite.accept(channel, none, new StrangeSite.Ignoring());
                    for (int length = 1; length < 8; length++) {
                        open.acknowledge(Unpooled.buffer().writeZero(length));
                    }
                    open.acknowledge(Unpooled.buffer().writeLongLE(Long.MIN_VALUE));
                    open.acknowledge(Unpooled.buffer().writeLongLE(Long.MAX_VALUE));
                    open.acknowledge(Unpooled.buffer().writeZero(60_000));
                    open.message(99, Unpooled.buffer().writeZero(1 << 20));
                    open.grant(Long.MAX_VALUE / 2);
                };
        var _ = Sites.run(berlin, "group", "protect", "shop", "--to", "strange");
        Await.until(
                "the answers", LIMIT, () -> !Sites.copy(berlin, "shop").state().equals("opening"));
        try (NbdTestClient disk = berlin.connect("shop-disk")) {
            disk.write(0, new byte[4096]);
            disk.flush();
        }
        assertThat(berlin.api().group("shop").role()).isEqualTo("active");
        assertThat(strange.ask(1, Unpooled.EMPTY_BUFFER)).isZero();
    }
}
