package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The receiving end of {@link LinkBenchmark}, a process of its own. It is told by lines on standard
 * input what to expect, and answers each with a line; it ends with its input.
 */
final class LinkBenchmarkFar {
    static final UUID ID = new UUID(2, 2);

    /** Before each answer: JVMs and loggers say things too. */
    static final String ANSWER = "answer: ";

    private LinkBenchmarkFar() {}

    /** CPU time of all threads of this process so far. */
    static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    static String encode(X509Certificate certificate) throws CertificateException {
        return Base64.getEncoder().encodeToString(certificate.getEncoded());
    }

    static X509Certificate decode(String text) throws CertificateException {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(
                                new ByteArrayInputStream(Base64.getDecoder().decode(text)));
    }

    /** One round, from the line that announces it to its last byte. */
    private static final class Round {
        private final ContentSum sum;
        private final CountDownLatch arrived = new CountDownLatch(1);
        private final long cpuBefore = cpuNanos();
        private long left;
        private long cpu;

        Round(ContentSum.Kind kind, long bytes) {
            sum = new ContentSum(kind);
            left = bytes;
        }

        void take(ByteBuf body) {
            sum.add(body);
            left -= body.readableBytes();
            if (left <= 0) {
                cpu = cpuNanos() - cpuBefore;
                arrived.countDown();
            }
        }

        String await() throws InterruptedException {
            arrived.await();
            return cpu + " " + sum.end();
        }
    }

    private static void answer(String line) {
        System.out.println(ANSWER + line);
    }

    public static void main(String[] arguments) throws Exception {
        try (TestSite site = new TestSite(ID);
                BufferedReader in =
                        new BufferedReader(
                                new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
            AtomicReference<@Nullable Round> current = new AtomicReference<>();
            site.taker =
                    user ->
                            new GrantingHandler(
                                    site, body -> Objects.requireNonNull(current.get()).take(body));
            site.trusted.put(LinkBenchmark.ID, decode(in.readLine()));
            InetSocketAddress at =
                    site.endpoint.listen(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            answer(at.getPort() + " " + encode(site.authority));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ", -1);
                Round round =
                        new Round(ContentSum.Kind.valueOf(words[0]), Long.parseLong(words[1]));
                current.set(round);
                answer("ready");
                answer(round.await());
            }
        }
    }
}
