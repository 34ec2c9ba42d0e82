package dev.tidemark.gateway.access;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import java.util.ArrayList;
import java.util.List;

/**
 * Who may do what, decided by the first rule that speaks of the disk and holds for the client; no
 * such rule means no. Without any rules, clients of this machine and those that have proven who
 * they are, with a certificate or CHAP, may do everything. Immutable.
 */
public record AccessRules(List<AccessRule> rules) {
    /** No rules. */
    public static final AccessRules NONE = new AccessRules(List.of());

    public AccessRules {
        rules = List.copyOf(rules);
    }

    /** What was decided, and why, for the log. */
    public sealed interface Verdict {
        /** The client may do this; never {@link Action#DENY}. */
        record Allowed(Action action) implements Verdict {}

        /**
         * The client may not have it.
         *
         * @param withProof once the client has shown who it is, by TLS or CHAP, the answer might be
         *     another
         */
        record Refused(boolean withProof, String why) implements Verdict {}
    }

    /** Reads rules, one a line; all that are wrong are reported at once. */
    public static AccessRules parse(AccessRule.Protocol protocol, String text) {
        List<AccessRule> rules = new ArrayList<>();
        List<Problem> problems = new ArrayList<>();
        int number = 0;
        for (String line : text.isEmpty() ? new String[0] : text.split("\n", -1)) {
            number++;
            try {
                rules.add(AccessRule.parse(protocol, line));
            } catch (ProblemException e) {
                Problem wrong = e.problem();
                problems.add(
                        new Problem(
                                ProblemKind.INVALID,
                                "rule " + number + ": " + wrong.what(),
                                wrong.value(),
                                wrong.limit(),
                                wrong.remedy()));
            }
        }
        if (problems.size() == 1) {
            throw new ProblemException(problems.getFirst());
        }
        if (!problems.isEmpty()) {
            throw ProblemException.of(
                    ProblemKind.INVALID,
                    String.join("; ", problems.stream().map(Problem::sentence).toList()));
        }
        return new AccessRules(rules);
    }

    /** Decides about an export: a disk, a point of one, or a disk of a test. */
    public Verdict decide(Client client, String export) {
        int at = export.indexOf('@');
        Verdict verdict = ofDisk(client, at < 0 ? export : export.substring(0, at));
        return at < 0
                        && verdict instanceof Verdict.Allowed(Action action)
                        && action == Action.POINTS
                ? new Verdict.Refused(false, "only its points in time, such as " + export + "@-1m")
                : verdict;
    }

    /** A point belongs to its disk; a test's disk has a name of its own. */
    private Verdict ofDisk(Client client, String disk) {
        if (rules.isEmpty()) {
            return withoutRules(client);
        }
        boolean withProof = false;
        for (int index = 0; index < rules.size(); index++) {
            AccessRule rule = rules.get(index);
            if (!rule.speaksOf(disk)) {
                continue;
            }
            if (rule.holds(client)) {
                return rule.action() == Action.DENY
                        ? new Verdict.Refused(withProof, "rule " + (index + 1) + " denies it")
                        : new Verdict.Allowed(rule.action());
            }
            withProof |=
                    client.mayProveMore()
                            && rule.action() != Action.DENY
                            && rule.mightHoldWithProof(client);
        }
        return new Verdict.Refused(withProof, "no rule allows it");
    }

    private static Verdict withoutRules(Client client) {
        return client.trustedWithoutRules()
                ? new Verdict.Allowed(Action.READ_WRITE)
                : new Verdict.Refused(
                        client.initiator() != null && client.mayProveMore(),
                        "there are no rules, so that only this machine and clients that have proven who they are, with a certificate or CHAP, are served");
    }
}
