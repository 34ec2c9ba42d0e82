package dev.tidemark.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;

/**
 * Where scripts in guests say how far they have come, and wait until they are told to go on: the
 * guest's {@code tell STEP} returns once the host has let the step go. Thread-safe.
 */
final class GuestSignals implements AutoCloseable {
    private final ServerSocket socket;
    private final Map<String, Socket> told = new ConcurrentHashMap<>();

    GuestSignals() throws IOException {
        socket = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().name("guest-signals").start(this::accept);
    }

    private void accept() {
        try {
            while (true) {
                Socket guest = socket.accept();
                // Not closed: that is what lets the guest go on.
                BufferedReader lines =
                        new BufferedReader(
                                new InputStreamReader(
                                        guest.getInputStream(), StandardCharsets.UTF_8));
                told.put(String.valueOf(lines.readLine()), guest);
            }
        } catch (IOException closed) {
            return;
        }
    }

    /** The shell's function {@code tell}. */
    String tools() {
        return "tell() { echo \"$1\" | nc %s %d; }%n".formatted(Guest.HOST, socket.getLocalPort());
    }

    /** Waits for a step of a guest that is running; one that has ended fails the test. */
    void await(String step, Future<?> guest, Duration limit) throws Exception {
        Await.until(
                "a guest to tell " + step,
                limit,
                () -> {
                    if (guest.isDone() && !told.containsKey(step)) {
                        throw new AssertionError(
                                "the guest ended before it told " + step + ": " + guest.get());
                    }
                    return told.containsKey(step);
                });
    }

    /** Lets the guest go on that waits with this step. */
    void letGo(String step) throws IOException {
        Socket guest = told.remove(step);
        if (guest == null) {
            throw new IllegalStateException("no guest waits with " + step);
        }
        guest.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
        for (Socket guest : told.values()) {
            guest.close();
        }
    }
}
