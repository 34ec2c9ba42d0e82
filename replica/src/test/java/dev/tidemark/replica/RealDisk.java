package dev.tidemark.replica;

import dev.tidemark.execution.ThreadScheduler;
import dev.tidemark.journal.IndexCache;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.storage.FileStorageDirectory;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/** A protection group on a real folder with real threads. */
final class RealDisk implements AutoCloseable {
    final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    final ThreadScheduler scheduler =
            new ThreadScheduler("group", 4, (thread, failure) -> failures.add(failure));
    final ProtectionGroup group;

    RealDisk(Path folder, boolean create, Rules rules) throws Exception {
        this(folder, create, rules, GroupListener.NONE);
    }

    RealDisk(Path folder, boolean create, Rules rules, GroupListener listener) throws Exception {
        GroupOptions options = GroupOptions.defaults().withUnitBytes(4 << 20);
        FileStorageDirectory directory = FileStorageDirectory.at(folder);
        Environment environment =
                new Environment(
                        scheduler, new SegmentPool(1L << 40), new IndexCache(8 << 20), listener);
        this.group =
                create
                        ? ProtectionGroup.create(
                                options, new UUID(1, 2), directory, environment, rules)
                        : ProtectionGroup.open(options, directory, environment, rules, null);
    }

    void drainAndClose() throws Exception {
        group.drain().get(30, TimeUnit.SECONDS);
        close();
    }

    @Override
    public void close() {
        group.close();
        scheduler.close();
        if (!failures.isEmpty()) {
            throw new AssertionError("a task failed", failures.peek());
        }
    }
}
