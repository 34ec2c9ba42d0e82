package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.demo.Demo;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tidemark demo}. */
@Command(
        name = "demo",
        description = {
            "The product in a minute, on a scratch folder and free ports: a real ext4 file system on a disk, versions of a document tree,",
            "a \"ransomware\" that overwrites them, past moments tested in parallel, and a failover to the newest good one.",
            "With two sites, the other one has a copy, and takes over when the first is killed; then the group goes back."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:everything was proven", "1:a proof failed or a tool is missing"},
        footerHeading = "%nExamples:%n",
        footer = {"  tidemark demo", "  tidemark demo --two-sites", "  tidemark demo --keep"})
final class DemoCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Option(
            names = "--two-sites",
            description =
                    "Show two paired gateways: a group is copied, its site is killed, the other one takes over from a good moment, and the group goes back.")
    private boolean twoSites;

    @Option(
            names = "--keep",
            description = "Leave the gateway running until Ctrl-C, and say how to mount its disks.")
    private boolean keep;

    @Option(
            names = "--folder",
            paramLabel = "DIR",
            description = "Work here instead of a temporary folder; it must be empty or missing.")
    private @Nullable Path folder;

    @Override
    public Integer call() throws Exception {
        Demo demo = new Demo(Objects.requireNonNull(spec).commandLine().getOut(), folder, keep);
        return twoSites ? demo.runTwoSites() : demo.run();
    }
}
