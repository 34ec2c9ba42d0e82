package dev.tidemark.gateway.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A page of the reference that is made from the code. Run the tests with -Dtidemark.docs=write to
 * make the pages anew.
 */
public final class Page {
    private Page() {}

    /** The page in the repository must be what the code says. */
    public static void check(String name, String content) throws IOException {
        Path file = repository().resolve("docs/reference").resolve(name);
        if ("write".equals(System.getProperty("tidemark.docs"))) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, content);
        }
        assertThat(Files.exists(file))
                .as(file + " exists; make it with -Dtidemark.docs=write")
                .isTrue();
        assertThat(Files.readString(file))
                .as(name + " is what the code says; make it anew with -Dtidemark.docs=write")
                .isEqualTo(content);
    }

    private static Path repository() {
        Path here = Path.of("").toAbsolutePath();
        while (!Files.exists(here.resolve("ARCHITECTURE.md"))) {
            here = here.getParent();
            assertThat(here)
                    .as("a folder with ARCHITECTURE.md above the working directory")
                    .isNotNull();
        }
        return here;
    }

    /** A cell of a table. */
    public static String cell(String text) {
        return text.replace("|", "\\|").replace("<", "&lt;");
    }
}
