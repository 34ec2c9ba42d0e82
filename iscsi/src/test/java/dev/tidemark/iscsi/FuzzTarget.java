package dev.tidemark.iscsi;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.model.MemoryBlockDevice;
import dev.tidemark.iscsi.session.ConnectionHandler;
import dev.tidemark.iscsi.session.ServerContext;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.ChapCredentials;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.IscsiMetrics;
import dev.tidemark.iscsi.target.TargetAccess;
import io.netty.buffer.ByteBuf;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * One whole connection, driven by bytes that a fuzzer chose: what an initiator sends, and how the
 * network cuts it. Whatever comes, nothing may be thrown in the pipeline, no buffer may be left,
 * the target must be given back, and no more memory may be held than the limits allow.
 *
 * <p>An input begins with a byte: {@link #LOGGED_IN}, {@link #COMMANDS}, and the number of cuts, at
 * most {@value #MAXIMUM_CUTS}. One byte for each cut follows: the length of a piece, 0 for 256. The
 * rest is what the initiator sends, as bytes of the wire or as {@link FuzzWire#commands}; what the
 * cuts leave comes in one piece.
 */
public final class FuzzTarget {
    static final int MAXIMUM_CUTS = 15;

    /** The login is not the input's: the session is there when its bytes come. */
    static final int LOGGED_IN = 0x80;

    /** The input holds commands, which reach the unit whatever the fuzzer makes of them. */
    static final int COMMANDS = 0x40;

    static final int DISK_BYTES = 1 << 16;

    /** A target of two disks, and one that asks for CHAP. */
    static final String OPEN = "d";

    static final String GUARDED = "c";

    /** Largest read or write. */
    private static final int REQUEST_BYTES = 16 << 10;

    private static final int WINDOW = 16;
    private static final int IN_FLIGHT_BYTES = 64 << 10;
    private static final int OUTBOUND_BYTES = 64 << 10;

    /** A segment and a burst may each be as long. */
    static final int SEGMENT_BYTES = 16 << 10;

    /**
     * What a connection may hold beside its input: commands in flight, one more that is let through
     * and may copy or compare, answers not taken, and a segment that is being received.
     */
    static final int BOUND_BYTES =
            IN_FLIGHT_BYTES + 4 * REQUEST_BYTES + 2 * OUTBOUND_BYTES + 2 * SEGMENT_BYTES;

    private static final IscsiLimits LIMITS =
            new IscsiLimits(
                    60_000,
                    4,
                    4,
                    4,
                    4,
                    WINDOW,
                    IN_FLIGHT_BYTES,
                    OUTBOUND_BYTES,
                    SEGMENT_BYTES,
                    SEGMENT_BYTES,
                    SEGMENT_BYTES,
                    4,
                    0,
                    1);

    private static final ListAppender<ILoggingEvent> COMPLAINTS = complaints();

    private FuzzTarget() {}

    /** A channel that has the addresses of a real one. */
    private static final class Wire extends EmbeddedChannel {
        @Override
        protected SocketAddress localAddress0() {
            return new InetSocketAddress(InetAddress.getLoopbackAddress(), 3260);
        }

        @Override
        protected SocketAddress remoteAddress0() {
            return new InetSocketAddress(InetAddress.getLoopbackAddress(), 50_000);
        }
    }

    /** Called by the fuzzer for each input. */
    public static void fuzzerTestOneInput(byte[] input) {
        FuzzAllocator allocator = new FuzzAllocator();
        TestCatalog catalog = catalog(allocator);
        ServerContext server =
                new ServerContext(catalog, LIMITS, IscsiMetrics.NONE, new TestServer.MemoryStore());
        Wire channel = new Wire();
        channel.config().setAllocator(allocator);
        channel.pipeline().addLast(new ConnectionHandler(server, 1));
        channel.pipeline().fireChannelActive();
        send(channel, input, allocator);
        channel.finishAndReleaseAll();
        channel.runPendingTasks();
        check(catalog, allocator, input.length);
    }

    private static TestCatalog catalog(FuzzAllocator allocator) {
        Authentication chap =
                new Authentication(List.of(new ChapCredentials("host", "secret-of-host")), null);
        return new TestCatalog()
                .add(OPEN, 0, TestCatalog.unit("0", 512, true), disk(allocator))
                .add(OPEN, 1, TestCatalog.unit("1", 4096, false), disk(allocator))
                .add(GUARDED, disk(allocator))
                .answer(GUARDED, new TargetAccess.Allowed(chap));
    }

    private static BlockDevice disk(FuzzAllocator allocator) {
        return new MemoryBlockDevice(
                new Geometry(DISK_BYTES, 1, 4096, REQUEST_BYTES), Features.LIVE, allocator);
    }

    private static void send(EmbeddedChannel channel, byte[] input, FuzzAllocator allocator) {
        int mode = input.length == 0 ? 0 : input[0];
        int cuts = input.length == 0 ? 0 : Math.min(mode & MAXIMUM_CUTS, input.length - 1);
        byte[] rest = Arrays.copyOfRange(input, Math.min(input.length, 1 + cuts), input.length);
        boolean commands = (mode & COMMANDS) != 0;
        if (commands || (mode & LOGGED_IN) != 0) {
            byte[] login = FuzzWire.login();
            write(channel, login, 0, login.length, allocator);
        }
        byte[] wire = commands ? FuzzWire.commands(rest) : rest;
        int at = 0;
        for (int cut = 0; cut < cuts && channel.isOpen(); cut++) {
            int piece = input[1 + cut] == 0 ? 256 : input[1 + cut] & 0xff;
            int end = Math.min(wire.length, at + piece);
            write(channel, wire, at, end, allocator);
            at = end;
        }
        if (channel.isOpen()) {
            write(channel, wire, at, wire.length, allocator);
        }
    }

    /** What the server sends is taken at once. */
    private static void write(
            EmbeddedChannel channel, byte[] bytes, int from, int to, FuzzAllocator allocator) {
        channel.writeInbound(allocator.directBuffer(to - from).writeBytes(bytes, from, to - from));
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
        if (catalog.open.get() != 0) {
            throw new AssertionError(catalog.open + " targets are still open");
        }
        if (allocator.heldBytes() != 0) {
            throw new AssertionError(allocator.heldBytes() + " bytes were not given back");
        }
        long boundBytes = BOUND_BYTES + 2L * inputBytes;
        if (allocator.peakBytes() > boundBytes + FuzzWire.MAXIMUM_MADE_BYTES) {
            throw new AssertionError(
                    "%d bytes were held, the bound is %d and twice the input of %d"
                            .formatted(allocator.peakBytes(), BOUND_BYTES, inputBytes));
        }
    }

    /** A handler that catches what was thrown in the pipeline says so at this level. */
    private static ListAppender<ILoggingEvent> complaints() {
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        Logger logger = (Logger) LoggerFactory.getLogger("dev.tidemark.iscsi");
        logger.setLevel(Level.WARN);
        logger.setAdditive(false);
        logger.addAppender(appender);
        return appender;
    }
}
