package dev.tidemark.nbd;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;

/** Runs the clients that people use. A tool that is missing fails the test. */
final class Tool {
    private Tool() {}

    /** Runs a command to its end, expects success, and returns all it printed. */
    static String run(String... command) throws IOException, InterruptedException {
        return ForeignProgram.run(command);
    }
}
