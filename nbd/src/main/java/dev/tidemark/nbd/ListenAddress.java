package dev.tidemark.nbd;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/** Where the server waits for clients. */
public sealed interface ListenAddress {

    /**
     * A TCP port.
     *
     * @param host a name or an address; {@code 0.0.0.0} for all
     * @param port 0 lets the system choose
     */
    record Tcp(String host, int port) implements ListenAddress {
        /** The port registered for NBD. */
        public static final int DEFAULT_PORT = 10809;

        /** Checks the port's range. */
        public Tcp {
            if (port < 0 || port > 65535) {
                throw new IllegalArgumentException(
                        "port " + port + " of " + host + " is not between 0 and 65535");
            }
        }

        @Override
        public String toString() {
            return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /**
     * A listening socket that this process was started with; the server takes it over, and leaves
     * the file of a unix socket to whoever made it.
     *
     * @param descriptor its number, 3 or more; it must not block
     */
    record Inherited(int descriptor) implements ListenAddress {
        /** The first of those that a service is started with (sd_listen_fds(3)). */
        public static final int FIRST = 3;

        /** Checks the range. */
        public Inherited {
            if (descriptor < FIRST) {
                throw new IllegalArgumentException(
                        "descriptor " + descriptor + " is a standard stream, not a socket");
            }
        }

        @Override
        public String toString() {
            return "inherited descriptor " + descriptor;
        }
    }

    /**
     * A unix socket.
     *
     * @param path of the socket file; a file left by a process that died is replaced
     * @param mode the file's permissions
     */
    record Unix(Path path, Set<PosixFilePermission> mode) implements ListenAddress {
        /** Longest path the system takes: {@code sun_path} of unix(7), less its final zero. */
        public static final int MAXIMUM_PATH_BYTES = 107;

        /** Owner only. */
        public static final Set<PosixFilePermission> PRIVATE =
                Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

        /** Checks the path's length. */
        public Unix {
            mode = Set.copyOf(mode);
            int lengthBytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
            if (lengthBytes > MAXIMUM_PATH_BYTES) {
                throw new IllegalArgumentException(
                        "the path of the unix socket %s has %d bytes, more than %d; choose a shorter one"
                                .formatted(path, lengthBytes, MAXIMUM_PATH_BYTES));
            }
        }

        @Override
        public String toString() {
            return "unix:" + path;
        }
    }
}
