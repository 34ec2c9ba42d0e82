package dev.tidemark.gateway.tls;

/** Whether clients have to show a certificate. */
public enum ClientCertificates {
    /** No TLS session without one. */
    REQUIRE,
    /** Who shows none is served as somebody unknown; who shows a bad one is not. */
    ASK,
    /** Encryption only. */
    NONE
}
