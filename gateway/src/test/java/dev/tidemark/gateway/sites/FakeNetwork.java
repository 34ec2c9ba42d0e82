package dev.tidemark.gateway.sites;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkCredentials;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.LinkStatus;
import dev.tidemark.replica.link.LinkUser;
import dev.tidemark.replica.link.OutboundChannel;
import dev.tidemark.replica.link.OutboundHandler;
import dev.tidemark.replica.link.PairingDesk;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.PeerRefusedException;
import dev.tidemark.replica.link.PeerStatus;
import dev.tidemark.replica.link.Refusal;
import dev.tidemark.replica.link.SiteCard;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Sites without sockets: pairs and connects those that listen at each other's addresses, and checks
 * credentials where a real link does. {@link #beat} is a heartbeat and an attempt to dial.
 */
public final class FakeNetwork {
    private final SimulatedScheduler scheduler;
    private final List<FakeLinks> all = new ArrayList<>();

    public FakeNetwork(SimulatedScheduler scheduler) {
        this.scheduler = scheduler;
    }

    Links join(LinkCredentials credentials, PairingDesk desk, LinkUser user) {
        FakeLinks links = new FakeLinks(credentials, desk, user);
        all.add(links);
        return links;
    }

    private @Nullable FakeLinks at(List<String> addresses) {
        return all.stream()
                .filter(one -> addresses.contains(one.listening))
                .findFirst()
                .orElse(null);
    }

    /** Ends links that are no longer trusted, and makes those that can be. */
    public void beat() {
        List.copyOf(all).forEach(FakeLinks::check);
        List.copyOf(all).forEach(FakeLinks::redial);
        scheduler.runUntilIdle();
    }

    final class FakeLinks implements Links {
        private final LinkCredentials credentials;
        private final PairingDesk desk;
        private final LinkUser user;
        private final Map<UUID, List<String>> dialled = new HashMap<>();
        private final Map<UUID, FakeLink> up = new HashMap<>();
        private final Map<UUID, PeerRefusedException> refused = new HashMap<>();
        private String listening = "";

        FakeLinks(LinkCredentials credentials, PairingDesk desk, LinkUser user) {
            this.credentials = credentials;
            this.desk = desk;
            this.user = user;
        }

        @Override
        public InetSocketAddress listen(InetSocketAddress address) throws IOException {
            listening = address.getHostString() + ":" + address.getPort();
            if (all.stream().anyMatch(one -> one != this && one.listening.equals(listening))) {
                throw new IOException("address in use");
            }
            return address;
        }

        @Override
        public void dial(UUID peer, List<String> addresses) {
            dialled.put(peer, addresses);
        }

        private void redial() {
            Map.copyOf(dialled)
                    .forEach((peer, addresses) -> {
                        FakeLinks other = at(addresses);
                        if (other != null && !up.containsKey(peer)) {
                            connect(other);
                        }
                    });
        }

        private void connect(FakeLinks other) {
            UUID there = other.credentials.site();
            try {
                credentials.verified(other.credentials.identity().chain());
                other.credentials.verified(credentials.identity().chain());
            } catch (PeerRefusedException e) {
                refused.put(there, e);
                other.refused.put(credentials.site(), e);
                return;
            }
            FakeLink mine = new FakeLink(this, other);
            FakeLink theirs = new FakeLink(other, this);
            up.put(there, mine);
            other.up.put(credentials.site(), theirs);
            user.up(mine);
            other.user.up(theirs);
        }

        private void check() {
            for (FakeLink link : List.copyOf(up.values())) {
                try {
                    credentials.verified(link.other.credentials.identity().chain());
                } catch (PeerRefusedException e) {
                    refused.put(link.peer(), e);
                    link.close("not trusted");
                }
            }
        }

        @Override
        public void forget(UUID peer, String reason) {
            dialled.remove(peer);
            FakeLink link = up.get(peer);
            if (link != null) {
                link.close(reason);
            }
        }

        @Override
        public Optional<Link> link(UUID peer) {
            return Optional.ofNullable(up.get(peer));
        }

        @Override
        public PeerStatus status(UUID peer) {
            FakeLink link = up.get(peer);
            PeerRefusedException why = refused.get(peer);
            if (link != null) {
                return new PeerStatus(PeerStatus.State.CONNECTED, "", null, link.status());
            }
            return why == null
                    ? new PeerStatus(PeerStatus.State.WAITING, "nobody answers", null, null)
                    : new PeerStatus(
                            PeerStatus.State.REFUSED,
                            String.valueOf(why.getMessage()),
                            why.refusal(),
                            null);
        }

        @Override
        public CompletableFuture<SiteCard> pair(PairingToken token, SiteCard own) {
            FakeLinks other = at(token.addresses());
            if (other == null) {
                return CompletableFuture.failedFuture(new IOException("nobody listens there"));
            }
            long id = PairingToken.secretId(token.secret());
            byte[] secret = other.desk.secret(id);
            if (secret == null || !java.util.Arrays.equals(secret, token.secret())) {
                return CompletableFuture.failedFuture(
                        new PeerRefusedException(
                                Refusal.INVITATION, "the invitation is not known here"));
            }
            CompletableFuture<Boolean> paired = other.desk.paired(id, own);
            scheduler.runUntilIdle();
            return paired.thenApply(written -> {
                assert written;
                return other.desk.own();
            });
        }

        @Override
        public void close() {
            List.copyOf(up.values()).forEach(link -> link.close("stopping"));
            all.remove(this);
        }
    }

    private final class FakeLink implements Link {
        private final FakeLinks own;
        private final FakeLinks other;

        FakeLink(FakeLinks own, FakeLinks other) {
            this.own = own;
            this.other = other;
        }

        @Override
        public UUID peer() {
            return other.credentials.site();
        }

        @Override
        public String peerName() {
            return other.credentials.siteName();
        }

        @Override
        public String peerVersion() {
            return other.credentials.programVersion();
        }

        @Override
        public CompletableFuture<ByteBuf> request(int method, ByteBuf body) {
            FakeLink back = other.up.get(own.credentials.site());
            if (back == null) {
                return CompletableFuture.failedFuture(
                        LinkException.refusal(LinkException.CODE_NOT_NOW, "down"));
            }
            CompletableFuture<ByteBuf> answer = other.user.requested(back, method, body);
            scheduler.runUntilIdle();
            return answer;
        }

        @Override
        public CompletableFuture<OutboundChannel> open(
                int purpose, ByteBuf body, OutboundHandler handler) {
            throw new UnsupportedOperationException();
        }

        @Override
        public LinkStatus status() {
            return new LinkStatus(
                    scheduler.wallClockMicros(), 1_500_000, 10, 20, 30, 40, 2, true, "x:1");
        }

        @Override
        public void limit(long bytesPerSecond) {}

        @Override
        public void close(String reason) {
            FakeLink back = other.up.remove(own.credentials.site());
            own.up.remove(peer());
            own.user.down(this, reason);
            if (back != null) {
                other.user.down(back, reason);
            }
        }
    }
}
