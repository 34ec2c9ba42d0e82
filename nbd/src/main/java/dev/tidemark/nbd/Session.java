package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.StatusSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a connection in transmission serves, as its handshake has agreed on.
 *
 * @param export the export, open
 * @param form how requests are answered
 * @param contexts the metadata contexts the client has selected, open
 */
record Session(OpenedExport export, ReplyForm form, List<Context> contexts) {

    /**
     * An open metadata context.
     *
     * @param id its number in replies
     * @param source where its answers come from
     * @param opened what has to be given back; null for what belongs to the device itself
     */
    record Context(int id, StatusSource source, @Nullable StatusContext opened) {
        /** The device's own allocation map. */
        static Context allocation(int id, BlockDevice device) {
            return new Context(id, device::allocation, null);
        }
    }

    Session {
        contexts = List.copyOf(contexts);
    }

    /** Gives everything back; once, on the event loop, after the last request has completed. */
    void close() {
        closeAll(contexts);
        export.close();
    }

    static void closeAll(List<Context> contexts) {
        for (Context context : contexts) {
            StatusContext opened = context.opened();
            if (opened != null) {
                opened.close();
            }
        }
    }
}
