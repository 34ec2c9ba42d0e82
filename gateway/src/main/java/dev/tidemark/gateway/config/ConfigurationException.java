package dev.tidemark.gateway.config;

import dev.tidemark.gateway.problem.Problem;
import java.util.List;

/** A configuration that cannot be used; carries all its problems at once. */
public final class ConfigurationException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<Problem> problems;

    ConfigurationException(String source, List<Problem> problems) {
        super(message(source, problems));
        this.problems = List.copyOf(problems);
    }

    private static String message(String source, List<Problem> problems) {
        StringBuilder text =
                new StringBuilder(source)
                        .append(
                                problems.size() == 1
                                        ? ": 1 problem"
                                        : ": " + problems.size() + " problems");
        for (Problem problem : problems) {
            text.append("\n  ").append(problem.sentence());
        }
        return text.toString();
    }

    public List<Problem> problems() {
        return problems;
    }
}
