package dev.tidemark.nbd;

import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.nbd.OptionRequest.Information;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Answers EXPORT_NAME, INFO and GO: the options that open an export. */
final class ExportOption {
    /**
     * A client that knows nothing of block sizes keeps to sectors (proto.md "Size constraints").
     */
    private static final int SECTOR_BYTES = 512;

    private ExportOption() {}

    /** EXPORT_NAME, which has no error reply (proto.md "NBD_OPT_EXPORT_NAME"). */
    static void answer(OptionExchange exchange, String name, boolean zeroes) {
        if (exchange.negotiation().form() == ReplyForm.EXTENDED) {
            exchange.hangUp("EXPORT_NAME after extended headers; they need GO");
            return;
        }
        open(
                exchange,
                name,
                false,
                (export, failure) -> {
                    if (export == null) {
                        exchange.hangUp(failure);
                    } else if (needsBlockSizes(export)) {
                        export.close();
                        exchange.hangUp(
                                "EXPORT_NAME of an export whose block size must be asked for");
                    } else {
                        ByteBuf reply =
                                exchange.replies()
                                        .exportName(
                                                export.device(),
                                                flags(exchange, name, export),
                                                zeroes);
                        enter(exchange, name, export, reply, why -> exchange.hangUp(why));
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
        OptionReplies replies = exchange.replies();
        if (!asked.wantsBlockSize() && needsBlockSizes(export)) {
            ByteBuf refusal =
                    replies.blockSizeRequired(exchange.option(), export.device().geometry());
            export.close();
            exchange.reply(refusal);
            return;
        }
        int flags = flags(exchange, asked.name(), export);
        ByteBuf reply = replies.information(exchange.option(), asked, export, flags);
        if (asked.go()) {
            enter(exchange, asked.name(), export, reply, why -> exchange.refuse(why));
        } else {
            exchange.negotiation().keep(asked.name(), export);
            exchange.reply(reply);
        }
    }

    /** Smaller blocks than a client must expect are no reason to refuse one that did not ask. */
    private static boolean needsBlockSizes(OpenedExport export) {
        Geometry geometry = export.device().geometry();
        return geometry.minimumBytes() > SECTOR_BYTES;
    }

    private static int flags(OptionExchange exchange, String name, OpenedExport export) {
        Negotiation negotiation = exchange.negotiation();
        return TransmissionFlags.of(
                export.device().features(),
                negotiation.form(),
                !negotiation.contexts(name).isEmpty());
    }

    private static void enter(
            OptionExchange exchange,
            String name,
            OpenedExport export,
            ByteBuf reply,
            Consumer<@Nullable Throwable> refuse) {
        List<SelectedContext> selected = exchange.negotiation().contexts(name);
        ContextOpener.open(
                exchange,
                export,
                selected,
                (contexts, failure) -> {
                    if (contexts != null && !exchange.ended()) {
                        exchange.enterTransmission(
                                new Session(export, exchange.negotiation().form(), contexts),
                                reply);
                        return;
                    }
                    reply.release();
                    if (contexts != null) {
                        Session.closeAll(contexts);
                    }
                    export.close();
                    if (!exchange.ended()) {
                        refuse.accept(failure);
                    }
                });
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
