package dev.tidemark.harness;

import java.io.IOException;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A connection through a {@link ChaosProxy}: two sockets, which it owns, and a pump each way. */
final class ChaosConnection {
    private final ChaosProxy proxy;
    private final int number;
    private final Socket client;
    private final Socket server;
    private final Consumer<ChaosConnection> onEnd;
    private final ChaosPump forth;
    private final ChaosPump back;
    private final AtomicInteger pumping = new AtomicInteger(2);
    private volatile boolean over;

    /**
     * @param way of what the client sends
     * @param onEnd called at least once when it is over
     */
    ChaosConnection(
            ChaosProxy proxy,
            int number,
            ChaosProxy.Way way,
            Socket client,
            Socket server,
            Consumer<ChaosConnection> onEnd) {
        this.proxy = proxy;
        this.number = number;
        this.client = client;
        this.server = server;
        this.onEnd = onEnd;
        forth = new ChaosPump(proxy, this, way, client, server);
        back = new ChaosPump(proxy, this, way.other(), server, client);
    }

    void start() {
        forth.start();
        back.start();
    }

    int number() {
        return number;
    }

    boolean over() {
        return over;
    }

    /** One side has closed its half, and the other has been told. */
    void halfEnded() {
        if (pumping.decrementAndGet() == 0) {
            end();
            close(client);
            close(server);
        }
    }

    /** Ends it without regard for what is on its way: both sides see a reset. */
    void reset() {
        end();
        reset(client);
        reset(server);
    }

    private void end() {
        over = true;
        onEnd.accept(this);
        forth.wake();
        back.wake();
        proxy.wake();
    }

    /** Closes so that the other side sees a reset and not an end. */
    static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
        } catch (IOException e) {
            // It is closed already.
        }
        close(socket);
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // Then it is as good as closed.
        }
    }
}
