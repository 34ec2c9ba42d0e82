package dev.tidemark.canary;

import java.util.ArrayList;
import java.util.List;

/** A lint warning, which must be an error. */
final class Canary {
    private Canary() {}

    static List<String> usesARawType() {
        return new ArrayList(); // expect: found raw type
    }
}
