package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * A stream of a paired site whose frames a test writes itself. What comes is read by a thread of
 * its own, and counted.
 */
final class RawStream implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 16;

    private final SSLSocket socket;
    private final OutputStream out;
    private final Map<FrameType, Integer> came = new EnumMap<>(FrameType.class); // guarded by it
    private volatile boolean reads = true;

    RawStream(TestSite site, int port, String protocol) throws Exception {
        socket = connect(site, port, protocol);
        out = new BufferedOutputStream(socket.getOutputStream(), BUFFER_BYTES);
        var _ = Thread.ofPlatform().daemon().name("raw stream").start(this::read);
    }

    private static final class Trusting implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    /** A connection with a site's certificate that trusts whoever answers. */
    static SSLSocket connect(TestSite site, int port, String protocol) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry(
                "site",
                site.identity().key(),
                new char[0],
                site.identity().chain().toArray(X509Certificate[]::new));
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, new char[0]);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys.getKeyManagers(), new TrustManager[] {new Trusting()}, null);
        SSLSocket socket =
                (SSLSocket)
                        context.getSocketFactory()
                                .createSocket(InetAddress.getLoopbackAddress(), port);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {protocol});
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    private void read() {
        try {
            InputStream in = socket.getInputStream();
            while (reads) {
                byte[] header = in.readNBytes(Frames.HEADER_BYTES);
                if (header.length < Frames.HEADER_BYTES) {
                    return;
                }
                ByteBuffer head = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
                FrameType type = FrameType.of(head.get(4));
                in.skipNBytes(head.getInt(8));
                synchronized (came) {
                    if (type != null) {
                        came.merge(type, 1, Integer::sum);
                    }
                }
            }
        } catch (IOException hungUp) {
            // The test sees it at the other side.
        }
    }

    /** Leaves what comes in the socket, but for one frame more. */
    void stopReading() {
        reads = false;
    }

    /** Waits until so many frames of a type have come; returns how many. */
    int await(FrameType type, int count) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            synchronized (came) {
                int now = came.getOrDefault(type, 0);
                if (now >= count) {
                    return now;
                }
            }
            assertThat(System.nanoTime()).as("%s", type).isLessThan(end);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    /** Sends a frame at once; the body becomes part of it. */
    void write(FrameType type, int channel, ByteBuf body) throws IOException {
        put(type, channel, body);
        flush();
    }

    /** Sends a frame some time. */
    void put(FrameType type, int channel, ByteBuf body) throws IOException {
        ByteBuf frame = Frames.frame(ByteBufAllocator.DEFAULT, type, false, channel, body);
        try {
            frame.readBytes(out, frame.readableBytes());
        } finally {
            frame.release();
        }
    }

    void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
