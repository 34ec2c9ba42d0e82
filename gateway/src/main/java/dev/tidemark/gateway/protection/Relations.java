package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.service.Group;
import dev.tidemark.replica.Role;
import java.util.UUID;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/**
 * Which sites a group has to do with: only those, and who took it over from one of them, are
 * believed when they say that it is theirs. Thread-safe.
 *
 * @param shipsTo whether a group is shipped to a peer
 */
record Relations(Predicate<UUID> isThisSite, BiPredicate<UUID, UUID> shipsTo) {
    /** Whether it is, was, or is to be a copy of one at that site, or the other way round. */
    boolean isRelated(Group group, Role role, UUID site) {
        Role.Takeover how = role.takeover();
        return isThisSite.test(site)
                || role.hasFollowed(site)
                || (how != null && how.from().equals(site))
                || shipsTo.test(group.row().id(), site);
    }
}
