package dev.tidemark.gateway.api;

import java.io.IOException;
import java.io.OutputStream;

/** An answer that goes on: one JSON document a line, until either side ends it. */
@FunctionalInterface
interface Lines {
    /** Writes lines; may block for as long as the client does not read. */
    void writeTo(OutputStream client) throws IOException;
}
