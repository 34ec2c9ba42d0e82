package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Groups that change sites. Every step is in the catalogue or the group's manifest before it
 * counts, so that a restart goes on where it was; what a site does not know of the other it asks
 * for again. Thread-safe; methods block.
 */
final class Handovers {
    private static final Logger log = LoggerFactory.getLogger(Handovers.class);

    private final HandoverMeans means;
    private final Taking taking;
    private final Returning returning;

    Handovers(HandoverMeans means, Taking taking, Returning returning) {
        this.means = means;
        this.taking = taking;
        this.returning = returning;
    }

    /** Takes up what an earlier process left. Before there is any link. */
    void open() {
        for (HandoverRow row : means.rows().kept()) {
            Optional<Group> group = means.groups().get(row.group());
            if (group.isEmpty()) {
                continue;
            }
            means.rows().adopt(row);
            resume(group.get(), row);
        }
    }

    private void resume(Group group, HandoverRow row) {
        switch (row.phase()) {
            case TAKING -> taking.resume(group, row);
            case TAKEN -> {
                // Waits for somebody, or for its time.
                if (group.engine().role().state() != GroupRole.ACTIVE) {
                    means.rows().endTaken(row.group());
                }
            }
            case RETURNING -> {
                var _ = returning.resume(group);
            }
            case LEAVING -> {
                if (group.engine().role().state() == GroupRole.ACTIVE) {
                    means.rows().end(row.group());
                }
            }
        }
    }

    /** Now and then: does what a policy says whose time has come. */
    void look() {
        for (Group group : means.groups().all()) {
            HandoverRow row = means.rows().of(group.row().id()).orElse(null);
            if (row == null
                    || row.phase() != Phase.TAKEN
                    || means.attendance().isAttended(row.group())) {
                continue;
            }
            Long deadline = row.deadlineMicros();
            if (deadline != null && deadline <= means.now()) {
                log.info("group={} policy {}: its time has come", group.name(), row.policy());
                if (row.policy().equals(Policy.COMMIT)) {
                    returning.commit(group);
                } else {
                    var _ = returning.rollBack(group);
                }
            }
        }
    }

    static ProblemException notTaken(Group group) {
        return new ProblemException(
                new Problem(
                        ProblemKind.INVALID,
                        "group " + group.name() + " was not taken over by this site",
                        GroupDocuments.text(group.engine().role().state()),
                        null,
                        "to copy it to a site: tidemark group protect"));
    }

    /** Begins to copy the group to the site that it was taken over from. */
    void reverse(Group group) {
        Role role = group.engine().role();
        Role.Takeover how = role.takeover();
        if (role.state() != GroupRole.ACTIVE || how == null) {
            throw notTaken(group);
        }
        if (means.rows().of(group.row().id()).isPresent()) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "the failover of group " + group.name() + " is not committed",
                            null,
                            "the other site's disks are what a rollback would go back to",
                            "commit it first: tidemark failover --group "
                                    + group.name()
                                    + " --commit"));
        }
        Optional<Protections.Protection> prepared = means.protections().find(group, how.from());
        if (prepared.isPresent()) {
            means.protections().resume(prepared.get());
        } else {
            means.protections().add(group, how.from(), how.lastLocal(), false);
        }
    }
}
