/**
 * The link between two sites: frames, streams, order, credit, requests, and pairing. Its bytes are
 * in {@code docs/internals/link-protocol.md}.
 *
 * <p>A user hands a {@link dev.tidemark.replica.link.LinkUser} to a {@link
 * dev.tidemark.replica.link.LinkEndpoint} and is given a {@link dev.tidemark.replica.link.Link} for
 * as long as the peer is connected. Over it go requests with one answer each, and channels: a
 * channel carries DATA one way, in order, as far as the receiver has granted credit, with
 * acknowledgements the other way and small messages both ways. When a link ends, all its channels
 * are closed and its requests fail; the next link begins with none.
 *
 * <p><b>Threads.</b> Each link has one serial executor of the scheduler. All that a link tells its
 * user is told there, one call at a time, and must not block; all methods of links and channels may
 * be called from any thread and never block.
 *
 * <p><b>Ownership.</b> A buffer given to a link is the link's, which releases it, whatever happens.
 * A buffer that a link gives to a method of its user is lent for that call: {@code retain()} it to
 * keep it. Buffers in a completed future, and {@link
 * dev.tidemark.replica.link.OutboundChannel#openedBody}, are unpooled and need no release.
 *
 * <p>May touch Netty, zstd, and the scheduler; nothing of journal, gold or groups, which live above
 * it.
 */
@NullMarked
package dev.tidemark.replica.link;

import org.jspecify.annotations.NullMarked;
