/**
 * A certificate authority in a folder, and PEM files: what {@code tidemark pki} does, without a
 * running gateway. Reads and writes small files; knows nothing of disks or of NBD.
 */
@NullMarked
package dev.tidemark.gateway.pki;

import org.jspecify.annotations.NullMarked;
