package dev.tidemark.replica;

import io.netty.buffer.ByteBuf;

/**
 * Consecutive durable records on their way to a copy, in the form of {@code
 * docs/internals/link-protocol.md}, "records".
 *
 * @param firstTimeMicros when the first was written
 * @param writes of them, those that the copy's counters count
 * @param writeBytes that those wrote or zeroed
 * @param body the receiver's, who releases it
 */
public record ShippedRecords(
        long firstSequence,
        int count,
        long firstTimeMicros,
        long writes,
        long writeBytes,
        ByteBuf body) {}
