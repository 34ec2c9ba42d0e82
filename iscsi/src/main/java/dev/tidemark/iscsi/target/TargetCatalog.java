package dev.tidemark.iscsi.target;

import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Where targets come from. Implemented by whoever embeds the server.
 *
 * <p>All methods are called on an event loop and must not block: what may wait for a disk returns
 * an unfinished stage, which may complete on any thread.
 */
public interface TargetCatalog {

    /** What a discovery session has to prove. */
    Authentication discoveryAuthentication();

    /** The targets an initiator is shown (SendTargets=All, RFC 7143 appendix C). */
    CompletionStage<List<TargetDescription>> list(Initiator initiator);

    /** Whether an initiator may use a target, and how it has to prove who it is. */
    CompletionStage<TargetAccess> access(Initiator initiator, String target);

    /**
     * Opens a target for a session, once the initiator has proven who it is. Fails with a {@link
     * TargetOpenException}, which decides the login status; any other failure is logged and
     * reported as unavailable.
     */
    CompletionStage<OpenedTarget> open(Initiator initiator, String target);
}
