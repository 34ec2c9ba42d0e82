/**
 * Groups over a link: shipping an active group's records to its copies, making a copy, and taking
 * what arrives. How it is safe is told in {@code docs/internals/two-sites.md}, the bytes in {@code
 * docs/internals/link-protocol.md}.
 *
 * <p>Everything of one group and one peer runs on one serial executor, which may wait for a disk;
 * what the link tells is handed over to it at once.
 */
@NullMarked
package dev.tidemark.replica.ship;

import org.jspecify.annotations.NullMarked;
