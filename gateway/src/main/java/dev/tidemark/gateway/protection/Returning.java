package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Task;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.PromotionTask;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.Role;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a takeover ends: it is committed, or the group is given back, by somebody or by its policy.
 * Thread-safe; methods block.
 */
final class Returning {
    private static final Logger log = LoggerFactory.getLogger(Returning.class);

    private final HandoverMeans means;

    Returning(HandoverMeans means) {
        this.means = means;
    }

    /** The takeover is final: it cannot be given back any more. */
    void commit(Group group) {
        requireTaken(group);
        means.rows().end(group.row().id());
        log.info("group={} the failover is committed", group.name());
    }

    private HandoverRow requireTaken(Group group) {
        HandoverRow row = means.rows().of(group.row().id()).orElse(null);
        if (row == null || row.phase() != Phase.TAKEN) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "no failover of group " + group.name() + " waits for that here",
                            row == null ? null : GroupDocuments.text(row.phase()),
                            null,
                            "see tidemark group show " + group.name()));
        }
        return row;
    }

    /** Gives the group back to where it was. */
    Task rollBack(Group group) {
        means.rows().keep(requireTaken(group).with(Phase.RETURNING));
        return resume(group);
    }

    /** Goes on with what was written down. */
    Task resume(Group group) {
        return means.attendance().attend("return", group, progress -> giveBack(group, progress));
    }

    private Object giveBack(Group group, Task.Progress progress) {
        ProtectionGroup engine = group.engine();
        Role role = engine.role();
        Role.Takeover how = role.takeover();
        if (role.state() == GroupRole.ACTIVE && how != null) {
            try {
                Engine.await(engine.giveBack(role.tenure() + 1));
            } catch (ProblemException failed) {
                // Nothing has changed: somebody decides, and not the policy again.
                means.rows()
                        .of(group.row().id())
                        .ifPresent(row -> means.rows().keep(row.taken(null)));
                throw failed;
            }
            means.volumes().announce(group);
            log.info("group={} is given back", group.name());
        }
        means.protections().removeAll(group.row().id());
        progress.detail("the disks are being set back to where they were");
        Engine.await(engine.left(GroupRole.REJOINING), () -> tell(engine, progress));
        means.rows().end(group.row().id());
        return GroupDocuments.news(engine);
    }

    private static void tell(ProtectionGroup engine, Task.Progress progress) {
        PromotionTask task = engine.promotion();
        if (task != null) {
            progress.share(task.progress());
        }
    }
}
