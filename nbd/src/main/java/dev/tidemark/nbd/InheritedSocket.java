package dev.tidemark.nbd;

import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** What a socket that the process was started with is. Numbers of socket(7) on Linux. */
final class InheritedSocket {
    private static final int SOL_SOCKET = 1;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_DOMAIN = 39;
    private static final int AF_UNIX = 1;

    private InheritedSocket() {}

    static boolean isUnix(int descriptor) {
        try {
            return option(descriptor, SO_DOMAIN) == AF_UNIX;
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "descriptor " + descriptor + " is no socket: " + e.getMessage(), e);
        }
    }

    /** Refuses a descriptor that is closed, no socket, or does not listen. */
    static void requireListening(ListenAddress.Inherited address) throws NbdServerException {
        try {
            if (option(address.descriptor(), SO_ACCEPTCONN) == 0) {
                throw new NbdServerException(address + " does not listen", null);
            }
        } catch (IOException e) {
            throw new NbdServerException(address + " is no socket: " + e.getMessage(), e);
        }
    }

    private static int option(int descriptor, int option) throws IOException {
        return new Socket(descriptor).getIntOpt(SOL_SOCKET, option);
    }

    /** Where it listens, as if this server had bound it. */
    static ListenAddress address(ListenAddress.Inherited inherited) {
        Socket socket = new Socket(inherited.descriptor());
        if (!isUnix(inherited.descriptor())) {
            InetSocketAddress inet = socket.localAddress();
            return new ListenAddress.Tcp(inet.getAddress().getHostAddress(), inet.getPort());
        }
        return new ListenAddress.Unix(
                Path.of(socket.localDomainSocketAddress().path()), ListenAddress.Unix.PRIVATE);
    }
}
