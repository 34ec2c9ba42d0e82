package dev.tidemark.storage;

/** Names of directory entries: single path components. */
public final class Names {
    private Names() {}

    /** Returns the name; one that is no single path component is the caller's fault. */
    public static String check(String name) {
        boolean dots = name.equals(".") || name.equals("..");
        if (name.isEmpty() || dots || name.indexOf('/') >= 0 || name.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("'" + name + "' is not a single path component");
        }
        return name;
    }
}
