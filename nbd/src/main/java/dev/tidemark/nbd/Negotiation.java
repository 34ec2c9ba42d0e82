package dev.tidemark.nbd;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client's options have agreed on so far. Belongs to the connection's event loop.
 *
 * <p>All of it is forgotten when a session is wrapped in TLS (proto.md "NBD_OPT_STARTTLS").
 */
final class Negotiation {
    private ReplyForm form = ReplyForm.SIMPLE;

    private List<SelectedContext> contexts = List.of();

    /** The export the contexts were selected for; they are void for any other. */
    private String contextsName = "";

    /** What INFO opened, for a GO with the same name (proto.md NBD_OPT_INFO: both must agree). */
    private @Nullable OpenedExport kept;

    private String keptName = "";

    ReplyForm form() {
        return form;
    }

    /** Replies are chunks from now on; extended headers, once agreed on, stay. */
    void agreeOn(ReplyForm other) {
        if (other.compareTo(form) > 0) {
            form = other;
        }
    }

    /** Replaces the selection of metadata contexts. */
    void select(String exportName, List<SelectedContext> selection) {
        contextsName = exportName;
        contexts = List.copyOf(selection);
    }

    /** The selection as it stands for an export, by the name the client uses. */
    List<SelectedContext> contexts(String exportName) {
        return contextsName.equals(exportName) ? contexts : List.of();
    }

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
        form = ReplyForm.SIMPLE;
        contexts = List.of();
        forgetExport();
    }
}
