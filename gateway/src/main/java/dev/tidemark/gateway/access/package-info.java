/**
 * Who may open which export: rules, and the catalogue that enforces them before the exports are
 * asked. Touches no files; nothing here blocks.
 */
@NullMarked
package dev.tidemark.gateway.access;

import org.jspecify.annotations.NullMarked;
