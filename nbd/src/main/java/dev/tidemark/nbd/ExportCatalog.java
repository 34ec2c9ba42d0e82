package dev.tidemark.nbd;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Where exports come from. Implemented by whoever embeds the server.
 *
 * <p>All methods are called on an event loop and must not block: what may wait for a disk returns
 * an unfinished stage, which may complete on any thread. A stage that fails with {@link
 * ExportOpenException} decides the error code and the text the client sees; any other failure is
 * logged and reported without its text.
 */
public interface ExportCatalog {

    /** The exports a client is shown; not necessarily all that {@link #open} accepts. */
    CompletionStage<List<ExportDescription>> list(NbdClient client);

    /**
     * Opens an export by the name a client asked for; the empty name means the default export.
     *
     * <p>A client that asks for information and then enters transmission with the same name is
     * served from the one export that was opened for the information, so that both answers agree.
     * An implementation may therefore use {@code infoOnly} to put costly work off until the device
     * is first asked for bytes, but it must hand out a usable export either way.
     *
     * @param infoOnly the client asked for information and has not said yet that it will go on
     */
    CompletionStage<OpenedExport> open(NbdClient client, String name, boolean infoOnly);

    /**
     * The metadata contexts of an export that match a query; {@code base:allocation} is the
     * server's own business and not named here. Nothing is opened. Fails like {@link #open} when
     * the client may not have the export, whatever the query.
     *
     * @param query a full name; or a namespace with its colon, for all that is in it; or empty, for
     *     all there are. What is not known matches nothing. A client is given what it named by a
     *     full name only if the answer carries exactly that name.
     */
    default CompletionStage<List<ContextDescription>> contexts(
            NbdClient client, String exportName, String query) {
        return CompletableFuture.completedFuture(List.of());
    }
}
