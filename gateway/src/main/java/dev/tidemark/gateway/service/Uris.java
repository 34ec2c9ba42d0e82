package dev.tidemark.gateway.service;

import java.util.ArrayList;
import java.util.List;

/** The addresses under which exports can be opened, known once the servers listen. Thread-safe. */
public final class Uris {
    /** An address of a server: what comes before and after an export's name. */
    public record Base(String prefix, String suffix) {
        /** The URI of an export; names need no escaping. */
        public String of(String export) {
            return prefix + export + suffix;
        }
    }

    private volatile List<Base> bases = List.of();

    public void listening(List<Base> addresses) {
        bases = List.copyOf(addresses);
    }

    public List<String> of(String export) {
        List<String> uris = new ArrayList<>();
        bases.forEach(base -> uris.add(base.of(export)));
        return uris;
    }
}
