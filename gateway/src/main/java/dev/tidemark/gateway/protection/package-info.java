/**
 * Groups at several sites: which are copied where, copies of other sites' groups here, and groups
 * that change sites. See {@code docs/internals/two-sites.md}.
 */
@NullMarked
package dev.tidemark.gateway.protection;

import org.jspecify.annotations.NullMarked;
