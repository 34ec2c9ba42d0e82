package dev.tidemark.nbd;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import io.netty.buffer.ByteBuf;
import io.netty.channel.embedded.EmbeddedChannel;
import org.slf4j.LoggerFactory;

/**
 * One whole connection, driven by bytes that a fuzzer chose: what a client sends, and how the
 * network cuts it. Whatever comes, nothing may be thrown in the pipeline, no buffer may be left,
 * the export must be given back, and no more memory may be held than the limits allow.
 *
 * <p>An input begins with the number of cuts, at most {@value #MAXIMUM_CUTS}, and one byte for
 * each: the length of a piece, 0 for 256. The client's bytes follow; what the cuts leave comes in
 * one piece.
 */
public final class FuzzTarget {
    static final int MAXIMUM_CUTS = 15;
    static final int DISK_BYTES = 1 << 16;
    static final String EXPORT = "d";

    /** A metadata context with numbers of 64 bits. */
    static final String WIDE = "x-fuzz:wide";

    /** Largest read or write. */
    private static final int REQUEST_BYTES = 16 << 10;

    private static final int IN_FLIGHT_BYTES = 64 << 10;
    private static final int OUTBOUND_BYTES = 64 << 10;

    /**
     * What a connection may hold beside its input: requests in flight, one more that is being
     * received or is let through, replies not taken, an option, and the small change of headers.
     */
    static final int BOUND_BYTES =
            IN_FLIGHT_BYTES + 2 * REQUEST_BYTES + 2 * OUTBOUND_BYTES + (64 << 10);

    private static final NbdLimits LIMITS =
            new NbdLimits(60_000, 64, 64, IN_FLIGHT_BYTES, OUTBOUND_BYTES);

    private static final ListAppender<ILoggingEvent> COMPLAINTS = complaints();

    private FuzzTarget() {}

    /** Called by the fuzzer for each input. */
    public static void fuzzerTestOneInput(byte[] input) {
        FuzzAllocator allocator = new FuzzAllocator();
        TestCatalog catalog =
                new TestCatalog()
                        .add(
                                EXPORT,
                                new MemoryBlockDevice(
                                        new Geometry(DISK_BYTES, 1, 4096, REQUEST_BYTES),
                                        Features.LIVE,
                                        allocator))
                        .addContext(
                                WIDE,
                                true,
                                (offset, length, count, done) ->
                                        done.succeeded(
                                                RangeStatus.uniform(offset, length, 1L << 40)));
        NbdService service = new NbdService(catalog, LIMITS, NbdMetrics.NONE);
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.config().setAllocator(allocator);
        channel.pipeline().addLast("handshake", new HandshakeHandler(service));
        channel.pipeline().fireChannelActive();
        send(channel, input, allocator);
        channel.finishAndReleaseAll();
        check(catalog, allocator, input.length);
    }

    private static void send(EmbeddedChannel channel, byte[] input, FuzzAllocator allocator) {
        int cuts = input.length == 0 ? 0 : Math.min(input[0] & MAXIMUM_CUTS, input.length - 1);
        int at = Math.min(input.length, 1 + cuts);
        for (int cut = 0; cut < cuts && channel.isOpen(); cut++) {
            int piece = input[1 + cut] == 0 ? 256 : input[1 + cut] & 0xff;
            int end = Math.min(input.length, at + piece);
            write(channel, input, at, end, allocator);
            at = end;
        }
        if (channel.isOpen()) {
            write(channel, input, at, input.length, allocator);
        }
    }

    /** What the server sends is taken at once. */
    private static void write(
            EmbeddedChannel channel, byte[] input, int from, int to, FuzzAllocator allocator) {
        channel.writeInbound(allocator.directBuffer(to - from).writeBytes(input, from, to - from));
        channel.runPendingTasks();
        for (ByteBuf sent = channel.readOutbound(); sent != null; sent = channel.readOutbound()) {
            sent.release();
        }
    }

    private static void check(TestCatalog catalog, FuzzAllocator allocator, int inputBytes) {
        if (!COMPLAINTS.list.isEmpty()) {
            ILoggingEvent first = COMPLAINTS.list.getFirst();
            COMPLAINTS.list.clear();
            throw new AssertionError(
                    "logged: " + first.getFormattedMessage() + ": " + first.getThrowableProxy());
        }
        if (catalog.openContexts.get() != 0) {
            throw new AssertionError(catalog.openContexts + " contexts are still open");
        }
        if (catalog.open.get() != 0) {
            throw new AssertionError(catalog.open + " exports are still open");
        }
        if (allocator.heldBytes() != 0) {
            throw new AssertionError(allocator.heldBytes() + " bytes were not given back");
        }
        if (allocator.peakBytes() > BOUND_BYTES + 2L * inputBytes) {
            throw new AssertionError(
                    allocator.peakBytes()
                            + " bytes were held, the bound is "
                            + BOUND_BYTES
                            + " and twice the input of "
                            + inputBytes);
        }
    }

    /** A handler that catches what was thrown in the pipeline says so at this level. */
    private static ListAppender<ILoggingEvent> complaints() {
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        Logger logger = (Logger) LoggerFactory.getLogger("dev.tidemark.nbd");
        logger.setLevel(Level.WARN);
        logger.setAdditive(false);
        logger.addAppender(appender);
        return appender;
    }
}
