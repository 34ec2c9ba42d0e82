/**
 * Time and threads, injected: everything below the gateway module gets its clock and executors from
 * here. May touch the JDK only.
 */
@NullMarked
package dev.tidemark.execution;

import org.jspecify.annotations.NullMarked;
