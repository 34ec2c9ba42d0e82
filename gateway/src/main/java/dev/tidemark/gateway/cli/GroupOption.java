package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which group is meant: the only one, or the one called "default", unless it is said. */
final class GroupOption {
    @Option(
            names = "--group",
            paramLabel = "GROUP",
            description = "Protection group; the only one, or \"default\", when not given.")
    private @Nullable String group;

    @Nullable String name() {
        return group;
    }

    /** The group's path in the API. */
    String path(ApiClient client) {
        return "/groups/" + ApiClient.encode(group == null ? chosen(client) : group);
    }

    private static String chosen(ApiClient client) {
        List<String> names =
                client.get("/groups").asList(GroupDocument.class).stream()
                        .map(GroupDocument::name)
                        .toList();
        if (names.size() == 1) {
            return names.getFirst();
        }
        if (names.contains("default")) {
            return "default";
        }
        throw ProblemException.invalid(
                "which group is meant?",
                String.join(", ", names),
                names.size() + " groups",
                names.isEmpty() ? "create a volume first" : "name one with --group");
    }
}
