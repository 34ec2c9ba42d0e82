package dev.tidemark.gateway.config;

/** What discovery over iSCSI shows. */
public enum DiscoveryMode {
    /** One target for each volume and each disk of a test. */
    VOLUMES,
    /** One target for each group and each test, with a logical unit for each disk. */
    GROUPS
}
