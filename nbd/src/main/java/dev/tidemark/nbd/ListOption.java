package dev.tidemark.nbd;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Answers LIST (proto.md "NBD_OPT_LIST"). */
final class ListOption {
    private ListOption() {}

    static void answer(OptionExchange exchange) {
        exchange.await(
                () -> exchange.service().catalog().list(exchange.client()),
                (exports, failure) -> listed(exchange, exports, failure));
    }

    private static void listed(
            OptionExchange exchange,
            @Nullable List<ExportDescription> exports,
            @Nullable Throwable failure) {
        if (exchange.ended()) {
            return;
        }
        if (exports == null) {
            exchange.refuse(failure);
            return;
        }
        exchange.allowMore((long) NbdLimits.OPTIONS_PER_EXPORT * exports.size());
        exchange.reply(exchange.replies().list(exchange.option(), exports));
    }
}
