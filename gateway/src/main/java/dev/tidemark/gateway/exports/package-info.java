/**
 * Names under which hosts find live disks, points in time and recovery tests.
 *
 * <p>Called by the protocol servers; whatever may wait for a disk runs on the I/O executor.
 */
@NullMarked
package dev.tidemark.gateway.exports;

import org.jspecify.annotations.NullMarked;
