package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server tells its listener what happens, once each. */
@Timeout(60)
final class NbdMetricsTest {
    private static final class Recorder implements NbdMetrics {
        final List<String> events = new CopyOnWriteArrayList<>();

        @Override
        public void connectionOpened() {
            events.add("connected");
        }

        @Override
        public void connectionClosed() {
            events.add("closed");
        }

        @Override
        public void handshakeFailed() {
            events.add("handshake failed");
        }

        @Override
        public void exportOpened(String canonicalName) {
            events.add("opened " + canonicalName);
        }

        @Override
        public void exportClosed(String canonicalName) {
            events.add("given back " + canonicalName);
        }

        @Override
        public void requestAnswered(
                String canonicalName,
                NbdCommand command,
                long lengthBytes,
                NbdError error,
                long latencyNanos) {
            assertThat(latencyNanos).isNotNegative();
            events.add(command + " " + lengthBytes + " " + error);
        }

        @Override
        public void readingPaused() {
            events.add("paused");
        }
    }

    private static TestServer serve(TestDisk disk, Recorder recorder, NbdLimits limits)
            throws IOException {
        return new TestServer(
                TestServer.Kind.TCP, new TestCatalog().add("disk", disk), limits, recorder);
    }

    @Test
    void a_session_is_told_from_beginning_to_end() throws IOException {
        Recorder recorder = new Recorder();
        try (TestServer server = serve(new TestDisk(4096), recorder, NbdLimits.DEFAULT);
                RawClient client = server.connect().go("disk")) {
            client.write(0, 1, 0, new byte[100]).expect(1, NbdError.OK);
            client.ask(NbdCommand.READ, 2, 4096, 1).expect(2, NbdError.EINVAL);
            client.ask(NbdCommand.DISCONNECT, 3, 0, 0).expectClosed();
        }
        assertThat(recorder.events)
                .containsExactly(
                        "connected",
                        "opened canonical disk",
                        "WRITE 100 OK",
                        "READ 1 EINVAL",
                        "closed",
                        "given back canonical disk");
    }

    @Test
    void a_handshake_that_leads_nowhere_is_told_unless_the_client_aborts() throws IOException {
        Recorder recorder = new Recorder();
        try (TestServer server = serve(new TestDisk(4096), recorder, NbdLimits.DEFAULT)) {
            try (RawClient client = server.connect().greet()) {
                client.option(Handshake.OPTION_ABORT).optionReply();
                client.expectClosed();
            }
            // The client may see the end before the server has told its listener.
            TestServer.await("the first end is told", () -> recorder.events.contains("closed"));
            try (RawClient client = server.connect()) {
                client.greet(7).expectClosed();
            }
        }
        assertThat(recorder.events)
                .containsExactly("connected", "closed", "connected", "handshake failed", "closed");
    }

    @Test
    void a_pause_is_told() throws IOException {
        Recorder recorder = new Recorder();
        TestDisk disk = new TestDisk(4096);
        try (TestServer server = serve(disk, recorder, NbdLimits.DEFAULT.withInFlight(1, 1 << 20));
                RawClient client = server.connect().go("disk")) {
            disk.hold();
            client.ask(NbdCommand.TRIM, 1, 0, 1).ask(NbdCommand.TRIM, 2, 0, 1);
            TestServer.await("it has paused", () -> recorder.events.contains("paused"));
            disk.release();
            client.expect(1, NbdError.OK);
            client.expect(2, NbdError.OK);
        }
    }
}
