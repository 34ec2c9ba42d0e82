package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * What a disk holds, made by a seed: log lines, pages of a database, zeros and noise that is
 * compressed already, by 30, 35, 10 and 25 of a hundred bytes. They lie in extents of 16 KiB to 4
 * MiB, each length as likely as any other on a logarithmic scale, so that some bodies are of one
 * kind and some of several. It is cut into bodies of 1 MiB, as the records of a busy disk and the
 * regions of a synchronisation are.
 */
final class MixedCorpus implements AutoCloseable {
    static final int BODY_BYTES = 1 << 20;
    private static final int PAGE_BYTES = 8 << 10;
    private static final int SMALLEST_EXTENT_BYTES = 16 << 10;
    private static final int EXTENT_DOUBLINGS = 8;
    private static final int WORDS = 20_000;

    private enum Kind {
        TEXT(30),
        DATABASE(35),
        ZEROS(10),
        NOISE(25);

        final int share;

        Kind(int share) {
            this.share = share;
        }
    }

    private final Random random;
    private final byte[][] words = new byte[WORDS][];
    private final Map<Kind, Long> bytesOfKind = new EnumMap<>(Kind.class);
    private final List<ByteBuf> bodies = new ArrayList<>();
    private long clock = 1_700_000_000_000L;
    private int row;

    MixedCorpus(long seed, int bodyCount) {
        random = new Random(seed);
        for (int i = 0; i < WORDS; i++) {
            words[i] = word();
        }
        byte[] all = new byte[bodyCount * BODY_BYTES];
        for (int at = 0; at < all.length; ) {
            at = extent(all, at);
        }
        for (int i = 0; i < bodyCount; i++) {
            ByteBuf body = PooledByteBufAllocator.DEFAULT.directBuffer(BODY_BYTES, BODY_BYTES);
            bodies.add(body.writeBytes(all, i * BODY_BYTES, BODY_BYTES));
        }
    }

    /** Lent; whoever sends one retains it. */
    List<ByteBuf> bodies() {
        return bodies;
    }

    private byte[] word() {
        byte[] word = new byte[2 + random.nextInt(5) + random.nextInt(5)];
        for (int i = 0; i < word.length; i++) {
            word[i] = (byte) "etaoinshrdlucmfwypvbgkqjxz".charAt((int) (26 * square()));
        }
        return word;
    }

    /** From 0 to 1, small ones more often. */
    private double square() {
        double value = random.nextDouble();
        return value * value;
    }

    /** Few words are frequent, most are rare. */
    private byte[] anyWord() {
        return words[(int) (Math.pow(WORDS, random.nextDouble()) - 1)];
    }

    private int extent(byte[] all, int at) {
        double doublings = EXTENT_DOUBLINGS * random.nextDouble();
        int pages = (int) (SMALLEST_EXTENT_BYTES * Math.pow(2, doublings)) / PAGE_BYTES;
        int end = (int) Math.min(all.length, at + (long) pages * PAGE_BYTES);
        Kind kind = nextKind();
        bytesOfKind.merge(kind, (long) (end - at), Long::sum);
        switch (kind) {
            case TEXT -> text(all, at, end);
            case DATABASE -> {
                for (int page = at; page < end; page += PAGE_BYTES) {
                    databasePage(all, page);
                }
            }
            case ZEROS -> {
                // As it is.
            }
            case NOISE -> {
                byte[] noise = new byte[end - at];
                random.nextBytes(noise);
                System.arraycopy(noise, 0, all, at, noise.length);
            }
        }
        return end;
    }

    /** The kind that is the furthest behind its share, or by chance another. */
    private Kind nextKind() {
        Kind furthest = Kind.TEXT;
        double least = Double.MAX_VALUE;
        for (Kind kind : Kind.values()) {
            double filled =
                    bytesOfKind.getOrDefault(kind, 0L) * (0.5 + random.nextDouble()) / kind.share;
            if (filled < least) {
                least = filled;
                furthest = kind;
            }
        }
        return furthest;
    }

    private void text(byte[] all, int from, int end) {
        int at = from;
        while (at < end) {
            clock += random.nextInt(2000);
            at = put(all, at, end, bytes(String.format(Locale.ROOT, "%d INFO ", clock)));
            int count = 4 + random.nextInt(16);
            for (int i = 0; i < count; i++) {
                at = put(all, at, end, anyWord());
                at = put(all, at, end, bytes(random.nextInt(8) == 0 ? "=" : " "));
                if (random.nextInt(10) == 0) {
                    at = put(all, at, end, bytes(Integer.toString(random.nextInt(100_000))));
                }
            }
            at = put(all, at, end, bytes("\n"));
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static int put(byte[] all, int at, int end, byte[] what) {
        int length = Math.min(what.length, end - at);
        System.arraycopy(what, 0, all, at, length);
        return at + length;
    }

    /** A header, rows from the end on, their places from the beginning on, free space between. */
    private void databasePage(byte[] all, int page) {
        ByteBuffer out =
                ByteBuffer.wrap(all, page, PAGE_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(clock).putInt(random.nextInt()).putShort((short) 4).putShort((short) 0);
        int top = PAGE_BYTES;
        int filled = PAGE_BYTES * (60 + random.nextInt(40)) / 100;
        while (PAGE_BYTES - top + out.position() < filled) {
            byte[] row = row();
            top -= row.length;
            if (top < out.position() + 4) {
                break;
            }
            out.putShort((short) top).putShort((short) row.length);
            out.put(top, row);
        }
    }

    /** A row: a key, times, amounts, a name, and now and then a hash. */
    private byte[] row() {
        row++;
        clock += random.nextInt(50);
        ByteBuffer out = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(row).putShort((short) 7).putShort((short) 0x0902);
        out.putLong(clock).putLong(clock - random.nextInt(1 << 20));
        out.putInt(random.nextInt(1_000_000)).putInt(random.nextInt(500)).putInt(0);
        for (int i = 0; i < 4; i++) {
            out.put(anyWord()).put((byte) ' ');
        }
        if (random.nextInt(4) == 0) {
            out.putLong(random.nextLong()).putLong(random.nextLong());
        }
        out.put(new byte[-out.position() & 7]);
        byte[] row = new byte[out.position()];
        out.get(0, row);
        return row;
    }

    @Override
    public void close() {
        bodies.forEach(ByteBuf::release);
    }
}
