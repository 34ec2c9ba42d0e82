/**
 * Text as login and text PDUs carry it: {@code key=value} pairs, each ended by a zero byte (RFC
 * 7143 section 6.1), collected over several PDUs by the C bit, bounded.
 *
 * <p>May touch Netty's buffers; knows nothing of what keys mean. Not thread-safe.
 */
@NullMarked
package dev.tidemark.iscsi.text;

import org.jspecify.annotations.NullMarked;
