package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The payload of a filtered BLOCK_STATUS (extension-ext-header, "NBD_CMD_BLOCK_STATUS"),
 * big-endian:
 *
 * <pre>
 * offset size field
 *      0    8 length of the range
 *      8    4 number of a metadata context, repeated
 * </pre>
 */
final class StatusPayload {
    private static final int LENGTH_BYTES = 8;
    private static final int ID_BYTES = 4;

    private StatusPayload() {}

    /** Whether a payload of this size can name some of the selected contexts, each once. */
    static boolean sound(long payloadBytes, int contexts) {
        return payloadBytes >= LENGTH_BYTES + ID_BYTES
                && payloadBytes <= LENGTH_BYTES + (long) ID_BYTES * contexts
                && (payloadBytes - LENGTH_BYTES) % ID_BYTES == 0;
    }

    /** Reads the range's length. */
    static long readLength(ByteBuf payload) {
        return payload.readLong();
    }

    /** The contexts that are named; null when one is unknown or named twice. */
    static @Nullable List<Session.Context> readContexts(
            ByteBuf payload, List<Session.Context> selected) {
        List<Session.Context> named = new ArrayList<>();
        Set<Integer> seen = new HashSet<>();
        while (payload.isReadable()) {
            int id = payload.readInt();
            Session.Context context = find(id, selected);
            if (context == null || !seen.add(id)) {
                return null;
            }
            named.add(context);
        }
        return named;
    }

    private static Session.@Nullable Context find(int id, List<Session.Context> selected) {
        for (Session.Context context : selected) {
            if (context.id() == id) {
                return context;
            }
        }
        return null;
    }
}
