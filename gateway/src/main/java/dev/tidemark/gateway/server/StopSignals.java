package dev.tidemark.gateway.server;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Waits for SIGTERM or SIGINT. The first asks for a clean stop, and the process then ends with exit
 * code 0; the second ends it at once, as a crash would.
 */
public final class StopSignals implements AutoCloseable {
    private static final int ENDED_BY_SIGNAL = 130;

    private final CountDownLatch asked = new CountDownLatch(1);

    private StopSignals() {}

    /**
     * Takes both signals over for the rest of the process's life. By reflection, since the JDK's
     * only interface to signals is one that the compiler warns of without a way to silence it; a
     * shutdown hook would not do: it cannot see a second signal, nor choose the exit code.
     */
    public static StopSignals install() {
        StopSignals signals = new StopSignals();
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object raised =
                    Proxy.newProxyInstance(
                            StopSignals.class.getClassLoader(),
                            new Class<?>[] {handler},
                            (proxy, method, arguments) -> signals.called(proxy, method, arguments));
            for (String name : new String[] {"TERM", "INT"}) {
                Object named = signal.getConstructor(String.class).newInstance(name);
                signal.getMethod("handle", signal, handler).invoke(null, named, raised);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this Java cannot handle signals", e);
        }
        return signals;
    }

    private @Nullable Object called(Object proxy, Method method, Object @Nullable [] arguments) {
        return switch (method.getName()) {
            case "handle" -> {
                raised();
                yield null;
            }
            case "hashCode" -> System.identityHashCode(this);
            case "equals" ->
                    arguments != null
                            && System.identityHashCode(proxy)
                                    == System.identityHashCode(arguments[0]);
            default -> "StopSignals";
        };
    }

    /** A signal came. */
    void raised() {
        if (asked.getCount() == 0) {
            Runtime.getRuntime().halt(ENDED_BY_SIGNAL);
        }
        asked.countDown();
    }

    /** Asks for a clean stop without a signal. */
    public void stop() {
        asked.countDown();
    }

    public void await() throws InterruptedException {
        asked.await();
    }

    @Override
    public void close() {
        asked.countDown();
    }
}
