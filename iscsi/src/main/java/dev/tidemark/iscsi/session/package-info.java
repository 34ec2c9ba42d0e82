/**
 * Connections and sessions: PDUs in and out, command numbers, data transfer, task management,
 * discovery (RFC 7143).
 *
 * <p>One connection is one session, and all its state belongs to its event loop. Devices complete
 * commands on any thread; what crosses over is a completed {@code Task} and an order to abort.
 */
@NullMarked
package dev.tidemark.iscsi.session;

import org.jspecify.annotations.NullMarked;
