/** The product in a minute: a real file system, its past moments tested in parallel, a failover. */
@NullMarked
package dev.tidemark.gateway.demo;

import org.jspecify.annotations.NullMarked;
