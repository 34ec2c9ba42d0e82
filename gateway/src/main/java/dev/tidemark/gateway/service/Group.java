package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.GroupRow;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.VolumeInfo;
import java.util.Optional;

/** An open protection group: the engine with its name and settings. Thread-safe. */
public final class Group {
    private final ProtectionGroup engine;
    private volatile GroupRow row;

    Group(GroupRow row, ProtectionGroup engine) {
        this.row = row;
        this.engine = engine;
    }

    public ProtectionGroup engine() {
        return engine;
    }

    public GroupRow row() {
        return row;
    }

    public String name() {
        return row.name();
    }

    void changed(GroupRow next) {
        row = next;
    }

    /** The volume with that name. */
    public Optional<VolumeInfo> volume(String name) {
        return engine.volumes().stream().filter(volume -> volume.name().equals(name)).findFirst();
    }
}
