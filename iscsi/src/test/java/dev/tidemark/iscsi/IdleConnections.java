package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A process with many connections that say nothing: as many as it is told, to a port of this
 * machine, until its input ends. A process of its own, since one has not enough files for both ends
 * of ten thousand.
 */
final class IdleConnections implements AutoCloseable {
    private final Process process;

    /** Returns once all are open. */
    IdleConnections(InetSocketAddress server, int count) throws IOException {
        process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                IdleConnections.class.getName(),
                                Integer.toString(server.getPort()),
                                Integer.toString(count))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        if (process.getInputStream().read() != '!') {
            throw new IOException("the connections could not be opened");
        }
    }

    /** Port and count. */
    public static void main(String[] arguments) throws IOException {
        InetAddress here = InetAddress.getLoopbackAddress();
        List<SocketChannel> open = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
            open.add(
                    SocketChannel.open(
                            new InetSocketAddress(here, Integer.parseInt(arguments[0]))));
        }
        System.out.print(open.size() == Integer.parseInt(arguments[1]) ? '!' : '?');
        System.out.flush();
        while (System.in.read() >= 0) {
            // until whoever wanted them closes
        }
    }

    /** They have all been there as long as the test needed them. */
    void expectStillThere() {
        assertThat(process.isAlive()).isTrue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
