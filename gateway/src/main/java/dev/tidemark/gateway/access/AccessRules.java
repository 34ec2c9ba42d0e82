package dev.tidemark.gateway.access;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.nbd.NbdClient;
import java.util.ArrayList;
import java.util.List;

/**
 * Who may do what, decided by the first rule that speaks of the disk and holds for the client; no
 * such rule means no. Without any rules, clients of this machine and clients with a certificate may
 * do everything. Immutable.
 */
public record AccessRules(List<AccessRule> rules) {
    /** No rules. */
    public static final AccessRules NONE = new AccessRules(List.of());

    public AccessRules {
        rules = List.copyOf(rules);
    }

    /** What was decided, and why, for the log. */
    sealed interface Verdict {
        /** The client may do this; never {@link Action#DENY}. */
        record Allowed(Action action) implements Verdict {}

        /**
         * The client may not have it.
         *
         * @param inTls inside TLS the answer might be another
         */
        record Refused(boolean inTls, String why) implements Verdict {}
    }

    /** Reads rules, one a line; all that are wrong are reported at once. */
    public static AccessRules parse(String text) {
        List<AccessRule> rules = new ArrayList<>();
        List<Problem> problems = new ArrayList<>();
        int number = 0;
        for (String line : text.isEmpty() ? new String[0] : text.split("\n", -1)) {
            number++;
            try {
                rules.add(AccessRule.parse(line));
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

    /** Decides about a disk, by its name without a point. */
    Verdict decide(NbdClient client, String disk) {
        if (rules.isEmpty()) {
            return withoutRules(client);
        }
        boolean inTls = false;
        for (int index = 0; index < rules.size(); index++) {
            AccessRule rule = rules.get(index);
            if (!rule.speaksOf(disk)) {
                continue;
            }
            if (rule.holds(client)) {
                return rule.action() == Action.DENY
                        ? new Verdict.Refused(inTls, "rule " + (index + 1) + " denies it")
                        : new Verdict.Allowed(rule.action());
            }
            inTls |=
                    !client.encrypted()
                            && rule.action() != Action.DENY
                            && rule.mightHoldInTls(client);
        }
        return new Verdict.Refused(inTls, "no rule allows it");
    }

    private static Verdict withoutRules(NbdClient client) {
        var host = client.host();
        return host == null || host.isLoopbackAddress() || client.certificate() != null
                ? new Verdict.Allowed(Action.READ_WRITE)
                : new Verdict.Refused(
                        false,
                        "there are no rules, so that only this machine and clients with a certificate are served");
    }
}
