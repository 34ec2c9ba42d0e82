package dev.tidemark.harness;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the checkout lies that is being tested, so that Maven and IDEs agree. */
final class ProjectFiles {
    private ProjectFiles() {}

    static Path root() {
        for (Path folder = Path.of("").toAbsolutePath();
                folder != null;
                folder = folder.getParent()) {
            if (Files.exists(folder.resolve("scripts/packages.sh"))) {
                return folder;
            }
        }
        throw new AssertionError(Path.of("").toAbsolutePath() + " lies in no checkout");
    }
}
