package dev.tidemark.harness;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A TCP proxy on loopback that keeps all bytes of both directions. Thread-safe. */
final class RecordingProxy implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final InetSocketAddress target;
    private final ByteArrayOutputStream seen = new ByteArrayOutputStream(); // has its own lock
    private final List<Socket> open = new ArrayList<>(); // guarded by this

    RecordingProxy(InetSocketAddress target) throws IOException {
        this.target = target;
        Thread.ofVirtual().start(this::accept);
    }

    String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                join(server.accept());
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    private void join(Socket client) throws IOException {
        Socket there;
        try {
            there = new Socket(target.getAddress(), target.getPort());
        } catch (IOException nobody) {
            client.close();
            return;
        }
        synchronized (this) {
            open.add(client);
            open.add(there);
        }
        Thread.ofVirtual().start(() -> copy(client, there));
        Thread.ofVirtual().start(() -> copy(there, client));
    }

    private void copy(Socket from, Socket to) {
        byte[] buffer = new byte[16 << 10];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
                seen.write(buffer, 0, count);
                out.write(buffer, 0, count);
            }
        } catch (IOException closed) {
            // One side has ended; the other follows.
        }
    }

    int bytes() {
        return seen.size();
    }

    /** Whether a text went through as it is. */
    boolean saw(String text) {
        return seen.toString(StandardCharsets.ISO_8859_1).contains(text);
    }

    @Override
    public synchronized void close() throws IOException {
        server.close();
        for (Socket socket : open) {
            socket.close();
        }
    }
}
