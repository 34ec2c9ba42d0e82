package dev.tidemark.gateway.server;

import dev.tidemark.nbd.ListenAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One NBD connection on standard input and output, whatever they are: pipes, a socket, a terminal.
 * It reaches the server through a unix socket in a folder that only this user enters.
 */
public final class StandardStreams implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StandardStreams.class);
    private static final int CHUNK_BYTES = 256 << 10;

    private final Path folder;
    private final ListenAddress.Unix address;

    public StandardStreams() throws IOException {
        folder = Files.createTempDirectory("tidemark"); // mode 0700
        address = new ListenAddress.Unix(folder.resolve("nbd.sock"), ListenAddress.Unix.PRIVATE);
    }

    /** Where the server is to listen. */
    public ListenAddress address() {
        return address;
    }

    /**
     * Connects and carries bytes both ways until the server closes; then runs {@code ended}. A
     * client that closes its side gets the answers it waits for.
     */
    public void carry(InputStream input, OutputStream output, Runnable ended) throws IOException {
        SocketChannel connection = SocketChannel.open(StandardProtocolFamily.UNIX);
        connection.connect(UnixDomainSocketAddress.of(address.path()));
        Files.deleteIfExists(address.path()); // one connection, and no other
        daemon("stdin", () -> receive(input, connection));
        daemon(
                "stdout",
                () -> {
                    send(connection, output);
                    ended.run();
                });
    }

    private static void daemon(String name, Runnable work) {
        Thread.ofPlatform().name(name).daemon().start(work);
    }

    private static void receive(InputStream input, SocketChannel connection) {
        try {
            copy(input, Channels.newOutputStream(connection));
            connection.shutdownOutput();
        } catch (IOException e) {
            log.debug("standard input: {}", e.getMessage());
        }
    }

    private static void send(SocketChannel connection, OutputStream output) {
        try (connection) {
            copy(Channels.newInputStream(connection), output);
        } catch (IOException e) {
            log.debug("standard output: {}", e.getMessage());
        }
    }

    private static void copy(InputStream from, OutputStream to) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        int count = from.read(chunk);
        while (count >= 0) {
            to.write(chunk, 0, count);
            to.flush();
            count = from.read(chunk);
        }
    }

    @Override
    public void close() throws IOException {
        Files.deleteIfExists(address.path());
        Files.deleteIfExists(folder);
    }
}
