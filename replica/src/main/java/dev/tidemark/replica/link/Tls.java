package dev.tidemark.replica.link;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.net.Socket;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * TLS 1.3 between sites. The handshake proves possession of keys and nothing more: whose
 * certificate it is, is checked right after it, so that a peer that is refused can be told why.
 */
final class Tls {
    static final String LINK = "tidemark-link/1";
    static final String PAIR = "tidemark-pair/1";

    private Tls() {}

    static SslContext server(SiteIdentity identity) throws SSLException {
        return common(
                        SslContextBuilder.forServer(identity.key(), identity.chain())
                                .clientAuth(ClientAuth.OPTIONAL),
                        LINK,
                        PAIR)
                .build();
    }

    static SslContext link(SiteIdentity identity) throws SSLException {
        return common(
                        SslContextBuilder.forClient()
                                .keyManager(identity.key(), identity.chain())
                                .endpointIdentificationAlgorithm(null),
                        LINK)
                .build();
    }

    static SslContext pair() throws SSLException {
        return common(SslContextBuilder.forClient().endpointIdentificationAlgorithm(null), PAIR)
                .build();
    }

    private static SslContextBuilder common(SslContextBuilder builder, String... protocols) {
        return builder.sslProvider(SslProvider.JDK)
                .protocols("TLSv1.3")
                .trustManager(new Anybody())
                .applicationProtocolConfig(
                        new ApplicationProtocolConfig(
                                Protocol.ALPN,
                                SelectorFailureBehavior.NO_ADVERTISE,
                                SelectedListenerFailureBehavior.ACCEPT,
                                protocols));
    }

    /** The peer's certificates, its own first; empty when it has shown none. */
    static List<X509Certificate> chain(SslHandler handler) {
        List<X509Certificate> chain = new ArrayList<>();
        try {
            for (Certificate each : handler.engine().getSession().getPeerCertificates()) {
                if (each instanceof X509Certificate certificate) {
                    chain.add(certificate);
                }
            }
        } catch (SSLPeerUnverifiedException none) {
            return List.of();
        }
        return chain;
    }

    /** Leaves the decision to {@link LinkCredentials#verified}, or to a pairing's fingerprint. */
    private static final class Anybody extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
