package dev.tidemark.replica.link;

import io.netty.channel.Channel;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** One attempt to make a link: all its streams, or none. Guarded by itself. */
final class Dialling {
    /** How the attempt ends; one of the two, once. */
    interface Outcome {
        void connected(
                Hello peer,
                List<StreamHandler> streams,
                List<X509Certificate> chain,
                String address);

        void failed(@Nullable Refusal refusal, String reason);
    }

    private final LinkCredentials credentials;
    private final UUID expected;
    private final UUID link = UUID.randomUUID();
    private final @Nullable StreamHandler[] streams;
    private final List<Channel> channels = new ArrayList<>();
    private final Outcome outcome;
    private List<X509Certificate> chain = List.of();
    private int welcomed;
    private boolean over;

    Dialling(LinkCredentials credentials, UUID expected, int streamCount, Outcome outcome) {
        this.credentials = credentials;
        this.expected = expected;
        this.streams = new StreamHandler[streamCount];
        this.outcome = outcome;
    }

    /** What stream {@code index} says and hears. */
    Greeting.Talk talk(int index) {
        return new Greeting.Talk() {
            @Override
            public void begin(Greeting greeting) throws PeerRefusedException {
                List<X509Certificate> shown = Tls.chain(greeting.tls());
                if (shown.isEmpty()) {
                    throw new PeerRefusedException(Refusal.UNKNOWN_SITE, "it shows no certificate");
                }
                UUID site = credentials.verified(shown);
                if (!site.equals(expected)) {
                    throw new PeerRefusedException(
                            Refusal.UNKNOWN_SITE,
                            "site " + site + " answers where " + expected + " was dialled");
                }
                keep(greeting.channel(), shown);
                Hello hello = Hello.of(credentials, link, index, streams.length);
                greeting.send(FrameType.HELLO, hello.encode());
            }

            @Override
            public void take(Greeting greeting, Frame frame) throws PeerRefusedException {
                if (frame.type() != FrameType.WELCOME) {
                    throw new PeerRefusedException(
                            Refusal.MALFORMED, frame.type() + " instead of WELCOME");
                }
                Hello hello = Hello.decode(frame.body());
                if (!hello.site().equals(expected)) {
                    throw new PeerRefusedException(
                            Refusal.MALFORMED, "its certificate is not that of " + hello.site());
                }
                SocketAddress address = greeting.channel().remoteAddress();
                welcomed(index, hello, greeting.becomeStream(), String.valueOf(address));
            }

            @Override
            public void failed(@Nullable Refusal refusal, String reason) {
                Dialling.this.failed(refusal, reason);
            }
        };
    }

    private synchronized void keep(Channel channel, List<X509Certificate> shown) {
        channels.add(channel);
        chain = shown;
        if (over) {
            var _ = channel.close();
        }
    }

    private void welcomed(int index, Hello hello, StreamHandler stream, String address) {
        List<StreamHandler> all = new ArrayList<>();
        List<X509Certificate> shown;
        synchronized (this) {
            if (over) {
                stream.close();
                return;
            }
            streams[index] = stream;
            welcomed++;
            if (welcomed < streams.length) {
                return;
            }
            over = true;
            shown = chain;
            Arrays.stream(streams)
                    .forEach(each -> {
                        if (each != null) {
                            all.add(each);
                        }
                    });
        }
        outcome.connected(hello, all, shown, address.replaceFirst("^.*/", ""));
    }

    private void failed(@Nullable Refusal refusal, String reason) {
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            for (Channel channel : channels) {
                var _ = channel.close();
            }
        }
        outcome.failed(refusal, reason);
    }

    /** It cannot be tried. */
    void abandon(String reason) {
        failed(null, reason);
    }
}
