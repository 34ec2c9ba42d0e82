package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A catalogue of named devices that counts what is open. Thread-safe. */
final class TestCatalog implements ExportCatalog {
    private final Map<String, BlockDevice> devices = new ConcurrentHashMap<>();
    private final Map<String, CompletionStage<OpenedExport>> answers = new ConcurrentHashMap<>();

    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();
    final List<String> asked = new CopyOnWriteArrayList<>();

    TestCatalog add(String name, BlockDevice device) {
        devices.put(name, device);
        return this;
    }

    /** What the next opens of a name are answered with. */
    void answer(String name, CompletionStage<OpenedExport> answer) {
        answers.put(name, answer);
    }

    @Override
    public CompletionStage<List<ExportDescription>> list(NbdClient client) {
        List<ExportDescription> list = new ArrayList<>();
        devices.keySet().stream()
                .sorted()
                .forEach(name -> list.add(new ExportDescription(name, "about " + name)));
        return CompletableFuture.completedFuture(list);
    }

    @Override
    public CompletionStage<OpenedExport> open(NbdClient client, String name, boolean infoOnly) {
        asked.add(name + (infoOnly ? " info" : " go"));
        CompletionStage<OpenedExport> answer = answers.get(name);
        if (answer != null) {
            return answer;
        }
        BlockDevice device = devices.get(name);
        return device == null
                ? CompletableFuture.failedFuture(
                        new ExportOpenException(
                                ExportOpenException.Kind.UNKNOWN, "no export \"" + name + '"'))
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
            public void close() {
                open.decrementAndGet();
            }
        };
    }
}
