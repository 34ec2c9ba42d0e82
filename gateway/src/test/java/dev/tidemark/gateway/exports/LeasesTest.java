package dev.tidemark.gateway.exports;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class LeasesTest {
    private static final UUID GROUP = new UUID(1, 2);
    private static final ClientIdentity LOCAL = new ClientIdentity("local", false);
    private static final ClientIdentity REMOTE = new ClientIdentity("host 10.0.0.1", true);

    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
    private final Leases leases = new Leases(Duration.ofNanos(10), clock::get);

    private static Leases.Key key(ClientIdentity client, String name) {
        return new Leases.Key(client, GROUP, name);
    }

    private static final Leases.Key LATEST = key(LOCAL, "latest");
    private static final Leases.Key REMOTE_LATEST = key(REMOTE, "latest");

    @Test
    void theSameNameMeansTheSameInstantForAWhile() {
        assertThat(leases.give(LATEST, 42)).isEqualTo(42);
        clock.addAndGet(9); // Over the clock's end: nanoTime may be anything.
        assertThat(leases.get(LATEST)).hasValue(42);
        assertThat(leases.get(key(LOCAL, "-6m"))).isEmpty();
        clock.addAndGet(1);
        assertThat(leases.get(LATEST)).isEmpty();
    }

    @Test
    void whoComesFirstDecides() {
        assertThat(leases.give(LATEST, 1)).isEqualTo(1);
        assertThat(leases.give(LATEST, 2)).isEqualTo(1);
        leases.drop(LATEST);
        assertThat(leases.give(LATEST, 3)).isEqualTo(3);
    }

    @Test
    void clientsDoNotShareAnInstant() {
        assertThat(leases.give(LATEST, 1)).isEqualTo(1);
        assertThat(leases.give(REMOTE_LATEST, 2)).isEqualTo(2);
    }

    @Test
    void askingAgainDoesNotProlong() {
        leases.give(LATEST, 1);
        clock.addAndGet(6);
        leases.give(LATEST, 2);
        clock.addAndGet(6);
        assertThat(leases.get(LATEST)).isEmpty();
    }

    @Test
    void whoReconnectsGetsTheSameInstantHoweverLongTheConnectionLasted() {
        leases.give(LATEST, 1);
        Runnable ended = leases.use(LATEST);
        clock.addAndGet(1000);
        ended.run();
        clock.addAndGet(9);
        assertThat(leases.get(LATEST)).hasValue(1);
        clock.addAndGet(1);
        assertThat(leases.get(LATEST)).isEmpty();
    }

    /** The gateway may not know yet that a remote client's connection is dead. */
    @Test
    void aRemoteClientKeepsItsInstantWhileAConnectionIsOpen() {
        leases.give(REMOTE_LATEST, 1);
        Runnable ended = leases.use(REMOTE_LATEST);
        leases.give(LATEST, 1);
        Runnable unused = leases.use(LATEST);
        clock.addAndGet(1000);
        assertThat(leases.get(REMOTE_LATEST)).hasValue(1);
        assertThat(leases.get(LATEST)).isEmpty();
        ended.run();
        unused.run();
    }

    @Test
    void aClientIsKnownByItsAddressWithoutThePort() {
        ClientIdentity first = ClientIdentity.of("/10.0.0.1:5000", null);
        assertThat(ClientIdentity.of("/10.0.0.1:5001", null)).isEqualTo(first);
        assertThat(ClientIdentity.of("/10.0.0.2:5000", null)).isNotEqualTo(first);
        assertThat(ClientIdentity.of("/run/tidemark/nbd.sock", null).remote()).isFalse();
        assertThat(ClientIdentity.of("/10.0.0.1:5000", "CN=backup"))
                .isEqualTo(ClientIdentity.of("/10.0.0.9:1", "CN=backup"));
    }
}
