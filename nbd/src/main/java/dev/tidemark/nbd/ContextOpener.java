package dev.tidemark.nbd;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Opens the metadata contexts of an export that is about to be served, one after the other. */
final class ContextOpener {

    /** Gets all contexts, or why one of them could not be opened; then none is open. */
    @FunctionalInterface
    interface Result {
        void opened(@Nullable List<Session.Context> contexts, @Nullable Throwable failure);
    }

    private final OptionExchange exchange;
    private final OpenedExport export;
    private final List<SelectedContext> selected;
    private final Result result;
    private final List<Session.Context> opened = new ArrayList<>();

    private ContextOpener(
            OptionExchange exchange,
            OpenedExport export,
            List<SelectedContext> selected,
            Result result) {
        this.exchange = exchange;
        this.export = export;
        this.selected = selected;
        this.result = result;
    }

    static void open(
            OptionExchange exchange,
            OpenedExport export,
            List<SelectedContext> selected,
            Result result) {
        new ContextOpener(exchange, export, selected, result).openNext();
    }

    private void openNext() {
        if (opened.size() == selected.size()) {
            result.opened(opened, null);
            return;
        }
        SelectedContext context = selected.get(opened.size());
        if (context.name().equals(SelectedContext.ALLOCATION)) {
            opened.add(Session.Context.allocation(context.id(), export.device()));
            openNext();
            return;
        }
        exchange.await(
                () -> export.openContext(context.name()),
                (source, failure) -> {
                    if (source != null) {
                        opened.add(new Session.Context(context.id(), source, source));
                    }
                    if (source == null || exchange.ended()) {
                        Session.closeAll(opened);
                        result.opened(null, failure);
                    } else {
                        openNext();
                    }
                });
    }
}
