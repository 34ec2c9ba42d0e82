package dev.tidemark.gateway.config;

import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.iscsi.target.Portal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Portals as configured: {@code 10.0.0.5:3260 group=2 advertise=192.0.2.7:3260}. */
final class PortalText {
    static final String FORM = "HOST:PORT [group=NUMBER] [advertise=HOST:PORT]";

    private PortalText() {}

    /** One a line. */
    static List<Portal> parse(String lines) {
        List<Portal> portals = new ArrayList<>();
        for (String line : lines.isEmpty() ? new String[0] : lines.split("\n", -1)) {
            portals.add(portal(line.strip()));
        }
        return List.copyOf(portals);
    }

    private static Portal portal(String line) {
        String[] words = line.split("\\s+", -1);
        Endpoint endpoint = Endpoint.parse(words[0]);
        int group = 1;
        @Nullable String advertised = null;
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            if (word.startsWith("group=")) {
                group = group(word, line);
            } else if (word.startsWith("advertise=")) {
                advertised = Endpoint.parse(word.substring("advertise=".length())).toString();
            } else {
                throw refuse(line);
            }
        }
        return new Portal(endpoint.host(), endpoint.port(), group, advertised);
    }

    private static int group(String word, String line) {
        try {
            int group = Integer.parseInt(word.substring("group=".length()));
            if (group >= 1 && group <= 65_535) {
                return group;
            }
        } catch (NumberFormatException e) {
            // Falls through to the refusal.
        }
        throw refuse(line);
    }

    private static ProblemException refuse(String line) {
        return ProblemException.invalid(
                "not a portal",
                line,
                FORM + ", groups from 1 to 65535",
                "write for example: 10.0.0.5:3260 group=2 advertise=192.0.2.7:3260");
    }
}
