/**
 * The gateway's keys and whom it trusts, read from PEM files and read again when they change.
 * Reading runs on I/O threads; the engines it makes belong to event loops.
 */
@NullMarked
package dev.tidemark.gateway.tls;

import org.jspecify.annotations.NullMarked;
