package dev.tidemark.gateway.cli;

import picocli.CommandLine.Option;

/** How a command that changes live disks is done. */
final class TaskOptions {
    @Option(
            names = "--yes",
            description = "Do it; without this, it is only said what would be done.")
    private boolean yes;

    @Option(names = "--no-wait", description = "Return at once; the task goes on.")
    private boolean noWait;

    boolean isConfirmed() {
        return yes;
    }

    boolean waits() {
        return !noWait;
    }
}
