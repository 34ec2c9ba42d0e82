package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.GroupRow;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import java.util.List;

/**
 * A group that could not be opened when the gateway started: nothing of it is served, nothing of it
 * was changed.
 *
 * @param cause why
 * @param volumes its volumes when it was last open
 */
public record UnopenedGroup(GroupRow row, Problem cause, List<String> volumes) {
    public String name() {
        return row.name();
    }

    public String reason() {
        return cause.sentence();
    }

    /** The answer to everything that is asked of the group. */
    public ProblemException refusal() {
        return new ProblemException(
                new Problem(
                        ProblemKind.FAILED,
                        "group " + name() + " could not be opened: " + cause.what(),
                        cause.value(),
                        cause.limit(),
                        (cause.remedy().isEmpty() ? "" : cause.remedy() + "; ")
                                + "then restart the gateway"));
    }
}
