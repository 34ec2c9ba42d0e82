package dev.tidemark.gateway.exports;

import dev.tidemark.nbd.NbdClient;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Whom connections belong to, as well as can be told: an initiator's iSCSI name; over NBD the
 * certificate's subject, else the address without its port, else (unix sockets) this machine.
 *
 * @param remote a connection may be dead without the gateway's having noticed, so while one is open
 *     its client may already be coming back; the end of a unix socket is seen at once
 */
public record ClientIdentity(String name, boolean remote) {
    private static final Pattern HOST_AND_PORT = Pattern.compile("(.+):\\d{1,5}");

    static ClientIdentity of(NbdClient client) {
        return of(client.address(), client.certificateName());
    }

    /** Someone who connects over iSCSI. */
    public static ClientIdentity ofInitiator(String iscsiName) {
        return new ClientIdentity("initiator " + iscsiName, true);
    }

    static ClientIdentity of(String address, @Nullable String certificate) {
        if (certificate != null) {
            return new ClientIdentity("certificate " + certificate, true);
        }
        Matcher parts = HOST_AND_PORT.matcher(address);
        return parts.matches()
                ? new ClientIdentity("host " + parts.group(1), true)
                : new ClientIdentity("local", false);
    }
}
