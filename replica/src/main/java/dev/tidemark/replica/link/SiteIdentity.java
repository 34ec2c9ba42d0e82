package dev.tidemark.replica.link;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * The key with which a site proves itself.
 *
 * @param chain the certificate, then its authority's
 */
public record SiteIdentity(PrivateKey key, List<X509Certificate> chain) {
    public SiteIdentity {
        chain = List.copyOf(chain);
        if (chain.size() < 2) {
            throw new IllegalArgumentException("the authority's certificate is missing");
        }
    }

    X509Certificate leaf() {
        return chain.getFirst();
    }
}
