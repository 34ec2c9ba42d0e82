/**
 * Gold replicas and what is seen through them: the fold, the live head, views of past moments, and
 * recovery tests.
 *
 * <p>May touch the journal, the storage seam, and the block-device interface; Netty's transports
 * for the link between sites only.
 */
@NullMarked
package dev.tidemark.replica;

import org.jspecify.annotations.NullMarked;
