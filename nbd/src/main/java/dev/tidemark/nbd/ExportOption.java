package dev.tidemark.nbd;

import dev.tidemark.nbd.OptionRequest.Information;
import io.netty.buffer.ByteBuf;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Answers EXPORT_NAME, INFO and GO: the options that open an export. */
final class ExportOption {
    private ExportOption() {}

    /** EXPORT_NAME, which has no error reply (proto.md "NBD_OPT_EXPORT_NAME"). */
    static void answer(OptionExchange exchange, String name, boolean zeroes) {
        open(
                exchange,
                name,
                false,
                (export, failure) -> {
                    if (export == null) {
                        exchange.hangUp(failure);
                    } else {
                        exchange.enterTransmission(
                                export, exchange.replies().exportName(export.device(), zeroes));
                    }
                });
    }

    /** INFO and GO (proto.md "NBD_OPT_INFO"). */
    static void answer(OptionExchange exchange, Information asked) {
        open(
                exchange,
                asked.name(),
                !asked.go(),
                (export, failure) -> opened(exchange, asked, export, failure));
    }

    private static void opened(
            OptionExchange exchange,
            Information asked,
            @Nullable OpenedExport export,
            @Nullable Throwable failure) {
        if (export == null) {
            exchange.refuse(failure);
            return;
        }
        ByteBuf reply = exchange.replies().information(exchange.option(), asked, export);
        if (asked.go()) {
            exchange.enterTransmission(export, reply);
        } else {
            exchange.negotiation().keep(asked.name(), export);
            exchange.reply(reply);
        }
    }

    private static void open(
            OptionExchange exchange,
            String name,
            boolean infoOnly,
            BiConsumer<@Nullable OpenedExport, @Nullable Throwable> then) {
        OpenedExport earlier = exchange.negotiation().take(name);
        if (earlier != null) {
            then.accept(earlier, null);
            return;
        }
        exchange.negotiation().forgetExport();
        exchange.await(
                () -> exchange.service().catalog().open(exchange.client(), name, infoOnly),
                (export, failure) -> {
                    if (!exchange.ended()) {
                        then.accept(export, failure);
                    } else if (export != null) {
                        export.close(); // the client has gone meanwhile
                    }
                });
    }
}
