/**
 * Long histories, made fast: intervals of random writes straight through the run builder. Test code
 * of any module may use it.
 */
@NullMarked
package dev.tidemark.journal.history;

import org.jspecify.annotations.NullMarked;
