package dev.tidemark.gateway.exports;

import dev.tidemark.nbd.NbdClient;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whom connections belong to, as well as can be told: the certificate's subject, else the address
 * without its port, else (unix sockets) this machine.
 *
 * @param remote a connection may be dead without the gateway's having noticed, so while one is open
 *     its client may already be coming back; the end of a unix socket is seen at once
 */
record ClientIdentity(String name, boolean remote) {
    private static final Pattern HOST_AND_PORT = Pattern.compile("(.+):\\d{1,5}");

    static ClientIdentity of(NbdClient client) {
        String certificate = client.certificateName();
        if (certificate != null) {
            return new ClientIdentity("certificate " + certificate, true);
        }
        Matcher address = HOST_AND_PORT.matcher(client.address());
        return address.matches()
                ? new ClientIdentity("host " + address.group(1), true)
                : new ClientIdentity("local", false);
    }
}
