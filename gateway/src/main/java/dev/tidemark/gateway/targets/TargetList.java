package dev.tidemark.gateway.targets;

import dev.tidemark.gateway.config.DiscoveryMode;
import dev.tidemark.gateway.exports.Disk.Kind;
import dev.tidemark.gateway.exports.Disks;
import dev.tidemark.gateway.exports.Disks.Listed;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.text.TargetName;
import dev.tidemark.iscsi.target.IscsiNames;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The targets that discovery shows: each disk once, alone or with its group, since hosts log in to
 * all that they are shown. May block.
 */
final class TargetList {
    private final Disks disks;
    private final Groups groups;
    private final RecoveryTests tests;
    private final DiscoveryMode mode;
    private final boolean checkpoints;

    /**
     * @param checkpoints show the volumes' tagged checkpoints too
     */
    TargetList(
            Disks disks,
            Groups groups,
            RecoveryTests tests,
            DiscoveryMode mode,
            boolean checkpoints) {
        this.disks = disks;
        this.groups = groups;
        this.tests = tests;
        this.mode = mode;
        this.checkpoints = checkpoints;
    }

    /**
     * Names of targets.
     *
     * @param visible whether an export may be shown; of several disks, one that may be is enough
     */
    Set<String> names(Predicate<String> visible) {
        Set<String> names = new LinkedHashSet<>();
        boolean alone = mode == DiscoveryMode.VOLUMES;
        for (Listed disk : disks.list()) {
            if ((disk.kind() == Kind.VIEW ? checkpoints : alone) && visible.test(disk.name())) {
                names.add(TargetName.of(disk.name()));
            }
        }
        if (!alone) {
            addGroups(visible, names);
        }
        names.removeIf(name -> !IscsiNames.valid(name)); // checkpoints may have any letters
        return names;
    }

    private void addGroups(Predicate<String> visible, Set<String> names) {
        groups.all().stream()
                .filter(group ->
                        group.engine().volumes().stream()
                                .anyMatch(volume -> visible.test(volume.name())))
                .forEach(group -> names.add(TargetName.ofGroup(group.name())));
        tests.runningRows().stream()
                .filter(test ->
                        tests.servedVolumes(test).stream()
                                .map(volume -> RecoveryTests.exportName(test.id(), volume.name()))
                                .anyMatch(visible))
                .forEach(test -> names.add(TargetName.ofTest(test.id())));
    }
}
