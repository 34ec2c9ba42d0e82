/**
 * The programs that other people use, as tests of every module run them: found where the
 * distribution puts them, never skipped when they are missing.
 */
@NullMarked
package dev.tidemark.foreign;

import org.jspecify.annotations.NullMarked;
