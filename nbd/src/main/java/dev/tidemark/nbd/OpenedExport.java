package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDevice;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * An export held open for one connection.
 *
 * <p>Requests are checked against the device's {@code geometry()} and {@code features()} before
 * they reach it, so the device need not be wrapped in a validating filter of its own.
 */
public interface OpenedExport {

    /**
     * The name under which the same bytes can be opened again; may differ from the name asked for,
     * for instance when that was a relative time. Sent as {@code NBD_INFO_NAME}.
     */
    String canonicalName();

    /** A sentence for people, may be empty. Sent as {@code NBD_INFO_DESCRIPTION}. */
    String description();

    /** The disk; the same object on every call. */
    BlockDevice device();

    /**
     * Opens a metadata context that {@link ExportCatalog#contexts} named; the caller closes it
     * before the export. Called on an event loop, must not block; fails like {@link
     * ExportCatalog#open}.
     */
    default CompletionStage<StatusContext> openContext(String name) {
        return CompletableFuture.failedFuture(
                new ExportOpenException(
                        ExportOpenException.Kind.UNKNOWN, "no metadata context " + name));
    }

    /**
     * Gives the export back. Called exactly once, on an event loop, after the last request of the
     * connection has completed; must not block.
     */
    void close();
}
