package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Writes numbered tokens to several disks in turns, each once the one before is acknowledged. At
 * any point of time at which the disks are consistent with each other, they hold the newest tokens
 * from 1 to some number and no other. One thread writes; the methods are for any.
 *
 * <p>Token n lies on disk n % disks, in slot n / disks of a ring at its beginning: the number and
 * the number's complement, each a 64-bit word, again and again.
 */
final class TokenChain implements AutoCloseable {
    /**
     * The part of each disk that holds its tokens and that nobody else writes.
     *
     * @param slots after which the first is written again
     */
    record Ring(int slots, int slotBytes) {
        /** Much time goes by before a token is overwritten. */
        static final Ring LONG = new Ring(16 << 10, 256);

        /** Tokens are overwritten all the time. */
        static final Ring SHORT = new Ring(64, 4096);

        int bytes() {
            return slots * slotBytes;
        }

        private int place(long token, int disks) {
            return (int) (token % disks * slots + token / disks % slots);
        }

        private byte[] content(long token) {
            ByteBuffer content = ByteBuffer.allocate(slotBytes);
            while (content.hasRemaining()) {
                content.putLong(token).putLong(~token);
            }
            return content.array();
        }

        /**
         * Returns the last token, 0 for none; fails if one before it is missing, or something else
         * is there.
         *
         * @param areas the beginnings of all disks at the same point
         */
        long last(String point, List<byte[]> areas) {
            long[] found = new long[areas.size() * slots];
            long last = 0;
            for (int place = 0; place < found.length; place++) {
                found[place] = token(point, areas.get(place / slots), place);
                last = Math.max(last, found[place]);
            }
            long[] expected = new long[found.length];
            for (long token = Math.max(1, last - found.length + 1); token <= last; token++) {
                expected[place(token, areas.size())] = token;
            }
            for (int place = 0; place < found.length; place++) {
                if (found[place] != expected[place]) {
                    throw wrong(
                            point,
                            place,
                            "has token %d and not %d; the last is %d"
                                    .formatted(found[place], expected[place], last));
                }
            }
            return last;
        }

        private long token(String point, byte[] area, int place) {
            ByteBuffer slot = ByteBuffer.wrap(area, place % slots * slotBytes, slotBytes);
            long token = slot.getLong(slot.position());
            byte[] whole = token == 0 ? new byte[slotBytes] : content(token);
            int torn = slot.mismatch(ByteBuffer.wrap(whole));
            if (torn != -1) {
                throw wrong(point, place, "is not whole from byte %d on".formatted(torn));
            }
            return token;
        }

        private AssertionError wrong(String point, int place, String what) {
            return new AssertionError(
                    "%s: slot %d of disk %d %s"
                            .formatted(point, place % slots, place / slots, what));
        }

        /** The same, of exports. */
        long last(GatewayProcess gateway, List<String> exports) throws IOException {
            List<byte[]> areas = new ArrayList<>();
            for (String export : exports) {
                try (NbdTestClient client = gateway.connect(export)) {
                    areas.add(read(client, 0, bytes()));
                }
            }
            return last(exports.toString(), areas);
        }
    }

    /** Random blocks between the tokens, on a disk of their own; no check knows them. */
    record Noise(String disk, int diskBytes, Random random) {
        private static final int WRITE_BYTES = 128 << 10;

        private void write(NbdTestClient client) throws IOException {
            byte[] noise = new byte[WRITE_BYTES];
            random.nextBytes(noise);
            client.write((long) random.nextInt(diskBytes / WRITE_BYTES) * WRITE_BYTES, noise);
        }
    }

    private static final int READ_BYTES = 1 << 20;
    private static final Duration PAUSE = Duration.ofMillis(4);

    private final GatewayProcess gateway;
    private final List<String> disks;
    private final Ring ring;
    private final @Nullable Noise noise;
    private final FutureTask<?> writing = new FutureTask<>(this::write);
    private final Thread thread;
    private volatile boolean stopped;
    private volatile long acknowledged;

    /** Writes from token 1 on at a pace that leaves room for others. */
    TokenChain(GatewayProcess gateway, List<String> disks) {
        this(gateway, disks, Ring.LONG, 0, null);
    }

    /** Writes what comes after {@code first}, with noise as fast as it is acknowledged. */
    TokenChain(
            GatewayProcess gateway,
            List<String> disks,
            Ring ring,
            long first,
            @Nullable Noise noise) {
        this.gateway = gateway;
        this.disks = List.copyOf(disks);
        this.ring = ring;
        this.noise = noise;
        acknowledged = first;
        thread = Thread.ofPlatform().daemon().name("tokens").start(writing);
    }

    private @Nullable Void write() throws IOException {
        List<NbdTestClient> clients = new ArrayList<>();
        try {
            for (String disk : disks) {
                clients.add(gateway.connect(disk));
            }
            if (noise != null) {
                clients.add(gateway.connect(noise.disk));
            }
            while (!stopped) {
                writeNext(clients);
            }
        } finally {
            for (NbdTestClient client : clients) {
                client.close();
            }
        }
        return null;
    }

    private void writeNext(List<NbdTestClient> clients) throws IOException {
        long token = acknowledged + 1;
        long offsetBytes = (long) ring.place(token, disks.size()) % ring.slots * ring.slotBytes;
        try {
            clients.get((int) (token % disks.size())).write(offsetBytes, ring.content(token));
        } catch (IOException e) {
            throw new IOException("token " + token + " is not written", e);
        }
        acknowledged = token;
        if (noise == null) {
            LockSupport.parkNanos(PAUSE.toNanos());
        } else if (token % 4 == 0) {
            noise.write(clients.getLast());
        }
    }

    /** All tokens up to this one are acknowledged. */
    long acknowledged() {
        return acknowledged;
    }

    /** Ends when a write has failed, and says which; or when there was no gateway at all. */
    Future<?> writing() {
        return writing;
    }

    /** Waits until so many more are acknowledged than now. */
    void awaitMore(int count) throws Exception {
        long goal = acknowledged + count;
        Await.until(
                count + " more tokens on " + disks,
                Sites.LIMIT,
                () -> acknowledged >= goal || writing.isDone());
        if (writing.isDone()) {
            throw new AssertionError("nobody writes to %s: %s".formatted(disks, writing));
        }
    }

    /**
     * Waits for the write in flight, and begins no other; returns the last that is acknowledged.
     */
    long stop() throws InterruptedException {
        stopped = true;
        assertThat(thread.join(Sites.LIMIT)).as("the write of a token has an end").isTrue();
        return acknowledged;
    }

    /** A part of a disk of whole MiB or less than one. */
    static byte[] read(NbdTestClient client, long offsetBytes, int lengthBytes) throws IOException {
        ByteBuffer content = ByteBuffer.allocate(lengthBytes);
        while (content.hasRemaining()) {
            content.put(
                    client.read(
                            offsetBytes + content.position(),
                            Math.min(READ_BYTES, content.remaining())));
        }
        return content.array();
    }

    @Override
    public void close() {
        stopped = true;
    }
}
