package dev.tidemark.replica.link;

import java.net.InetSocketAddress;

/** {@code host:port} as peers give it; a host with colons stands in brackets. */
final class Addresses {
    private Addresses() {}

    /**
     * Looks the name up; may wait for that.
     *
     * @throws IllegalArgumentException when it is no address
     */
    static InetSocketAddress resolve(String address) {
        int colon = address.lastIndexOf(':');
        if (colon < 1) {
            throw new IllegalArgumentException(address + " is not HOST:PORT");
        }
        String host = address.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        int port;
        try {
            port = Integer.parseInt(address.substring(colon + 1));
        } catch (NumberFormatException wrong) {
            throw new IllegalArgumentException(address + " has no port number", wrong);
        }
        InetSocketAddress resolved = new InetSocketAddress(host, port);
        if (resolved.isUnresolved()) {
            throw new IllegalArgumentException("the name " + host + " is unknown");
        }
        return resolved;
    }
}
