package dev.tidemark.gateway.access;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.filter.ReadOnlyDevice;
import dev.tidemark.gateway.access.AccessRules.Verdict;
import dev.tidemark.nbd.ContextDescription;
import dev.tidemark.nbd.ExportCatalog;
import dev.tidemark.nbd.ExportDescription;
import dev.tidemark.nbd.ExportOpenException;
import dev.tidemark.nbd.ExportOpenException.Kind;
import dev.tidemark.nbd.NbdClient;
import dev.tidemark.nbd.OpenedExport;
import dev.tidemark.nbd.StatusContext;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A catalogue that asks the rules first. A client is told the same of a disk that it may not have
 * and of one that does not exist, and does not see it in the list. Thread-safe.
 */
public final class GuardedExports implements ExportCatalog {
    private static final Logger log = LoggerFactory.getLogger(GuardedExports.class);

    private final ExportCatalog exports;
    private final AccessRules rules;
    private final AccessMetrics metrics;

    public GuardedExports(ExportCatalog exports, AccessRules rules, MeterRegistry registry) {
        this.exports = exports;
        this.rules = rules;
        this.metrics = new AccessMetrics(registry);
    }

    @Override
    public CompletionStage<List<ExportDescription>> list(NbdClient client) {
        return exports.list(client)
                .thenApply(all ->
                        all.stream().filter(one -> refusal(client, one.name()) == null).toList());
    }

    @Override
    public CompletionStage<OpenedExport> open(NbdClient client, String name, boolean infoOnly) {
        ExportOpenException refusal = name.isEmpty() ? null : checked(client, name);
        if (refusal != null) {
            return CompletableFuture.failedFuture(refusal);
        }
        return exports.open(client, name, infoOnly).thenApply(opened -> admitted(client, opened));
    }

    @Override
    public CompletionStage<List<ContextDescription>> contexts(
            NbdClient client, String exportName, String query) {
        if (!exportName.isEmpty()) {
            ExportOpenException refusal = checked(client, exportName);
            return refusal != null
                    ? CompletableFuture.failedFuture(refusal)
                    : exports.contexts(client, exportName, query);
        }
        // Only opening tells which export the default one is.
        return open(client, "", true)
                .thenCompose(opened -> {
                    String name = opened.canonicalName();
                    opened.close();
                    return exports.contexts(client, name, query);
                });
    }

    /** The name asked for may stand for another: what was opened decides. */
    private OpenedExport admitted(NbdClient client, OpenedExport opened) {
        String name = opened.canonicalName();
        ExportOpenException refusal = checked(client, name);
        if (refusal != null) {
            opened.close();
            throw new CompletionException(refusal);
        }
        boolean readOnly =
                rules.decide(Client.of(client), name) instanceof Verdict.Allowed(Action action)
                        && action != Action.READ_WRITE
                        && !opened.device().features().readOnly();
        return readOnly ? new ReadOnlyExport(opened) : opened;
    }

    /** The refusal, logged and counted; null when there is none. */
    private @Nullable ExportOpenException checked(NbdClient client, String name) {
        Verdict.Refused refusal = refusal(client, name);
        if (refusal == null) {
            return null;
        }
        metrics.refused(refusal.withProof());
        log.info("refused: client={} export={}: {}", client, printable(name), refusal.why());
        return refusal.withProof()
                ? new ExportOpenException(
                        Kind.TLS_REQUIRED,
                        "\"" + name + "\" is not served to this client outside TLS")
                : new ExportOpenException(
                        Kind.POLICY, "this client may not open \"" + name + "\": " + refusal.why());
    }

    private Verdict.@Nullable Refused refusal(NbdClient client, String name) {
        return rules.decide(Client.of(client), name) instanceof Verdict.Refused refused
                ? refused
                : null;
    }

    /** A client's text, fit for a log: one line, bounded. */
    private static String printable(String name) {
        String safe = name.replaceAll("[^\\p{L}\\p{N}\\p{P}\\p{S} ]", "?");
        return safe.length() <= 200 ? safe : safe.substring(0, 200) + "...";
    }

    /** An export of which a rule lets the client read only. */
    private static final class ReadOnlyExport implements OpenedExport {
        private final OpenedExport export;
        private final BlockDevice device;

        ReadOnlyExport(OpenedExport export) {
            this.export = export;
            this.device = new ReadOnlyDevice(export.device());
        }

        @Override
        public String canonicalName() {
            return export.canonicalName();
        }

        @Override
        public String description() {
            return export.description();
        }

        @Override
        public BlockDevice device() {
            return device;
        }

        @Override
        public CompletionStage<StatusContext> openContext(String name) {
            return export.openContext(name);
        }

        @Override
        public void close() {
            export.close();
        }
    }
}
