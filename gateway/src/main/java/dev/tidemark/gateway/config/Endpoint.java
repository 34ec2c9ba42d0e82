package dev.tidemark.gateway.config;

import dev.tidemark.gateway.problem.ProblemException;
import java.net.InetSocketAddress;

/**
 * An address to listen on, as configured: {@code 127.0.0.1:10809}, {@code [::1]:10809}, {@code
 * localhost:0}.
 *
 * @param host without brackets
 * @param port 0 lets the system choose
 */
public record Endpoint(String host, int port) {
    /** Reads {@code host:port}. */
    public static Endpoint parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon <= 0) {
            throw refuse(text);
        }
        String host = text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (!bracketed && host.indexOf(':') >= 0) {
            throw refuse(text);
        }
        return new Endpoint(
                bracketed ? host.substring(1, host.length() - 1) : host, port(text, colon));
    }

    private static int port(String text, int colon) {
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (port >= 0 && port <= 65535) {
                return port;
            }
        } catch (NumberFormatException e) {
            // Falls through to the refusal.
        }
        throw refuse(text);
    }

    private static ProblemException refuse(String text) {
        return ProblemException.invalid(
                "not an address to listen on",
                text,
                "host:port with a port from 0 to 65535; IPv6 in brackets",
                "write for example 127.0.0.1:10809 or [::1]:10809");
    }

    public InetSocketAddress address() {
        return new InetSocketAddress(host, port);
    }

    /** Whether only this machine can reach it; an unknown host counts as remote. */
    public boolean loopback() {
        InetSocketAddress address = address();
        return !address.isUnresolved() && address.getAddress().isLoopbackAddress();
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
