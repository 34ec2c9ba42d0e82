package dev.tidemark.gateway.access;

import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.text.TargetName;
import dev.tidemark.iscsi.target.TargetAccess.Redirected;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which targets initiators are sent elsewhere for; the first line that fits decides. Immutable. */
public record Redirects(List<Line> lines) {
    /** What is accepted, for people. */
    public static final String FORM = "TARGETS HOST:PORT[,GROUP] [permanent]";

    private static final Pattern TARGETS = Pattern.compile("[A-Za-z0-9.:_?*-]+");
    private static final Pattern ADDRESS =
            Pattern.compile("([A-Za-z0-9.-]+|\\[[0-9a-fA-F:.]+]):\\d{1,5}(,\\d{1,5})?");

    /**
     * A line.
     *
     * @param targets what stands behind the prefix of the names
     */
    record Line(Glob targets, Redirected elsewhere) {}

    public Redirects {
        lines = List.copyOf(lines);
    }

    /** Reads redirections, one a line. */
    public static Redirects parse(String text) {
        List<Line> lines = new ArrayList<>();
        for (String line : text.isEmpty() ? new String[0] : text.split("\n", -1)) {
            String[] words = line.strip().split("\\s+", -1);
            boolean permanent = words.length == 3 && words[2].equals("permanent");
            if ((words.length != 2 && !permanent)
                    || !TARGETS.matcher(words[0]).matches()
                    || !ADDRESS.matcher(words[1]).matches()) {
                throw ProblemException.invalid(
                        "not a redirection",
                        line,
                        FORM + "; targets: what stands behind \"" + TargetName.PREFIX + "\"",
                        "write for example: db-* 192.0.2.8:3260");
            }
            lines.add(
                    new Line(
                            new Glob(words[0].toLowerCase(Locale.ROOT)),
                            new Redirected(words[1], permanent)));
        }
        return new Redirects(lines);
    }

    /** Where to for a target; null when it is served here. */
    public @Nullable Redirected of(String target) {
        String local =
                target.startsWith(TargetName.PREFIX)
                        ? target.substring(TargetName.PREFIX.length())
                        : target;
        return lines.stream()
                .filter(line -> line.targets().matches(local))
                .findFirst()
                .map(Line::elsewhere)
                .orElse(null);
    }
}
