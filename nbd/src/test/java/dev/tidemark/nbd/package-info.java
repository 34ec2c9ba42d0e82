/** Tests of the NBD codec and server. */
@NullMarked
package dev.tidemark.nbd;

import org.jspecify.annotations.NullMarked;
