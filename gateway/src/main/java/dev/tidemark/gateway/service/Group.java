package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.GroupRow;
import dev.tidemark.gateway.wire.Wire.GroupSiting;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.VolumeInfo;
import java.util.Optional;
import java.util.function.Function;

/** An open protection group: the engine with its name and settings. Thread-safe. */
public final class Group {
    private final ProtectionGroup engine;
    private volatile GroupRow row;

    private final Function<Group, GroupSiting> sitings;

    Group(GroupRow row, ProtectionGroup engine, Function<Group, GroupSiting> sitings) {
        this.row = row;
        this.engine = engine;
        this.sitings = sitings;
    }

    /** What it is at this and other sites. */
    GroupSiting siting() {
        return sitings.apply(this);
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
