package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.target.Portal;
import java.net.InetSocketAddress;

/**
 * A portal that listens.
 *
 * @param address as bound, with the port the system chose
 */
public record BoundPortal(Portal portal, InetSocketAddress address) {
    /** As {@code TargetAddress} names it (RFC 7143 section 13.8). */
    String targetAddress(InetSocketAddress connectedTo) {
        String advertised = portal.advertised();
        if (advertised != null) {
            return advertised + "," + portal.group();
        }
        boolean everywhere = address.getAddress().isAnyLocalAddress();
        String host = (everywhere ? connectedTo : address).getAddress().getHostAddress();
        String literal = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return literal + ":" + address.getPort() + "," + portal.group();
    }
}
