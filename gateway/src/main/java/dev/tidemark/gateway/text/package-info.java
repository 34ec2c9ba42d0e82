/**
 * Texts that people type and read: sizes, durations, points in time, names.
 *
 * <p>May touch the problem package.
 */
@NullMarked
package dev.tidemark.gateway.text;

import org.jspecify.annotations.NullMarked;
