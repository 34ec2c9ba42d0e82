package dev.tidemark.gateway.exports;

import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.text.AskedPoint;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.nbd.ContextDescription;
import dev.tidemark.nbd.StatusContext;
import dev.tidemark.replica.CheckpointQuery;
import dev.tidemark.replica.HistoryMap;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Metadata contexts by name: {@code qemu:dirty-bitmap:<point>} tells what changed since a point
 * (bit 0, as qemu's docs/interop/nbd.rst has it), {@code x-tidemark:last-write-seq} and {@code
 * x-tidemark:last-write-time} from when the bytes are. May block.
 */
final class Contexts {
    private static final String QEMU = "qemu:";
    private static final String DIRTY_BITMAP = "qemu:dirty-bitmap:";
    private static final String TIDEMARK = "x-tidemark:";
    private static final String LAST_SEQUENCE = "x-tidemark:last-write-seq";
    private static final String LAST_TIME = "x-tidemark:last-write-time";

    /** Checkpoints on a list; those before can be named all the same. */
    static final int LISTED_CHECKPOINTS = 64;

    private Contexts() {}

    /** Opens maps of what one export shows. */
    interface Past {
        CompletableFuture<HistoryMap> changedSince(PointSpec since);

        /** Null when there is no such map of this kind of export. */
        @Nullable CompletableFuture<HistoryMap> lastWrites(HistoryMap.Mark mark);
    }

    /**
     * The names that match a query.
     *
     * @param lastSequence where the export's history ends
     * @param lastWrites whether it has contexts for its last writes
     * @param resolve the sequence number of a point as asked; fails when there is none
     */
    static List<ContextDescription> matching(
            Group group,
            long lastSequence,
            boolean lastWrites,
            String query,
            ToLongFunction<String> resolve) {
        List<ContextDescription> found = new ArrayList<>();
        if (query.isEmpty() || query.equals(QEMU) || query.equals(DIRTY_BITMAP)) {
            for (Checkpoint checkpoint : named(group, lastSequence)) {
                found.add(new ContextDescription(DIRTY_BITMAP + checkpoint.name(), false));
            }
        } else if (query.startsWith(DIRTY_BITMAP)
                && hasPoint(query.substring(DIRTY_BITMAP.length()), lastSequence, resolve)) {
            found.add(new ContextDescription(query, false));
        }
        for (String name : List.of(LAST_SEQUENCE, LAST_TIME)) {
            boolean all = query.isEmpty() || query.equals(TIDEMARK);
            if (lastWrites && (all || query.equals(name))) {
                found.add(new ContextDescription(name, true));
            }
        }
        return found;
    }

    private static boolean hasPoint(
            String asked, long lastSequence, ToLongFunction<String> resolve) {
        try {
            return resolve.applyAsLong(asked) <= lastSequence;
        } catch (ProblemException unknown) {
            return false;
        }
    }

    /**
     * Tagged checkpoints that can be asked for by their names, the newest first, a bounded list.
     */
    static List<Checkpoint> named(Group group, long lastSequence) {
        List<Checkpoint> found = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Checkpoint checkpoint :
                group.engine().checkpoints(CheckpointQuery.tagged(LISTED_CHECKPOINTS)).reversed()) {
            if (names.add(checkpoint.name())
                    && checkpoint.sequence() <= lastSequence
                    && isName(checkpoint.name())) {
                found.add(checkpoint);
            }
        }
        return found;
    }

    private static boolean isName(String name) {
        try {
            return AskedPoint.parse(name) instanceof AskedPoint.Named;
        } catch (ProblemException other) {
            return false;
        }
    }

    /** Opens a context; blocks until it is there. */
    static StatusContext open(Past past, String name, ToLongFunction<String> resolve) {
        if (name.startsWith(DIRTY_BITMAP)) {
            long since = resolve.applyAsLong(name.substring(DIRTY_BITMAP.length()));
            PointSpec point = new PointSpec.AtSequence(since);
            return new Opened(Engine.await(past.changedSince(point)), false);
        }
        CompletableFuture<HistoryMap> lastWrites =
                switch (name) {
                    case LAST_SEQUENCE -> past.lastWrites(HistoryMap.Mark.SEQUENCE);
                    case LAST_TIME -> past.lastWrites(HistoryMap.Mark.TIME);
                    default -> null;
                };
        if (lastWrites == null) {
            throw ProblemException.notFound("no such metadata context", name, "list them first");
        }
        return new Opened(Engine.await(lastWrites), true);
    }

    private record Opened(HistoryMap map, boolean wide) implements StatusContext {
        @Override
        public void status(
                long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
            map.status(offsetBytes, lengthBytes, maximumCount, done);
        }

        @Override
        public void close() {
            map.close();
        }
    }
}
