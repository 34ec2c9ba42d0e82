package dev.tidemark.harness;

import java.util.List;

/** What LIO does otherwise, and why that is right. */
enum LioDifferences {
    NONE;

    /** Whether this is why the answers to a command differ. */
    boolean explains(
            ScsiCommand command,
            ScsiInitiator.Answer our,
            ScsiInitiator.Answer their,
            List<String> differences) {
        return false;
    }
}
