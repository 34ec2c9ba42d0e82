/**
 * System tests and benchmarks: real clients, guests, crashes, and load.
 *
 * <p>May touch everything; nothing may touch it.
 */
@NullMarked
package dev.tidemark.harness;

import org.jspecify.annotations.NullMarked;
