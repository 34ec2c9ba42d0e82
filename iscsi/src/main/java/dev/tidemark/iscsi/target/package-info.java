/**
 * What whoever embeds the target gives it: names, portals, limits, and the catalogue of targets
 * with their units, who may use them, and where reservations are kept.
 *
 * <p>Knows block devices and nothing of the protocol. Methods say which thread calls them.
 */
@NullMarked
package dev.tidemark.iscsi.target;

import org.jspecify.annotations.NullMarked;
