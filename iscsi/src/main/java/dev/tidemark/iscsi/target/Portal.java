package dev.tidemark.iscsi.target;

import org.jspecify.annotations.Nullable;

/**
 * Where a target listens.
 *
 * @param host address or name to listen on
 * @param port 0 lets the system choose
 * @param group target portal group tag, 1 to 65535 (RFC 7143 §13.9)
 * @param advertised what discovery tells instead of the address, as {@code host:port}; null for the
 *     address itself
 */
public record Portal(String host, int port, int group, @Nullable String advertised) {
    /** RFC 7143 §4.2.7.5 */
    public static final int DEFAULT_PORT = 3260;

    /** Checks the ranges. */
    public Portal {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException(
                    "port " + port + " of " + host + " is not between 0 and 65535");
        }
        if (group < 1 || group > 65_535) {
            throw new IllegalArgumentException(
                    "portal group tag " + group + " is not between 1 and 65535");
        }
    }

    /** A portal of group 1 that is advertised as it is. */
    public Portal(String host, int port) {
        this(host, port, 1, null);
    }

    /** As discovery tells it: address, port, group (RFC 7143 §13.8). */
    @Override
    public String toString() {
        String address = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return address + ":" + port + "," + group;
    }
}
