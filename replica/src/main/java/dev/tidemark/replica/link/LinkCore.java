package dev.tidemark.replica.link;

import dev.tidemark.execution.Causes;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.execution.Scheduler.Cancellable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A link over streams that somebody else has opened: channels, requests and heartbeats. It knows no
 * sockets and no clock but the scheduler's.
 *
 * <p>Its state is of one serial executor; what streams bring is handed over to that. Bounded: DATA
 * by credit, requests by number, what waits for the wire by {@link #ROOM_BYTES}.
 */
final class LinkCore implements Link {
    /** What a link is made of. */
    record Parts(
            LinkOptions options,
            Scheduler scheduler,
            UUID peer,
            String peerName,
            String peerVersion,
            boolean dialled,
            String address,
            List<FrameStream> streams,
            LinkUser user) {}

    /** Looks at the peer's certificate again. */
    interface Recheck {
        void run() throws PeerRefusedException;
    }

    private static final long HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** DATA that waits for the wire, of all channels: beyond it no channel has credit. */
    static final long ROOM_BYTES = 8L << 20;

    /** Frames that have come in and wait for the executor; a peer that floods is hung up on. */
    private static final long MAXIMUM_WAITING_BYTES = 256L << 20;

    /** Channels that the peer has open at the same time: one for each group, and more. */
    static final int MAXIMUM_CHANNELS = 4096;

    private static final Logger log = LoggerFactory.getLogger(LinkCore.class);

    private final Parts parts;
    private final Recheck recheck;
    private final Runnable onDown;
    private final Executor serial;
    private final Requests requests;
    private final Compression compression;
    private final Map<Integer, SendingEnd> sending = new HashMap<>();
    private final Map<Integer, ReceivingEnd> receiving = new HashMap<>();
    private final List<SendingEnd> withData = new ArrayList<>();
    private final TokenBucket limit;
    private final AtomicInteger nextChannel;
    private final AtomicInteger answering = new AtomicInteger();
    private final long sinceMicros;
    private final LongAdder sentRaw = new LongAdder();
    private final LongAdder sentWire = new LongAdder();
    private final LongAdder receivedRaw = new LongAdder();
    private final LongAdder receivedWire = new LongAdder();
    private final SendRoom room = new SendRoom();
    private final AtomicLong waitingBytes = new AtomicLong();
    private volatile long heardNanos;
    private volatile long roundTripNanos;
    private volatile boolean down;
    private volatile String downReason = "";
    private @Nullable Cancellable heartbeat;
    private int nextStream;
    private boolean waitsForLimit;

    /** DATA was left, because no stream had room or for a limit; written on the executor. */
    private volatile boolean waitsForWire;

    /**
     * @param onDown told once, on the link's executor, after its user
     */
    LinkCore(Parts parts, Recheck recheck, Runnable onDown) {
        Scheduler scheduler = parts.scheduler();
        this.parts = parts;
        this.recheck = recheck;
        this.onDown = onDown;
        this.serial = scheduler.newSerial("link " + parts.peer());
        this.compression = new Compression(scheduler::nanoTime);
        this.requests =
                new Requests(
                        scheduler,
                        serial,
                        TimeUnit.MILLISECONDS.toNanos(parts.options().requestTimeoutMs()));
        this.limit = new TokenBucket(parts.options().bytesPerSecond(), scheduler.nanoTime());
        this.nextChannel = new AtomicInteger(parts.dialled() ? 2 : 1);
        this.sinceMicros = scheduler.wallClockMicros();
        this.heardNanos = scheduler.nanoTime();
    }

    /** Everything of all channels that has been taken and is not on the wire. */
    static final class SendRoom {
        private long bytes;

        synchronized void take(long count) {
            bytes += count;
        }

        /** True when there is room again that there was not. */
        synchronized boolean give(long count) {
            boolean full = bytes >= ROOM_BYTES;
            bytes -= count;
            return full && bytes < ROOM_BYTES;
        }

        synchronized long left() {
            return ROOM_BYTES - bytes;
        }
    }

    /** Tells the user, and begins to beat. */
    void start() {
        serial.execute(() -> {
            parts.user().up(this);
            beat();
        });
    }

    boolean dialled() {
        return parts.dialled();
    }

    Executor serial() {
        return serial;
    }

    /** On the executor, as long as the link is up. */
    Compression compression() {
        return compression;
    }

    SendRoom room() {
        return room;
    }

    private void beat() {
        if (down) {
            return;
        }
        long now = parts.scheduler().nanoTime();
        if (now - heardNanos > SILENCE_NANOS) {
            end("nothing was heard of the peer for 5 s");
            return;
        }
        try {
            recheck.run();
        } catch (PeerRefusedException refused) {
            control(
                    FrameType.REFUSE,
                    0,
                    Texts.refusal(refused.refusal(), String.valueOf(refused.getMessage())));
            end(String.valueOf(refused.getMessage()));
            return;
        }
        control(FrameType.HEARTBEAT, 0, Unpooled.buffer(8).writeLongLE(now));
        heartbeat = parts.scheduler().schedule(HEARTBEAT_NANOS, () -> serial.execute(this::beat));
    }

    /** Sends a frame on the first stream. */
    void control(FrameType type, int channel, ByteBuf body) {
        put(parts.streams().getFirst(), type, false, channel, body);
    }

    private void put(
            FrameStream stream, FrameType type, boolean compressed, int channel, ByteBuf body) {
        if (down) {
            body.release();
            return;
        }
        ByteBuf frame = Frames.frame(ByteBufAllocator.DEFAULT, type, compressed, channel, body);
        sentWire.add(frame.readableBytes());
        stream.send(frame);
    }

    // What streams tell, on any thread

    /** A frame, which becomes the link's. */
    void received(Frame frame) {
        heardNanos = parts.scheduler().nanoTime();
        int bytes = Frames.HEADER_BYTES + frame.body().readableBytes();
        receivedWire.add(bytes);
        int kept = bytes + Frames.DATA_OVERHEAD_BYTES;
        boolean floods = waitingBytes.addAndGet(kept) > MAXIMUM_WAITING_BYTES;
        serial.execute(() -> {
            waitingBytes.addAndGet(-kept);
            try {
                if (floods) {
                    end("the peer sends more than this site can look at");
                }
                if (!down) {
                    take(frame);
                }
            } catch (LinkException broken) {
                end("the peer broke the protocol: " + broken.getMessage());
            } catch (IndexOutOfBoundsException cut) {
                end("the peer broke the protocol: " + frame.type() + " is cut short");
            } catch (RuntimeException failure) {
                log.error("peer={} {} failed here", parts.peer(), frame.type(), failure);
                end("this site failed on what the peer sent");
            } finally {
                frame.body().release();
            }
        });
    }

    void writable() {
        serial.execute(this::sendData);
    }

    void streamEnded(String reason) {
        serial.execute(() -> end(reason));
    }

    private void take(Frame frame) throws LinkException {
        ByteBuf body = frame.body();
        switch (frame.type()) {
            case HEARTBEAT ->
                    control(
                            FrameType.HEARTBEAT_ANSWER,
                            0,
                            Unpooled.buffer(8).writeLongLE(body.readLongLE()));
            case HEARTBEAT_ANSWER ->
                    roundTripNanos = parts.scheduler().nanoTime() - body.readLongLE();
            case REQUEST -> requested(body);
            case RESPONSE -> answered(body);
            case OPEN -> opened(frame.channel(), body);
            case OPENED -> sendingEnd(frame.channel()).opened(body);
            case DATA -> data(frame);
            case ACK -> sendingEnd(frame.channel()).acknowledged(body);
            case MESSAGE -> message(frame.channel(), body);
            case CLOSE -> closed(frame.channel(), body);
            case REFUSE -> {
                body.skipBytes(2);
                end("the peer ends it: " + Texts.read(body));
            }
            default -> throw broken(frame.type() + " on a link that is up");
        }
    }

    static LinkException broken(String what) {
        return new LinkException(LinkException.Kind.PROTOCOL, what);
    }

    /**
     * An end that this side has closed answers nothing more: what is still on its way is dropped.
     */
    private SendingEnd sendingEnd(int channel) {
        SendingEnd end = sending.get(channel);
        return end == null ? SendingEnd.gone(this) : end;
    }

    // Requests

    private void requested(ByteBuf body) {
        int id = body.readIntLE();
        int method = body.readUnsignedShortLE();
        if (answering.incrementAndGet() > Requests.MAXIMUM_OUTSTANDING) {
            answer(id, LinkException.CODE_NOT_NOW, Texts.of("too many requests at once"));
            return;
        }
        CompletableFuture<ByteBuf> result;
        try {
            result = parts.user().requested(this, method, body);
        } catch (RuntimeException failure) {
            result = CompletableFuture.failedFuture(failure);
        }
        var _ =
                result.whenCompleteAsync(
                        (told, failure) -> {
                            if (failure == null) {
                                answer(id, 0, told);
                            } else {
                                refuse(id, method, failure);
                            }
                        },
                        serial);
    }

    private void refuse(int id, int method, Throwable failure) {
        Throwable cause = Causes.of(failure);
        if (cause instanceof LinkException known && known.code() > 0) {
            answer(id, known.code(), Texts.of(String.valueOf(known.getMessage())));
        } else {
            log.error("peer={} method {} failed here", parts.peer(), method, cause);
            answer(
                    id,
                    LinkException.CODE_INTERNAL,
                    Texts.of("method " + method + " failed there; its log says why"));
        }
    }

    private void answer(int id, int status, ByteBuf body) {
        answering.decrementAndGet();
        ByteBuf head = Unpooled.buffer(6).writeIntLE(id).writeShortLE(status);
        control(FrameType.RESPONSE, 0, Unpooled.wrappedBuffer(head, body));
    }

    private void answered(ByteBuf body) {
        int id = body.readIntLE();
        int status = body.readUnsignedShortLE();
        requests.answered(id, status, body, status == 0 ? "" : Texts.read(body));
    }

    @Override
    public CompletableFuture<ByteBuf> request(int method, ByteBuf body) {
        CompletableFuture<ByteBuf> answer = new CompletableFuture<>();
        serial.execute(() -> {
            if (down || requests.isFull()) {
                body.release();
                answer.completeExceptionally(
                        down
                                ? new LinkException(LinkException.Kind.DOWN, "the link is down")
                                : new LinkException(
                                        LinkException.Kind.TOO_MANY,
                                        "too many requests wait for answers"));
                return;
            }
            ByteBuf head =
                    Unpooled.buffer(6).writeIntLE(requests.begin(answer)).writeShortLE(method);
            control(FrameType.REQUEST, 0, Unpooled.wrappedBuffer(head, body));
        });
        return answer;
    }

    // Channels

    @Override
    public CompletableFuture<OutboundChannel> open(
            int purpose, ByteBuf body, OutboundHandler handler) {
        SendingEnd end = new SendingEnd(this, nextChannel.getAndAdd(2), handler);
        serial.execute(() -> {
            if (down) {
                body.release();
                end.down("the link is down");
                return;
            }
            sending.put(end.channel(), end);
            ByteBuf head = Unpooled.buffer(2).writeShortLE(purpose);
            control(FrameType.OPEN, end.channel(), Unpooled.wrappedBuffer(head, body));
        });
        return end.opening();
    }

    private void opened(int channel, ByteBuf body) throws LinkException {
        boolean ofPeer = (channel & 1) == (parts.dialled() ? 1 : 0);
        if (channel <= 0 || !ofPeer || receiving.containsKey(channel)) {
            throw broken("channel " + channel + " is opened wrongly");
        }
        int purpose = body.readUnsignedShortLE();
        ReceivingEnd end = new ReceivingEnd(this, channel);
        if (receiving.size() >= MAXIMUM_CHANNELS) {
            end.refuse(LinkException.CODE_NOT_NOW, receiving.size() + " channels are open");
            return;
        }
        receiving.put(channel, end);
        parts.user().opened(this, end, purpose, body);
    }

    private void data(Frame frame) throws LinkException {
        ReceivingEnd end = receiving.get(frame.channel());
        if (end != null) {
            receivedRaw.add(end.data(frame));
        }
    }

    private void message(int channel, ByteBuf body) {
        int kind = body.readUnsignedShortLE();
        SendingEnd out = sending.get(channel);
        ReceivingEnd in = receiving.get(channel);
        if (out != null) {
            out.told(kind, body);
        } else if (in != null) {
            in.told(kind, body);
        }
    }

    private void closed(int channel, ByteBuf body) {
        int code = body.readUnsignedShortLE();
        String text = Texts.read(body);
        SendingEnd out = sending.remove(channel);
        ReceivingEnd in = receiving.remove(channel);
        if (out != null) {
            out.closed(code, text);
        } else if (in != null) {
            in.closed(code, text);
        }
    }

    /** An end closed by this side. On the executor. */
    void forget(int channel, int code, String reason) {
        sending.remove(channel);
        receiving.remove(channel);
        ByteBuf body = Unpooled.buffer(2).writeShortLE(code);
        Texts.write(body, reason);
        control(FrameType.CLOSE, channel, body);
    }

    // DATA

    /** A channel has DATA to send. On the executor. */
    void wantsToSend(SendingEnd end) {
        if (!withData.contains(end)) {
            withData.add(end);
        }
        sendData();
    }

    /** Each channel in turn, but for those whose limit has to be waited for. */
    private void sendData() {
        waitsForWire = false;
        int waiting = 0;
        long shortest = Long.MAX_VALUE;
        while (!down && waiting < withData.size()) {
            FrameStream stream = writableStream();
            if (stream == null) {
                compression.waits();
                waitsForWire = true;
                return;
            }
            SendingEnd end = withData.removeFirst();
            if (!end.mayGo()) {
                continue;
            }
            long now = parts.scheduler().nanoTime();
            long wait = Math.max(limit.waitNanos(now), end.limit().waitNanos(now));
            if (wait > 0) {
                withData.add(end);
                waiting++;
                shortest = Math.min(shortest, wait);
            } else {
                sendOne(end, stream, now);
                waiting = 0;
                shortest = Long.MAX_VALUE;
            }
        }
        if (shortest != Long.MAX_VALUE) {
            compression.waits();
            waitsForWire = true;
            if (!waitsForLimit) {
                waitsForLimit = true;
                var _ =
                        parts.scheduler()
                                .schedule(shortest, () -> serial.execute(this::limitPassed));
            }
        }
    }

    /** Whether what waits to be sent waits for a stream or a limit, and not for its turn. */
    boolean waitsForWire() {
        return waitsForWire;
    }

    private void limitPassed() {
        waitsForLimit = false;
        sendData();
    }

    private void sendOne(SendingEnd end, FrameStream stream, long now) {
        SendingEnd.Waiting next = end.take();
        ByteBuf raw = next.body();
        int rawBytes = raw.readableBytes();
        ByteBuf small = compression.compress(ByteBufAllocator.DEFAULT, raw);
        ByteBuf head = Unpooled.buffer(16).writeLongLE(next.number()).writeShortLE(next.kind());
        head.writeShortLE(0).writeIntLE(rawBytes);
        if (small != null) {
            raw.release();
        }
        ByteBuf body = Unpooled.wrappedBuffer(head, small == null ? raw : small);
        limit.take(body.readableBytes(), now);
        end.limit().take(body.readableBytes(), now);
        sentRaw.add(rawBytes);
        put(stream, FrameType.DATA, small != null, end.channel(), body);
        if (end.mayGo()) {
            withData.add(end);
        }
        if (room.give(rawBytes)) {
            List.copyOf(sending.values()).forEach(SendingEnd::tellIfReady);
        }
    }

    private @Nullable FrameStream writableStream() {
        List<FrameStream> streams = parts.streams();
        for (int i = 0; i < streams.size(); i++) {
            FrameStream stream = streams.get(Math.floorMod(nextStream++, streams.size()));
            if (stream.isWritable()) {
                return stream;
            }
        }
        return null;
    }

    // The end

    @Override
    public void close(String reason) {
        serial.execute(() -> end(reason));
    }

    private void end(String reason) {
        if (down) {
            return;
        }
        downReason = reason;
        down = true;
        Cancellable pending = heartbeat;
        if (pending != null) {
            pending.cancel();
        }
        parts.streams().forEach(FrameStream::close);
        requests.failAll(reason);
        List.copyOf(sending.values()).forEach(each -> each.down(reason));
        List.copyOf(receiving.values()).forEach(each -> each.down(reason));
        sending.clear();
        receiving.clear();
        withData.clear();
        compression.close();
        parts.user().down(this, reason);
        onDown.run();
    }

    @Override
    public UUID peer() {
        return parts.peer();
    }

    @Override
    public String peerName() {
        return parts.peerName();
    }

    @Override
    public String peerVersion() {
        return parts.peerVersion();
    }

    @Override
    public LinkStatus status() {
        return new LinkStatus(
                sinceMicros,
                roundTripNanos,
                sentRaw.sum(),
                sentWire.sum(),
                receivedRaw.sum(),
                receivedWire.sum(),
                parts.streams().size(),
                parts.dialled(),
                parts.address());
    }

    @Override
    public void limit(long bytesPerSecond) {
        serial.execute(() -> {
            limit.limit(bytesPerSecond, parts.scheduler().nanoTime());
            sendData();
        });
    }

    String downReason() {
        return downReason;
    }

    long nanoTime() {
        return parts.scheduler().nanoTime();
    }
}
