/** Known bugs that the compiler must report. */
@NullMarked
package dev.tidemark.canary;

import org.jspecify.annotations.NullMarked;
