package dev.tidemark.gateway.demo;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The product in a minute. */
public final class Demo {
    public Demo(PrintWriter out, @Nullable Path folder, boolean keep) {
    }

    public int run() throws Exception {
        return 1;
    }
}
