package dev.tidemark.gateway.exports;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.nbd.ContextDescription;
import dev.tidemark.nbd.ExportCatalog;
import dev.tidemark.nbd.ExportDescription;
import dev.tidemark.nbd.ExportOpenException;
import dev.tidemark.nbd.ExportOpenException.Kind;
import dev.tidemark.nbd.NbdClient;
import dev.tidemark.nbd.OpenedExport;
import dev.tidemark.nbd.StatusContext;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The disks as NBD exports. Thread-safe; everything that may block runs on the executor given. */
public final class Exports implements ExportCatalog {
    private static final Logger log = LoggerFactory.getLogger(Exports.class);

    private final Disks disks;
    private final Executor executor;

    public Exports(Disks disks, Executor executor) {
        this.disks = disks;
        this.executor = executor;
    }

    @Override
    public CompletionStage<List<ExportDescription>> list(NbdClient client) {
        return run(() ->
                disks.list().stream()
                        .map(disk -> new ExportDescription(disk.name(), disk.description()))
                        .toList());
    }

    @Override
    public CompletionStage<OpenedExport> open(NbdClient client, String name, boolean infoOnly) {
        return run(() -> new Opened(disks.open(ClientIdentity.of(client), name)));
    }

    @Override
    public CompletionStage<List<ContextDescription>> contexts(
            NbdClient client, String exportName, String query) {
        return run(() -> disks.contexts(ClientIdentity.of(client), exportName, query));
    }

    private <T> CompletionStage<T> run(Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        executor.execute(() -> {
            try {
                result.complete(work.call());
            } catch (Exception e) {
                result.completeExceptionally(translate(e));
            }
        });
        return result;
    }

    /** What a client is told. */
    private static Exception translate(Exception failure) {
        ProblemException known = Engine.problem(failure);
        if (known.problem().kind() == ProblemKind.INTERNAL) {
            log.error("an export cannot be opened", failure);
        }
        Kind kind =
                switch (known.problem().kind()) {
                    case NOT_FOUND, INVALID, OUTSIDE_WINDOW -> Kind.UNKNOWN;
                    case FAILED -> Kind.SHUTDOWN;
                    default -> Kind.OTHER;
                };
        return new ExportOpenException(kind, known.problem().sentence(), failure);
    }

    /** An export held by one connection. */
    private final class Opened implements OpenedExport {
        private final Disk disk;

        Opened(Disk disk) {
            this.disk = disk;
        }

        @Override
        public String canonicalName() {
            return disk.canonicalName();
        }

        @Override
        public String description() {
            return disk.description();
        }

        @Override
        public BlockDevice device() {
            return disk.device();
        }

        @Override
        public CompletionStage<StatusContext> openContext(String name) {
            return run(() -> Contexts.open(disk.past(), name, disk.resolver()));
        }

        @Override
        public void close() {
            disk.close();
        }
    }
}
