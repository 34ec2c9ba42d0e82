package dev.tidemark.replica.link;

import io.netty.handler.ssl.SslHandler;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The accepting side of links: checks who dials, and gathers the streams of one link. Links that
 * never become whole go when their connections do. Guarded by itself.
 */
final class Accepting {
    private static final Logger log = LoggerFactory.getLogger(Accepting.class);
    private static final int MAXIMUM_UNFINISHED = 64;

    /** Where whole links go. */
    interface Taker {
        /**
         * Passes when a link with the peer may be made.
         *
         * @throws PeerRefusedException when another link stays, or there are too many
         */
        void requireWanted(UUID peer) throws PeerRefusedException;

        /** All streams are there; the WELCOMEs are not sent yet. */
        void accepted(
                Hello peer,
                List<StreamHandler> streams,
                List<X509Certificate> chain,
                String address,
                Runnable welcome);
    }

    /** Streams of a link that wait for the others. */
    private static final class Unfinished {
        final Hello first;
        final @Nullable Greeting[] greetings;
        int count;

        Unfinished(Hello first) {
            this.first = first;
            this.greetings = new Greeting[first.streams()];
        }
    }

    private final LinkCredentials credentials;
    private final PairingServer pairing;
    private final Taker taker;
    private final Map<UUID, Unfinished> unfinished = new HashMap<>();

    Accepting(LinkCredentials credentials, PairingServer pairing, Taker taker) {
        this.credentials = credentials;
        this.pairing = pairing;
        this.taker = taker;
    }

    Greeting.Talk talk() {
        return new Conversation();
    }

    /** With one connection. */
    private final class Conversation implements Greeting.Talk {
        private boolean pairs;
        private List<X509Certificate> chain = List.of();
        private @Nullable UUID site;
        private @Nullable UUID link;

        @Override
        public void begin(Greeting greeting) throws PeerRefusedException {
            SslHandler tls = greeting.tls();
            pairs = Tls.PAIR.equals(tls.applicationProtocol());
            if (pairs) {
                return;
            }
            chain = Tls.chain(tls);
            if (!Tls.LINK.equals(tls.applicationProtocol()) || chain.isEmpty()) {
                throw new PeerRefusedException(
                        Refusal.UNKNOWN_SITE, "a link needs a site's certificate");
            }
            site = credentials.verified(chain);
        }

        @Override
        public void take(Greeting greeting, Frame frame) throws PeerRefusedException {
            if (pairs) {
                pairing.take(greeting, frame);
                return;
            }
            if (frame.type() != FrameType.HELLO || link != null) {
                throw new PeerRefusedException(
                        Refusal.MALFORMED, frame.type() + " instead of HELLO");
            }
            Hello hello = Hello.decode(frame.body());
            if (!hello.site().equals(site)) {
                throw new PeerRefusedException(
                        Refusal.MALFORMED, "the certificate is not that of " + hello.site());
            }
            link = hello.link();
            gather(greeting, hello, chain);
        }

        @Override
        public void failed(@Nullable Refusal refusal, String reason) {
            UUID gone = link;
            if (gone != null) {
                forget(gone);
            }
            if (refusal != null) {
                log.warn("link refused site={}: {}", site, reason);
            } else {
                log.debug("connection ended site={}: {}", site, reason);
            }
        }
    }

    private void gather(Greeting greeting, Hello hello, List<X509Certificate> chain)
            throws PeerRefusedException {
        taker.requireWanted(hello.site());
        List<Greeting> whole = add(greeting, hello);
        if (whole.isEmpty()) {
            return;
        }
        String address =
                String.valueOf(greeting.channel().remoteAddress()).replaceFirst("^.*/", "");
        List<StreamHandler> streams = new ArrayList<>();
        List<Runnable> welcomes = new ArrayList<>();
        for (int i = 0; i < whole.size(); i++) {
            Greeting each = whole.get(i);
            Hello answer = Hello.of(credentials, hello.link(), i, whole.size());
            welcomes.add(() -> each.send(FrameType.WELCOME, answer.encode()));
            streams.add(each.becomeStream());
        }
        taker.accepted(hello, streams, chain, address, () -> welcomes.forEach(Runnable::run));
    }

    private synchronized List<Greeting> add(Greeting greeting, Hello hello)
            throws PeerRefusedException {
        Unfinished link = unfinished.get(hello.link());
        if (link == null) {
            if (unfinished.size() >= MAXIMUM_UNFINISHED) {
                throw new PeerRefusedException(Refusal.TOO_MANY, "too many links are beginning");
            }
            link = new Unfinished(hello);
            unfinished.put(hello.link(), link);
        }
        if (!link.first.site().equals(hello.site())
                || link.first.streams() != hello.streams()
                || link.greetings[hello.stream()] != null) {
            throw new PeerRefusedException(Refusal.MALFORMED, "a stream that does not belong here");
        }
        link.greetings[hello.stream()] = greeting;
        link.count++;
        if (link.count < hello.streams()) {
            return List.of();
        }
        unfinished.remove(hello.link());
        List<Greeting> whole = new ArrayList<>();
        for (Greeting each : link.greetings) {
            if (each != null) {
                whole.add(each);
            }
        }
        return whole;
    }

    private synchronized void forget(UUID link) {
        unfinished.remove(link);
    }
}
