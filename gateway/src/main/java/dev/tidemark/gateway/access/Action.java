package dev.tidemark.gateway.access;

import java.util.Arrays;
import java.util.Optional;

/** What a rule lets a client do. */
public enum Action {
    /** Everything the export offers. */
    READ_WRITE("read-write"),
    /** Read the live disk, its points and tests. */
    READ_ONLY("read-only"),
    /** Read points in time; the live disk is not opened. */
    POINTS("points"),
    DENY("deny");

    private final String word;

    Action(String word) {
        this.word = word;
    }

    /** The word in a rule. */
    public String word() {
        return word;
    }

    static Optional<Action> of(String word) {
        return Arrays.stream(values()).filter(action -> action.word.equals(word)).findFirst();
    }
}
