package dev.tidemark.nbd;

import dev.tidemark.nbd.OptionRequest.MetaContexts;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Answers LIST_META_CONTEXT and SET_META_CONTEXT: asks the catalogue about one query after the
 * other, and gathers the names that match.
 */
final class MetaContextOption {
    /** Contexts one connection may select; more is ERR_TOO_BIG. */
    static final int MAXIMUM_CONTEXTS = 16;

    /** Contexts a list shows; it need not be complete (proto.md "NBD_OPT_LIST_META_CONTEXT"). */
    static final int MAXIMUM_LISTED = 4096;

    private final OptionExchange exchange;
    private final MetaContexts asked;

    /** What is left to ask, from {@link #next} on. */
    private final List<String> queries;

    private int next;
    private final Set<String> names = new LinkedHashSet<>();

    private MetaContextOption(OptionExchange exchange, MetaContexts asked) {
        this.exchange = exchange;
        this.asked = asked;
        // No query at all lists everything, and selects nothing; the export must exist either way.
        this.queries = asked.queries().isEmpty() ? List.of("") : asked.queries();
    }

    static void answer(OptionExchange exchange, MetaContexts asked) {
        if (!exchange.negotiation().form().chunked()) {
            exchange.refuse(
                    Handshake.ERROR_INVALID,
                    "metadata contexts need structured replies or extended headers first");
            return;
        }
        new MetaContextOption(exchange, asked).askNext();
    }

    private void askNext() {
        if (next == queries.size()) {
            finish();
            return;
        }
        String query = queries.get(next++);
        exchange.await(
                () ->
                        exchange.service()
                                .catalog()
                                .contexts(exchange.client(), asked.exportName(), query),
                (found, failure) -> found(query, found, failure));
    }

    private void found(
            String query, @Nullable List<ContextDescription> found, @Nullable Throwable failure) {
        if (exchange.ended()) {
            return;
        }
        if (found == null) {
            exchange.refuse(failure);
            return;
        }
        boolean wideToo = exchange.negotiation().form() == ReplyForm.EXTENDED;
        take(query, SelectedContext.ALLOCATION);
        for (ContextDescription context : found) {
            // Wide ones are left out for who cannot read them (NBD_OPT_SET_META_CONTEXT).
            if (wideToo || !context.wide()) {
                take(query, context.name());
            }
        }
        askNext();
    }

    /**
     * Takes a context if the query means it. SET takes full names only: a wildcard selects nothing
     * there (proto.md "The base: metadata namespace").
     */
    private void take(String query, String name) {
        boolean wanted =
                query.equals(name)
                        || (!asked.set() && query.endsWith(":") && name.startsWith(query));
        boolean everything = !asked.set() && query.isEmpty();
        if ((wanted || everything) && names.size() < MAXIMUM_LISTED) {
            names.add(name);
        }
    }

    private void finish() {
        if (asked.set() && names.size() > MAXIMUM_CONTEXTS) {
            exchange.refuse(
                    Handshake.ERROR_TOO_BIG,
                    "%d contexts exceed %d".formatted(names.size(), MAXIMUM_CONTEXTS));
            return;
        }
        List<SelectedContext> contexts = new ArrayList<>();
        for (String name : names) {
            // In a list the number is reserved and 0 (NBD_OPT_LIST_META_CONTEXT).
            contexts.add(new SelectedContext(asked.set() ? contexts.size() + 1 : 0, name));
        }
        if (asked.set()) {
            exchange.negotiation().select(asked.exportName(), contexts);
        }
        exchange.reply(exchange.replies().contexts(exchange.option(), contexts));
    }
}
