/**
 * How the control plane says that something is wrong: what, value, limit, what to do.
 *
 * <p>May touch the JDK only.
 */
@NullMarked
package dev.tidemark.gateway.problem;

import org.jspecify.annotations.NullMarked;
