package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Whatever a peer's bodies hold, what reads them takes them or says what is wrong in the one way
 * that is told to the peer; takes no more memory than the body is worth, and keeps nothing of it.
 */
class WireBodyProperties {
    private static final int ROUNDS = 4_000;
    private static final int BYTES_PER_BYTE = 64;
    private static final int BYTES_AT_LEAST = 1 << 20;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** What they refuse with. Fields have the link's executor, which knows what it means. */
    private static final Set<String> REFUSALS =
            Set.of("MalformedMessageException", "PeerRefusedException");

    private static final Set<String> CUT_SHORT = Set.of("link.Fields", "link.Texts");

    /** Static methods that read a buffer, but none that a peer has sent. */
    private static final Set<String> NOT_FROM_THE_WIRE =
            Set.of(
                    "AttributeFormat",
                    "ImageRecord",
                    "Mark",
                    "PromotionRecord",
                    "PromotionRecord$Ended",
                    "Role$Rejoining",
                    "Role$Stretch",
                    "Role$Takeover",
                    "VolumeRecord",
                    "RecordWire",
                    "link.Compression",
                    "link.Frames",
                    "link.SendingEnd",
                    "ship.Blocks");

    private static Map<String, byte[]> valid() {
        Map<String, byte[]> bodies = new LinkedHashMap<>();
        UUID id = new UUID(1, 2);
        bodies.put("link.Fields.readText", text("a text"));
        bodies.put("link.Fields.readId", new byte[16]);
        bodies.put("link.Texts.read", text("a text"));
        ByteBuf hello = Unpooled.buffer().writeShortLE(1).writeShortLE(1).writeLongLE(0);
        hello.writeZero(32).writeByte(1).writeByte(4);
        hello.writeBytes(text("1.0")).writeBytes(text("a site"));
        bodies.put("link.Hello.decode", bytes(hello));
        ByteBuf card = Unpooled.buffer().writeZero(16).writeBytes(text("a site"));
        card.writeIntLE(300).writeZero(300).writeByte(2);
        card.writeBytes(text("one:1")).writeBytes(text("two:2")).writeZero(32);
        bodies.put("link.PairingMessages.readPaired", bytes(card.copy()));
        bodies.put(
                "link.PairingMessages.readPair",
                bytes(Unpooled.wrappedBuffer(Unpooled.buffer().writeZero(8), card)));
        bodies.put("ship.Bytes.readUuid", new byte[16]);
        bodies.put("ship.Bytes.readText", text("ä text"));
        bodies.put("ship.Bytes.readName", text("a-name"));
        bodies.put("ship.CopyReceiver.position", bytes(position(new StreamPosition(7, 8, 9))));
        ByteBuf standing = Unpooled.buffer().writeByte(0);
        standing.writeBytes(position(new StreamPosition(7, 8, 9))).writeLongLE(10);
        bodies.put("ship.CopyStanding.decode", bytes(standing));
        ByteBuf volume = Unpooled.buffer().writeIntLE(3).writeLongLE(1 << 20);
        volume.writeBytes(text("disk"));
        bodies.put("ship.GroupOffer$OfferedVolume.decode", bytes(volume.copy()));
        ByteBuf offer = Unpooled.buffer().writeLong(1).writeLong(2).writeIntLE(3).writeIntLE(4096);
        offer.writeBoolean(true).writeZero(56).writeBytes(text("group")).writeIntLE(3);
        offer.writeBytes(volume.copy()).writeBytes(volume.copy()).writeBytes(volume);
        bodies.put("ship.GroupOffer.decode", bytes(offer));
        bodies.put(
                "ship.SiteMessages$Question.decode",
                bytes(new SiteMessages.Question(id, 5).encode()));
        bodies.put(
                "ship.SiteMessages$News.decode",
                bytes(new SiteMessages.News(GroupRole.STANDBY, 5, 6, true, id).encode()));
        bodies.put("ship.SyncPeer$Question.decode", new byte[36]);
        ByteBuf ranges = Unpooled.buffer().writeIntLE(2).writeLongLE(0).writeLongLE(4096);
        bodies.put("ship.SyncPeer.ranges", bytes(ranges.writeLongLE(8192).writeLongLE(512)));
        return bodies;
    }

    private static ByteBuf position(StreamPosition at) {
        ByteBuf body = Unpooled.buffer().writeLongLE(at.sequence()).writeLongLE(at.timeMicros());
        return body.writeIntLE(at.epoch());
    }

