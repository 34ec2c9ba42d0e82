package dev.tidemark.gateway.sites;

import java.util.List;

/**
 * What the configuration says of this site; empty where it says nothing.
 *
 * @param name checked
 * @param listen {@code host:port}
 * @param advertise {@code host:port} each
 */
public record SiteSettings(String name, String listen, List<String> advertise) {
    /** Nothing is configured. */
    public static final SiteSettings NONE = new SiteSettings("", "", List.of());

    public SiteSettings {
        advertise = List.copyOf(advertise);
    }

    boolean isEmpty() {
        return name.isEmpty() && listen.isEmpty() && advertise.isEmpty();
    }
}
