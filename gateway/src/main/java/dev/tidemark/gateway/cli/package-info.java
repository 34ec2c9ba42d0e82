/** The {@code tidemark} command. */
@NullMarked
package dev.tidemark.gateway.cli;

import org.jspecify.annotations.NullMarked;
