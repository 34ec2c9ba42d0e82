package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which copy of which group is meant. */
final class CopyOption {
    @Parameters(paramLabel = "NAME", description = "The group.")
    private String group = "";

    @Option(names = "--to", required = true, paramLabel = "SITE", description = "The other site.")
    private String site = "";

    String group() {
        return group;
    }

    String site() {
        return site;
    }

    /** The copy's path in the API. */
    String path() {
        return "/groups/" + ApiClient.encode(group) + "/protections/" + ApiClient.encode(site);
    }
}
