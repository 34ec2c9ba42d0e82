package dev.tidemark.nbd;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/**
 * Serves one disk in memory until it is killed, for {@code nbd/src/test/scripts/benchmark}, which
 * runs fio against it and against nbdkit's memory plugin.
 */
final class NbdBenchmark {
    private NbdBenchmark() {}

    /** Arguments: socket path, size in MiB, "nio" for the JDK's channels. */
    public static void main(String[] arguments) throws Exception {
        TestDisk disk = new TestDisk(Integer.parseInt(arguments[1]) << 20);
        NbdServerConfig config =
                NbdServerConfig.listeningOn(
                        new ListenAddress.Unix(Path.of(arguments[0]), ListenAddress.Unix.PRIVATE));
        boolean nio = arguments.length > 2 && arguments[2].equals("nio");
        NbdServer server =
                new NbdServer(
                        nio ? config.withoutNativeTransport() : config,
                        new TestCatalog().add("", disk),
                        NbdMetrics.NONE);
        System.out.println("serving on " + server.start());
        new CountDownLatch(1).await();
    }
}
