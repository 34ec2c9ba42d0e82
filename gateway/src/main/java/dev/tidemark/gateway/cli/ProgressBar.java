package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.wire.Wire.TaskDocument;
import java.io.PrintWriter;
import java.util.Locale;

/** One line that shows how far a task is; silent when nobody watches. */
final class ProgressBar {
    private static final int CELLS = 30;

    private final PrintWriter terminal;
    private final boolean watched;
    private boolean shown;

    ProgressBar(PrintWriter terminal, boolean watched) {
        this.terminal = terminal;
        this.watched = watched;
    }

    void show(TaskDocument task) {
        if (!watched) {
            return;
        }
        shown = true;
        terminal.print("\r" + line(task) + "\u001b[K");
        terminal.flush();
    }

    static String line(TaskDocument task) {
        int full = (int) Math.round(task.progress() * CELLS);
        return String.format(
                Locale.ROOT,
                "%s [%s%s] %3.0f %% %s",
                task.kind(),
                "#".repeat(full),
                ".".repeat(CELLS - full),
                task.progress() * 100,
                task.detail());
    }

    void end() {
        if (shown) {
            terminal.println();
            terminal.flush();
        }
    }
}
