package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.blockdevice.StatusSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A catalogue of named devices that counts what is open. Thread-safe. */
final class TestCatalog implements ExportCatalog {
    private final Map<String, BlockDevice> devices = new ConcurrentHashMap<>();
    private final Map<String, CompletionStage<OpenedExport>> answers = new ConcurrentHashMap<>();

    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();
    final AtomicInteger openContexts = new AtomicInteger();
    final AtomicInteger listed = new AtomicInteger();
    final List<String> asked = new CopyOnWriteArrayList<>();
    final List<NbdClient> clients = new CopyOnWriteArrayList<>();

    TestCatalog add(String name, BlockDevice device) {
        devices.put(name, device);
        return this;
    }

    private final Map<String, TestContext> contexts = new ConcurrentHashMap<>();

    /** A metadata context that every export has; its opening fails when it has no source. */
    private record TestContext(ContextDescription description, @Nullable StatusSource source) {}

    TestCatalog addContext(String name, boolean wide, @Nullable StatusSource source) {
        contexts.put(name, new TestContext(new ContextDescription(name, wide), source));
        return this;
    }

    @Override
    public CompletionStage<List<ContextDescription>> contexts(
            NbdClient client, String exportName, String query) {
        if (!devices.containsKey(exportName)) {
            return CompletableFuture.failedFuture(unknown(exportName));
        }
        List<ContextDescription> found = new ArrayList<>();
        for (TestContext context : new TreeMap<>(contexts).values()) {
            if (context.description().name().startsWith(query)) {
                found.add(context.description());
            }
        }
        return CompletableFuture.completedFuture(found);
    }

    private static ExportOpenException unknown(String name) {
        return new ExportOpenException(
                ExportOpenException.Kind.UNKNOWN, "no export \"" + name + '"');
    }

    private CompletionStage<StatusContext> openContext(String name) {
        TestContext context = contexts.get(name);
        StatusSource source = context == null ? null : context.source();
        if (source == null) {
            return CompletableFuture.failedFuture(
                    new ExportOpenException(
                            ExportOpenException.Kind.POLICY, "context " + name + " is gone"));
        }
        openContexts.incrementAndGet();
        return CompletableFuture.completedFuture(
                new StatusContext() {
                    @Override
                    public void status(
                            long offsetBytes,
                            long lengthBytes,
                            int maximumCount,
                            StatusCompletion done) {
                        source.status(offsetBytes, lengthBytes, maximumCount, done);
                    }

                    @Override
                    public void close() {
                        openContexts.decrementAndGet();
                    }
                });
    }

    /** What the next opens of a name are answered with. */
    void answer(String name, CompletionStage<OpenedExport> answer) {
        answers.put(name, answer);
    }

    @Override
    public CompletionStage<List<ExportDescription>> list(NbdClient client) {
        listed.incrementAndGet();
        List<ExportDescription> list = new ArrayList<>();
        devices.keySet().stream()
                .sorted()
                .forEach(name -> list.add(new ExportDescription(name, "about " + name)));
        return CompletableFuture.completedFuture(list);
    }

    @Override
    public CompletionStage<OpenedExport> open(NbdClient client, String name, boolean infoOnly) {
        clients.add(client);
        asked.add(name + (infoOnly ? " info" : " go"));
        CompletionStage<OpenedExport> answer = answers.get(name);
        if (answer != null) {
            return answer;
        }
        BlockDevice device = devices.get(name);
        return device == null
                ? CompletableFuture.failedFuture(unknown(name))
                : CompletableFuture.completedFuture(export(name, device));
    }

    OpenedExport export(String name, BlockDevice device) {
        opened.incrementAndGet();
        open.incrementAndGet();
        return new OpenedExport() {
            @Override
            public String canonicalName() {
                return "canonical " + name;
            }

            @Override
            public String description() {
                return "about " + name;
            }

            @Override
            public BlockDevice device() {
                return device;
            }

            @Override
            public CompletionStage<StatusContext> openContext(String context) {
                return TestCatalog.this.openContext(context);
            }

            @Override
            public void close() {
                open.decrementAndGet();
            }
        };
    }
}
