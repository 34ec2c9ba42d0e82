/**
 * Login: stages, negotiation of operational parameters, CHAP (RFC 7143 sections 6, 12 and 13).
 *
 * <p>Pure state machines on the connection's event loop: they are given PDUs and give back answers.
 */
@NullMarked
package dev.tidemark.iscsi.login;

import org.jspecify.annotations.NullMarked;
