package dev.tidemark.nbd;

import org.jspecify.annotations.Nullable;

/**
 * What a client's options have agreed on so far. Belongs to the connection's event loop.
 *
 * <p>All of it is forgotten when a session is wrapped in TLS (proto.md "NBD_OPT_STARTTLS").
 */
final class Negotiation {
    /** What INFO opened, for a GO with the same name (proto.md NBD_OPT_INFO: both must agree). */
    private @Nullable OpenedExport kept;

    private String keptName = "";

    /** Keeps an export for {@link #take}. */
    void keep(String name, OpenedExport export) {
        forgetExport();
        kept = export;
        keptName = name;
    }

    /** The export kept under a name, now the caller's; null when there is none. */
    @Nullable OpenedExport take(String name) {
        OpenedExport export = kept;
        if (export == null || !keptName.equals(name)) {
            return null;
        }
        kept = null;
        return export;
    }

    /** Closes an export that is kept. */
    void forgetExport() {
        OpenedExport export = kept;
        kept = null;
        if (export != null) {
            export.close();
        }
    }

    /** Forgets everything. */
    void forget() {
        forgetExport();
    }
}
