package dev.tidemark.storage.simulation;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A directory: the entries a reader sees, those on the medium, and the changes in between, in
 * order. Guarded by the disk.
 */
final class DirectoryNode implements Node {
    /**
     * A change of entries not yet on the medium. Without {@code to}: from is removed; without
     * {@code from}: to is added.
     */
    private record Change(@Nullable String from, @Nullable String to, Node node) {}

    private SortedMap<String, Node> current = new TreeMap<>();
    private final SortedMap<String, Node> durable = new TreeMap<>();
    private final List<Change> pending = new ArrayList<>();
    private boolean locked;

    /** The entries readers see, sorted; not to be changed by the caller. */
    SortedMap<String, Node> entries() {
        return current;
    }

    void link(String name, Node node) {
        change(new Change(null, name, node));
    }

    void unlink(String name, Node node) {
        change(new Change(name, null, node));
    }

    void rename(String from, String to, Node node) {
        change(new Change(from, to, node));
    }

    private void change(Change change) {
        apply(change, current);
        pending.add(change);
    }

    private static void apply(Change change, SortedMap<String, Node> entries) {
        if (change.from != null) {
            entries.remove(change.from, change.node);
        }
        if (change.to != null) {
            entries.put(change.to, change.node);
        }
    }

    /** Returns false when it was locked already. */
    boolean lock() {
        boolean free = !locked;
        locked = true;
        return free;
    }

    void unlock() {
        locked = false;
    }

    void force() {
        settle(Survival.EVERYTHING);
    }

    void failForce(Survival survival) {
        settle(survival);
    }

    /**
     * Changes are kept or lost on their own, but a kept one keeps those before it that touch the
     * same names: metadata is journaled.
     */
    private void settle(Survival survival) {
        boolean[] kept = new boolean[pending.size()];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = survival.keeps();
        }
        Set<String> needed = new HashSet<>();
        for (int i = kept.length - 1; i >= 0; i--) {
            Change change = pending.get(i);
            kept[i] |= needed.contains(change.from) || needed.contains(change.to);
            if (kept[i]) {
                addNames(change, needed);
            }
        }
        for (int i = 0; i < kept.length; i++) {
            if (kept[i]) {
                apply(pending.get(i), durable);
            }
        }
        pending.clear();
    }

    private static void addNames(Change change, Set<String> names) {
        if (change.from != null) {
            names.add(change.from);
        }
        if (change.to != null) {
            names.add(change.to);
        }
    }

    @Override
    public void losePower(Survival survival) {
        settle(survival);
        current = new TreeMap<>(durable);
        locked = false;
        for (Node node : current.values()) {
            node.losePower(survival);
        }
    }

    @Override
    public void loseHandles() {
        locked = false;
        current.values().forEach(Node::loseHandles);
    }

    @Override
    public long allocatedBytes() {
        return current.values().stream().mapToLong(Node::allocatedBytes).sum();
    }
}
