package dev.tidemark.replica.ship;

import dev.tidemark.replica.link.Link;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The copy that is being made, as the source asks it.
 *
 * <pre>
 *  asked, both:      group 16 | volume u32 | offset u64 | length u64
 *  allocation (10):  count u32 | ranges that may hold data: offset u64 | length u64
 *  hashes (11):      32 bytes for each block of 64 KiB from the offset on
 * </pre>
 */
final class SyncPeer {
    /** A range that a volume holds data in. */
    record Range(long offsetBytes, long lengthBytes) {
        long endBytes() {
            return offsetBytes + lengthBytes;
        }
    }

    /** What is asked about a copy. */
    record Question(UUID group, int volume, long offsetBytes, long lengthBytes) {
        private static final int BYTES = 36;

        ByteBuf encode() {
            ByteBuf body = Unpooled.buffer(BYTES);
            Bytes.writeUuid(body, group);
            return body.writeIntLE(volume).writeLongLE(offsetBytes).writeLongLE(lengthBytes);
        }

        static Question decode(ByteBuf body) throws MalformedMessageException {
            Bytes.require(body, BYTES);
            Question question =
                    new Question(
                            Bytes.readUuid(body),
                            body.readIntLE(),
                            body.readLongLE(),
                            body.readLongLE());
            if (question.offsetBytes < 0
                    || question.lengthBytes < 0
                    || question.lengthBytes > Long.MAX_VALUE - question.offsetBytes) {
                throw new MalformedMessageException(
                        "a question about "
                                + question.lengthBytes
                                + " bytes at "
                                + question.offsetBytes);
            }
            return question;
        }
    }

    /** So that an answer stays within a control frame. */
    static final int MAXIMUM_RANGES = 2000;

    private final Link link;
    private final UUID group;

    SyncPeer(Link link, UUID group) {
        this.link = link;
        this.group = group;
    }

    private ByteBuf question(int volume, long offsetBytes, long lengthBytes) {
        return new Question(group, volume, offsetBytes, lengthBytes).encode();
    }

    /** Where the copy may hold data, ascending. May stop short: the last range then ends there. */
    CompletableFuture<List<Range>> allocation(int volume, long offsetBytes, long lengthBytes) {
        return link.request(Kinds.METHOD_ALLOCATION, question(volume, offsetBytes, lengthBytes))
                .thenApply(answer -> {
                    try {
                        return ranges(answer, offsetBytes);
                    } catch (MalformedMessageException malformed) {
                        throw new CompletionException(malformed);
                    }
                });
    }

    /** A walk goes on where the last range ends: none lies before where it began. */
    static List<Range> ranges(ByteBuf answer, long offsetBytes) throws MalformedMessageException {
        Bytes.require(answer, 4);
        int count = answer.readIntLE();
        if (count < 0 || count > MAXIMUM_RANGES) {
            throw new MalformedMessageException(count + " ranges");
        }
        Bytes.require(answer, 16L * count);
        List<Range> ranges = new ArrayList<>(count);
        long at = offsetBytes;
        for (int i = 0; i < count; i++) {
            Range range = new Range(answer.readLongLE(), answer.readLongLE());
            if (range.offsetBytes < at
                    || range.lengthBytes < 1
                    || range.lengthBytes > Long.MAX_VALUE - range.offsetBytes) {
                throw new MalformedMessageException(
                        "a range of "
                                + range.lengthBytes
                                + " bytes at "
                                + range.offsetBytes
                                + ", where "
                                + at
                                + " was reached");
            }
            ranges.add(range);
            at = range.endBytes();
        }
        return ranges;
    }

    /** The hashes of the blocks of a range of at most 64 MiB, one after the other. */
    CompletableFuture<byte[]> hashes(int volume, long offsetBytes, int lengthBytes) {
        return link.request(Kinds.METHOD_HASHES, question(volume, offsetBytes, lengthBytes))
                .thenApply(answer -> {
                    byte[] hashes = new byte[Blocks.count(lengthBytes) * Blocks.HASH_BYTES];
                    if (answer.readableBytes() != hashes.length) {
                        throw new CompletionException(
                                new MalformedMessageException(
                                        answer.readableBytes() + " bytes of hashes"));
                    }
                    answer.readBytes(hashes);
                    return hashes;
                });
    }
}
