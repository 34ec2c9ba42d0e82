package dev.tidemark.gateway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.docs.Page;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.OptionSpec;

final class CommandPageTest {
    private static final int WIDTH = 100;

    private static List<CommandLine> all(CommandLine command) {
        List<CommandLine> all = new ArrayList<>(List.of(command));
        command.getSubcommands().values().forEach(below -> all.addAll(all(below)));
        return all;
    }

    @Test
    void theReferenceShowsEveryCommandAsItsHelpDoes() throws IOException {
        StringBuilder page =
                new StringBuilder(
                        """
                        # Commands

                        What `tidemark help COMMAND` prints. A point in time is a time with a zone (`2026-11-21T03:04:05Z`), a checkpoint's name,
                        `seq:N`, `-90s`, `-15m`, `-6h`, `-1d`, or `latest`; the exact point taken is always said.
                        Commands find the gateway through `--data`, else `TIDEMARK_DATA`, else the default data directory; `--url` and `TIDEMARK_URL` name its
                        API directly. `--json` prints the API's answer, and problems as JSON on standard error.
                        """);
        for (CommandLine command : all(Tidemark.commandLine())) {
            command.setUsageHelpAutoWidth(false);
            command.setUsageHelpWidth(WIDTH);
            if (command.getCommandSpec().name().equals("help")) {
                continue;
            }
            page.append("\n## ")
                    .append(command.getCommandSpec().qualifiedName())
                    .append("\n\n```text\n");
            page.append(command.getUsageMessage(Ansi.OFF).replaceAll("[ \\t]+\\n", "\n").strip());
            page.append("\n```\n");
        }
        Page.check("cli.md", page.toString());
    }

    @Test
    void everyCommandAndOptionSaysWhatItIsFor() {
        for (CommandLine command : all(Tidemark.commandLine())) {
            String name = command.getCommandSpec().qualifiedName();
            assertThat(command.getCommandSpec().usageMessage().description()).as(name).isNotEmpty();
            for (OptionSpec option : command.getCommandSpec().options()) {
                assertThat(option.description()).as(name + " " + option.longestName()).isNotEmpty();
            }
            command.getCommandSpec()
                    .positionalParameters()
                    .forEach(parameter ->
                            assertThat(parameter.description())
                                    .as(name + " " + parameter.paramLabel())
                                    .isNotEmpty());
        }
    }
}
