package dev.tidemark.gateway.config;

/** Whether NBD is served inside TLS. */
public enum TlsMode {
    /** Never. */
    OFF,
    /** To clients that ask for it; rules may want it for single disks. */
    OFFER,
    /** To everybody, on every address. */
    REQUIRE
}