    private static byte[] text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return bytes(Unpooled.buffer().writeShortLE(bytes.length).writeBytes(bytes));
    }

    private static byte[] bytes(ByteBuf body) {
        return ByteBufUtil.getBytes(body);
    }

    /** Static methods of this module whose first argument is a buffer and that return something. */
    private static Map<String, Method> readers() throws Exception {
        Path root =
                Path.of(
                        ProtectionGroup.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI());
        String prefix = ProtectionGroup.class.getPackageName() + ".";
        Map<String, Method> found = new LinkedHashMap<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".class")).toList()) {
                String name = root.relativize(file).toString().replace('/', '.');
                String type = name.substring(0, name.length() - ".class".length());
                if (!type.startsWith(prefix) || type.endsWith("-info")) {
                    continue;
                }
                String shown = type.substring(prefix.length());
                for (Method method : Class.forName(type).getDeclaredMethods()) {
                    if (isReader(method) && !NOT_FROM_THE_WIRE.contains(shown)) {
                        found.put(shown + "." + method.getName(), method);
                    }
                }
            }
        }
        return found;
    }

    private static boolean isReader(Method method) {
        int modifiers = method.getModifiers();
        return Modifier.isStatic(modifiers)
                && !Modifier.isPrivate(modifiers)
                && !method.isSynthetic()
                && method.getParameterCount() > 0
                && method.getParameterTypes()[0] == ByteBuf.class
                && method.getReturnType() != void.class;
    }

    @Test
    void noReaderIsForgotten() throws Exception {
        assertThat(new TreeSet<>(readers().keySet())).isEqualTo(new TreeSet<>(valid().keySet()));
    }

    @Test
    void aValidBodyIsTakenAndOneCutShortIsRefused() throws Exception {
        for (Map.Entry<String, byte[]> each : valid().entrySet()) {
            Method reader = readers().get(each.getKey());
            byte[] whole = each.getValue();
            assertThat(read(reader, each.getKey(), whole, "whole")).as(each.getKey()).isTrue();
            for (int length = 0; length < whole.length; length++) {
                String what = "cut to " + length + " bytes";
                boolean taken = read(reader, each.getKey(), Arrays.copyOf(whole, length), what);
                assertThat(taken).as("%s %s", each.getKey(), what).isFalse();
            }
        }
    }

    @Test
    void whateverABodyHoldsItIsTakenOrRefused() throws Exception {
        Map<String, Method> readers = readers();
        for (Map.Entry<String, byte[]> each : valid().entrySet()) {
            Method reader = readers.get(each.getKey());
            for (long seed = 0; seed < ROUNDS; seed++) {
                byte[] body = mutated(new Random(seed), each.getValue());
                read(reader, each.getKey(), body, "seed " + seed);
            }
        }
    }

    /** Whether it was taken; fails on everything else but a refusal. */
    private static boolean read(@Nullable Method found, String name, byte[] bytes, String what)
            throws Exception {
        Method reader = Objects.requireNonNull(found, name);
        ByteBuf body = Unpooled.wrappedBuffer(bytes);
        reader.setAccessible(true);
        long before = THREADS.getCurrentThreadAllocatedBytes();
        boolean taken = true;
        try {
            if (reader.getParameterCount() == 1) {
                reader.invoke(null, body);
            } else {
                reader.invoke(null, body, 0L);
            }
        } catch (InvocationTargetException failed) {
            taken = false;
            Throwable cause = Objects.requireNonNull(failed.getCause());
            String shown = cause.getClass().getSimpleName();
            boolean refused =
                    REFUSALS.contains(shown)
                            || (cause instanceof LinkException known
                                    && known.code() == LinkException.CODE_MALFORMED)
                            || (cause instanceof IndexOutOfBoundsException
                                    && CUT_SHORT.contains(
                                            name.substring(0, name.lastIndexOf('.'))));
            if (!refused) {
                throw new AssertionError(name + ", " + what, cause);
            }
        }
        long took = THREADS.getCurrentThreadAllocatedBytes() - before;
        assertThat(took)
                .as("%s, %s: bytes allocated for %d", name, what, bytes.length)
                .isLessThan((long) BYTES_PER_BYTE * bytes.length + BYTES_AT_LEAST);
        assertThat(body.refCnt()).as("%s, %s", name, what).isOne();
        return taken;
    }

    /** Bytes changed, numbers that mean trouble put in, cut, made longer, or nothing but noise. */
    private static byte[] mutated(Random random, byte[] valid) {
        if (random.nextInt(8) == 0) {
            byte[] noise = new byte[random.nextInt(400)];
            random.nextBytes(noise);
            return noise;
        }
        byte[] body = Arrays.copyOf(valid, valid.length + random.nextInt(3) * random.nextInt(20));
        for (int i = random.nextInt(4); i >= 0; i--) {
            int at = random.nextInt(body.length);
            switch (random.nextInt(4)) {
                case 0 -> body[at] = (byte) random.nextInt();
                case 1 -> body[at] ^= (byte) (1 << random.nextInt(8));
                case 2 ->
                        Arrays.fill(
                                body,
                                at,
                                Math.min(body.length, at + 1 + random.nextInt(8)),
                                (byte) (random.nextBoolean() ? 0xff : 0));
                default -> body[Math.min(body.length - 1, at | 3)] = (byte) 0x7f;
            }
        }
        return random.nextInt(4) == 0 ? Arrays.copyOf(body, random.nextInt(body.length + 1)) : body;
    }

    // Batches of records

    /** A batch of one record, with the checksums that it should have. */
    private static byte[] batch(
            int kind, int volume, long offset, long length, byte[] payload, int epoch) {
        int chunks = (payload.length + (16 << 10) - 1) / (16 << 10);
        ByteBuf record = Unpooled.buffer();
        record.writeByte(kind).writeByte(0).writeShortLE(0).writeIntLE(volume);
        record.writeLongLE(1).writeLongLE(1000).writeLongLE(offset).writeLongLE(length);
        record.writeIntLE(payload.length).writeIntLE(epoch).writeIntLE(0).writeIntLE(chunks);
        for (int i = 0; i < chunks; i++) {
            CRC32C crc = new CRC32C();
            crc.update(payload, i << 14, Math.min(16 << 10, payload.length - (i << 14)));
            record.writeIntLE((int) crc.getValue());
        }
        CRC32C crc = new CRC32C();
        crc.update(record.array(), 0, 48);
        crc.update(record.array(), 56, 4 * chunks);
        record.setIntLE(48, (int) crc.getValue());
        ByteBuf head = Unpooled.buffer().writeLongLE(1).writeIntLE(1);
        return bytes(Unpooled.wrappedBuffer(head, record, Unpooled.wrappedBuffer(payload)));
    }

    private static boolean readBatch(byte[] bytes, String what) {
        ByteBuf body = Unpooled.wrappedBuffer(bytes);
        long before = THREADS.getCurrentThreadAllocatedBytes();
        boolean taken = true;
        try {
            int count = RecordWire.count(body);
            RecordWire record = new RecordWire();
            for (int i = 0; i < count; i++) {
                record.decode(body);
            }
            RecordWire.requireEnd(body);
        } catch (ReplicaException refused) {
            taken = false;
            assertThat(refused.kind()).as(what).isEqualTo(ReplicaException.Kind.INVALID);
        }
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - before)
                .as(what)
                .isLessThan((long) BYTES_PER_BYTE * bytes.length + BYTES_AT_LEAST);
        assertThat(body.refCnt()).as(what).isOne();
        return taken;
    }

    @Test
    void aBatchIsTakenOnlyWhole() {
        byte[] whole = batch(1, 1, 4096, 40_000, new byte[40_000], 1);
        assertThat(readBatch(whole, "whole")).isTrue();
        for (int length = 0; length < whole.length; length += length < 200 ? 1 : 997) {
            assertThat(readBatch(Arrays.copyOf(whole, length), "cut to " + length)).isFalse();
        }
        assertThat(readBatch(Arrays.copyOf(whole, whole.length + 1), "longer")).isFalse();
        for (long seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            byte[] flipped = whole.clone();
            flipped[8 + random.nextInt(whole.length - 8)] ^= (byte) (1 << random.nextInt(8));
            assertThat(readBatch(flipped, "seed " + seed)).isFalse();
        }
    }

    @Test
    void aRecordThatIsWellSealedAndMakesNoSenseIsRefused() {
        byte[] none = new byte[0];
        byte[] some = new byte[512];
        List<byte[]> bad = new ArrayList<>();
        bad.add(batch(1, 1, -1, 512, some, 1));
        bad.add(batch(1, 1, Long.MAX_VALUE, 512, some, 1));
        bad.add(batch(1, 1, 0, 511, some, 1));
        bad.add(batch(1, 1, 0, 0, none, 1));
        bad.add(batch(1, 1, 0, 512, some, 0));
        bad.add(batch(1, 1, 0, 512, some, -1));
        bad.add(batch(1, 1, 0, 512, some, Integer.MAX_VALUE));
        bad.add(batch(2, 1, 0, 512, some, 1));
        bad.add(batch(2, 1, 0, 0, none, 1));
        bad.add(batch(0, 1, 0, 512, some, 1));
        bad.add(batch(99, 1, 0, 512, some, 1));
        for (int i = 0; i < bad.size(); i++) {
            assertThat(readBatch(bad.get(i), "number " + i)).as("number %d", i).isFalse();
        }
        byte[] negative = batch(1, 1, 0, 512, some, 1);
        negative[11] = (byte) 0x80;
        assertThat(readBatch(negative, "a negative count")).isFalse();
    }

    @Test
    void anOfferWithMoreVolumesThanThereMayBeTakesNoMemory() throws Exception {
        ByteBuf offer = Unpooled.buffer().writeZero(25).writeBytes(text("g"));
        byte[] body = bytes(offer.writeIntLE(Integer.MAX_VALUE));
        String name = "ship.GroupOffer.decode";
        assertThat(read(readers().get(name), name, body, "count")).isFalse();
    }
}
