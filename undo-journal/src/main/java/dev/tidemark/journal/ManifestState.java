package dev.tidemark.journal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** What the manifest's edits add up to: the boundaries of history above all. Thread-safe. */
final class ManifestState {
    private @Nullable Boundary tail;
    private int tailEpoch;
    private long goldRun;
    private long redoForced;

    /** Consecutive runs after the tail, from {@link #first} on. */
    private final ArrayList<RunEntry> runs = new ArrayList<>();

    /** Entries before this one have been dropped and wait for the list to be shortened. */
    private int first;

    private final Set<SpanDescriptor> spans = new LinkedHashSet<>();
    private final Map<String, byte[]> attributes = new TreeMap<>();
    private final Map<String, Boundary> named = new HashMap<>();
    private int checkpoints;
    private int tagged;

    /** Applies an edit; false when it contradicts what is there. */
    synchronized boolean apply(ManifestEdit edit) {
        switch (edit) {
            case ManifestEdit.TailAt at -> dropThrough(at.boundary(), at.epoch());
            case ManifestEdit.RunAdded run -> {
                return add(run.entry());
            }
            case ManifestEdit.SpanAdded span -> {
                if (tail != null && span.span().firstRun() > tail.run()) {
                    spans.add(span.span());
                }
            }
            case ManifestEdit.GoldAt gold -> {
                if (gold.run() > newest().run()) {
                    return false;
                }
                goldRun = Math.max(goldRun, gold.run());
            }
            case ManifestEdit.RedoForced redo -> redoForced = Math.max(redoForced, redo.sequence());
            case ManifestEdit.AttributePut put -> attributes.put(put.key(), put.value());
            case ManifestEdit.AttributeDelete delete -> attributes.remove(delete.key());
            case ManifestEdit.SnapshotEnd end -> {
                return tail != null;
            }
        }
        return true;
    }

    private boolean add(RunEntry entry) {
        if (tail == null || entry.boundary().run() != newest().run() + 1) {
            return false;
        }
        runs.add(entry);
        count(entry.boundary(), 1);
        return true;
    }

    private void count(Boundary boundary, int by) {
        Checkpoint checkpoint = boundary.checkpoint();
        if (checkpoint == null) {
            return;
        }
        checkpoints += by;
        if (checkpoint.tagged()) {
            tagged += by;
            if (by > 0) {
                named.put(checkpoint.name(), boundary);
            } else {
                named.remove(checkpoint.name(), boundary);
            }
        }
    }

    private void dropThrough(Boundary boundary, int epoch) {
        if (tail != null) {
            count(tail, -1);
        }
        while (first < runs.size() && runs.get(first).boundary().run() <= boundary.run()) {
            count(runs.get(first).boundary(), -1);
            first++;
        }
        if (first > runs.size() / 2) {
            runs.subList(0, first).clear();
            first = 0;
        }
        spans.removeIf(span -> span.firstRun() <= boundary.run());
        tail = boundary;
        tailEpoch = epoch;
        goldRun = Math.max(goldRun, boundary.run());
        count(boundary, 1);
    }

    /** Hands out edits that lead from nothing to this state. */
    synchronized void snapshot(Consumer<ManifestEdit> to) {
        to.accept(new ManifestEdit.TailAt(tail(), tailEpoch));
        for (RunEntry entry : runs.subList(first, runs.size())) {
            to.accept(new ManifestEdit.RunAdded(entry));
        }
        spans.forEach(span -> to.accept(new ManifestEdit.SpanAdded(span)));
        to.accept(new ManifestEdit.GoldAt(goldRun));
        to.accept(new ManifestEdit.RedoForced(redoForced));
        attributes.forEach((key, value) -> to.accept(new ManifestEdit.AttributePut(key, value)));
        to.accept(new ManifestEdit.SnapshotEnd());
    }

    synchronized Boundary tail() {
        Boundary known = tail;
        if (known == null) {
            throw new IllegalStateException("no tail yet");
        }
        return known;
    }

    /** A sequence number up to which redo is known to have been forced. */
    synchronized long forcedSequence() {
        return Math.max(redoForced, newest().sequence());
    }

    synchronized Boundary newest() {
        return runs.size() == first ? tail() : runs.getLast().boundary();
    }

    synchronized Boundary gold() {
        return boundary(goldRun);
    }

    /** Boundary of a run between the tail and the newest. */
    synchronized Boundary boundary(long run) {
        return run == tail().run() ? tail() : entry(run).boundary();
    }

    synchronized int epochAt(long run) {
        return run == tail().run() ? tailEpoch : entry(run).epoch();
    }

    private RunEntry entry(long run) {
        return runs.get(first + Math.toIntExact(run - tail().run() - 1));
    }

    /** True when the boundary is still part of history. */
    synchronized boolean holds(Boundary boundary) {
        long run = boundary.run();
        return run >= tail().run() && run <= newest().run() && boundary(run).equals(boundary);
    }

    /** The newest boundary with a sequence number up to this; null when all are later. */
    synchronized @Nullable Boundary floorSequence(long sequence) {
        return floor(sequence, Boundary::sequence);
    }

    /** The newest boundary with a time up to this; null when all are later. */
    synchronized @Nullable Boundary floorTime(long timeMicros) {
        return floor(timeMicros, Boundary::timeMicros);
    }

    private @Nullable Boundary floor(long value, ToLongFunction<Boundary> key) {
        int low = first;
        int high = runs.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (key.applyAsLong(runs.get(middle).boundary()) <= value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low > first) {
            return runs.get(low - 1).boundary();
        }
        return key.applyAsLong(tail()) <= value ? tail() : null;
    }

    /** The boundary after this one; null for the newest. */
    synchronized @Nullable Boundary after(Boundary boundary) {
        return boundary.run() >= newest().run() ? null : boundary(boundary.run() + 1);
    }

    /** The newest boundary whose checkpoint has this name. */
    synchronized @Nullable Boundary named(String name) {
        return named.get(name);
    }

    /**
     * Adds checkpoints with a time in [from, to], newest first, until the list has {@code limit}.
     */
    synchronized void checkpoints(
            long fromMicros, long toMicros, int limit, boolean taggedOnly, List<Checkpoint> to) {
        Boundary boundary = floorTime(toMicros);
        while (boundary != null && boundary.timeMicros() >= fromMicros && to.size() < limit) {
            Checkpoint checkpoint = boundary.checkpoint();
            if (checkpoint != null && (checkpoint.tagged() || !taggedOnly)) {
                to.add(checkpoint);
            }
            boundary = boundary.run() == tail().run() ? null : boundary(boundary.run() - 1);
        }
    }

    synchronized int checkpointCount() {
        return checkpoints;
    }

    synchronized int taggedCount() {
        return tagged;
    }

    synchronized Map<String, byte[]> attributes() {
        Map<String, byte[]> copy = new TreeMap<>();
        attributes.forEach((key, value) -> copy.put(key, value.clone()));
        return copy;
    }

    synchronized boolean hasAttribute(String key) {
        return attributes.containsKey(key);
    }

    /** Runs ascending, then merged indexes. */
    synchronized List<SpanDescriptor> descriptors() {
        List<SpanDescriptor> all = new ArrayList<>();
        runs.subList(first, runs.size()).forEach(entry -> all.add(entry.run()));
        all.addAll(spans);
        return all;
    }
}
