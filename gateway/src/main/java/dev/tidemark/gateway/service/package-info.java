/**
 * What an administrator can do with groups, volumes, points and recovery tests: the engine and the
 * catalogue, kept in step.
 *
 * <p>Calls block until the engine has answered; they run on API threads, never on event loops.
 */
@NullMarked
package dev.tidemark.gateway.service;

import org.jspecify.annotations.NullMarked;
