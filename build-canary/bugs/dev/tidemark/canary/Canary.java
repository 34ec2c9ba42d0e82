package dev.tidemark.canary;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One bug per line that ends in "expect:", followed by words of the error that must name it. */
final class Canary {
    private String neverSet;

    private Canary() {} // expect: [NullAway]

    static int dereferencesNull(@Nullable String text) {
        return text.length(); // expect: [NullAway]
    }

    static List<String> losesNullnessOfAnElement() {
        List<@Nullable String> texts = new ArrayList<>();
        return texts; // expect: [NullAway]
    }

    static void dropsAnException() {
        new IllegalStateException("lost"); // expect: [DeadException]
    }

    static void dropsAResult(String text) {
        text.trim(); // expect: [ReturnValueIgnored]
    }
}
