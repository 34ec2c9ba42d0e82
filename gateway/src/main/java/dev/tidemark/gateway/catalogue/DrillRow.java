package dev.tidemark.gateway.catalogue;

import java.util.UUID;

/** Several tests started together. */
public record DrillRow(
        long id, UUID group, String groupName, String note, long startedMicros, String startedBy) {}
