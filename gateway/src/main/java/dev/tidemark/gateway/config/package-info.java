/**
 * Configuration: one table of keys, read from TOML once and sealed.
 *
 * <p>May touch the problem and text packages.
 */
@NullMarked
package dev.tidemark.gateway.config;

import org.jspecify.annotations.NullMarked;
