package dev.tidemark.iscsi.target;

import org.jspecify.annotations.Nullable;

/**
 * Who logs in, as far as is known.
 *
 * @param name the iSCSI name it gives, proven by nothing
 * @param address the address it comes from
 * @param chapUser the CHAP name it has proven to be; null before that, or without CHAP
 */
public record Initiator(String name, String address, @Nullable String chapUser) {

    /** The same one, once it has proven who it is; null when nobody asked. */
    public Initiator authenticatedAs(@Nullable String user) {
        return new Initiator(name, address, user);
    }
}
