/**
 * This site and the sites that it is paired with: identity, invitations, trust, and who answers
 * what over a link.
 *
 * <p>May touch the catalogue, certificates, alerts and groups of the gateway, and the links of
 * {@code dev.tidemark.replica.link}; never files or sockets itself. Methods of {@link
 * dev.tidemark.gateway.sites.Sites} block and run on API threads; what links call does not block.
 */
@NullMarked
package dev.tidemark.gateway.sites;

import org.jspecify.annotations.NullMarked;
