package dev.tidemark.gateway.demo;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Prints a story step by step, and keeps what it claimed and could not prove. Not thread-safe. */
final class Telling {
    private final PrintWriter out;
    private final long startedNanos = System.nanoTime();
    private final List<String> broken = new ArrayList<>();
    private int step;

    Telling(PrintWriter out) {
        this.out = out;
    }

    PrintWriter out() {
        return out;
    }

    /** Begins the next step. */
    void step(String what) {
        double seconds = (System.nanoTime() - startedNanos) / 1e9;
        step++;
        out.printf(Locale.ROOT, "%n%d. [%4.1f s] %s%n", step, seconds, what);
        out.flush();
    }

    /** Says something within a step. */
    void line(String what) {
        out.println("   " + what);
        out.flush();
    }

    /** Says what was tried, and how it came out. */
    void claim(boolean holds, String what) {
        line((holds ? "proven: " : "NOT PROVEN: ") + what);
        if (!holds) {
            broken.add(what);
        }
    }

    /** Says how it ended; true when everything was proven. */
    boolean finish() {
        out.println();
        double seconds = (System.nanoTime() - startedNanos) / 1e9;
        if (broken.isEmpty()) {
            out.printf(Locale.ROOT, "Everything was proven, in %.1f seconds.%n", seconds);
        } else {
            out.printf(Locale.ROOT, "%d claims did NOT hold:%n", broken.size());
            broken.forEach(claim -> out.println("  " + claim));
        }
        out.flush();
        return broken.isEmpty();
    }
}
