package dev.tidemark.gateway.config;

import dev.tidemark.gateway.docs.Page;
import java.io.IOException;
import org.junit.jupiter.api.Test;

final class ConfigurationPageTest {
    @Test
    void theReferenceShowsEveryKey() throws IOException {
        StringBuilder page =
                new StringBuilder(
                        """
                        # Configuration

                        A TOML file: the one named with `--config`, else `/etc/tidemark/tidemark.toml` as root and `~/.config/tidemark/tidemark.toml` otherwise, when it exists.
                        Every key is optional. `tidemark serve --set KEY=VALUE` wins over the file. `tidemark config --print-default` prints a file to start from, `tidemark config`
                        checks one. Unknown keys are errors, and all problems are reported at once. The history keys are defaults of new groups; `tidemark group set` changes one group.

                        Sizes are quoted texts with a unit (`"64MiB"`, `"10G"`: powers of 1024; `"10GB"`: powers of 1000) or bare numbers of bytes; durations are quoted texts with a
                        unit (`"500ms"`, `"90s"`, `"1h30m"`, `"7d"`).

                        | Key | Default | Accepts | Effect |
                        |---|---|---|---|
                        """);
        for (SettingKey<?> key : Keys.all()) {
            String value =
                    key.name().equals(Keys.DATA_DIRECTORY.name())
                            ? "\"/var/lib/tidemark\" as root, \"~/.local/share/tidemark\" otherwise"
                            : key.defaultToml();
            page.append("| `").append(key.name()).append("` | ");
            page.append(Page.cell(value)).append(" | ");
            page.append(Page.cell(key.range())).append(" | ");
            page.append(Page.cell(key.effect())).append(" |\n");
        }
        Page.check("configuration.md", page.toString());
    }
}
