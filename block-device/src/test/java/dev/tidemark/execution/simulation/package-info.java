/** The simulated scheduler for tests: one seeded queue as the only clock and executor. */
@NullMarked
package dev.tidemark.execution.simulation;

import org.jspecify.annotations.NullMarked;
