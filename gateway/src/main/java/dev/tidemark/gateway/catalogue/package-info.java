/**
 * The catalogue in SQLite: names and settings of groups, records of recovery tests, drills, tasks.
 *
 * <p>Knows nothing of the engine; the service package reconciles the two. Calls block.
 */
@NullMarked
package dev.tidemark.gateway.catalogue;

import org.jspecify.annotations.NullMarked;
