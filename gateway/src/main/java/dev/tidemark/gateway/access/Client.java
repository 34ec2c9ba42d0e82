package dev.tidemark.gateway.access;

import dev.tidemark.iscsi.target.Initiator;
import dev.tidemark.nbd.NbdClient;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.cert.X509Certificate;
import org.jspecify.annotations.Nullable;

/**
 * Who asks, as the rules see it, whatever the protocol.
 *
 * @param host the machine it is on; null when it came through a unix socket
 * @param encrypted the session is inside TLS
 * @param certificate what it has proven to own; null for none
 * @param initiator the iSCSI name it gives, proven by nothing; null over NBD
 * @param chapUser the CHAP name it has proven to be; null for none
 * @param mayProveMore whether it could still show who it is: by TLS, by CHAP
 */
public record Client(
        @Nullable InetAddress host,
        boolean encrypted,
        @Nullable X509Certificate certificate,
        @Nullable String initiator,
        @Nullable String chapUser,
        boolean mayProveMore) {

    static Client of(NbdClient client) {
        return new Client(
                client.host(),
                client.encrypted(),
                client.certificate(),
                null,
                null,
                !client.encrypted());
    }

    /**
     * An initiator.
     *
     * @param initiator with a numeric address
     * @param mayProveMore whether it is still to be asked for CHAP
     */
    public static Client of(Initiator initiator, boolean mayProveMore) {
        try {
            return new Client(
                    InetAddress.getByName(initiator.address()),
                    false,
                    null,
                    initiator.name(),
                    initiator.chapUser(),
                    mayProveMore);
        } catch (UnknownHostException e) {
            throw new AssertionError(initiator.address() + " is numeric", e);
        }
    }

    /** On this machine, or someone who has proven who it is. */
    boolean trustedWithoutRules() {
        InetAddress from = host;
        return from == null || from.isLoopbackAddress() || certificate != null || chapUser != null;
    }
}
