package dev.tidemark.gateway.server;

/** The release this process was built as. */
public final class Version {
    private Version() {}

    /** From the jar's manifest; "development" outside a jar. */
    public static String text() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
