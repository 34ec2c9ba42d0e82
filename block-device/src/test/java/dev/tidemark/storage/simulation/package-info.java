/**
 * A simulated disk for tests: a tree of files in memory that loses, tears and reorders what was not
 * forced, runs full, fails and rots, all from a seed. One thread at a time; the disk serialises
 * what several threads ask.
 */
@NullMarked
package dev.tidemark.storage.simulation;

import org.jspecify.annotations.NullMarked;
