package dev.tidemark.gateway.targets;

import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.service.Volumes.Found;
import dev.tidemark.gateway.text.AskedPoint;
import dev.tidemark.gateway.text.TargetName;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.replica.CheckpointQuery;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * Which exports a target's name stands for. iSCSI names have no upper case, so names are compared
 * without it; where two differ by nothing else, the one in lower case is meant, or none. May block.
 */
final class TargetMembers {
    /** How far back a checkpoint's name is looked for. */
    private static final int LOOKED_AT_CHECKPOINTS = 65_536;

    /** Flat addressing of 14 bits: a volume beyond it has its own target alone. */
    private static final int LARGEST_LUN = (1 << 14) - 1;

    private final Groups groups;
    private final Volumes volumes;
    private final RecoveryTests tests;

    TargetMembers(Groups groups, Volumes volumes, RecoveryTests tests) {
        this.groups = groups;
        this.volumes = volumes;
        this.tests = tests;
    }

    /**
     * A disk of a target.
     *
     * @param lun its number: 0 in a target of its own, else the volume's id less one, which stays
     *     whatever else comes and goes
     * @param export its export's name
     */
    record Member(int lun, String export) {}

    /**
     * The disks of a target.
     *
     * @param title for people
     * @param several a group or a test with all its disks: those that did not exist at the point
     *     are left out
     */
    record Members(String title, List<Member> disks, boolean several) {}

    /** The disks of a target; a name that stands for nothing is a problem of kind NOT_FOUND. */
    Members of(String target) {
        String name =
                target.startsWith(TargetName.PREFIX)
                        ? target.substring(TargetName.PREFIX.length())
                        : "";
        if (name.startsWith(TargetName.TEST)) {
            return ofTest(name);
        }
        Optional<Members> live = ofDisks(name, "");
        // A volume's name, and a checkpoint's, may have ".at." in it.
        for (int at = name.lastIndexOf(TargetName.AT);
                live.isEmpty() && at > 0;
                at = name.lastIndexOf(TargetName.AT, at - 1)) {
            live = ofDisks(name.substring(0, at), name.substring(at + TargetName.AT.length()));
        }
        return live.orElseThrow(() -> unknown(target));
    }

    private static ProblemException unknown(String target) {
        return ProblemException.notFound(
                "no such target", target, "the names are " + TargetName.of("<volume>"));
    }

    /**
     * @param point empty for the live disks
     */
    private Optional<Members> ofDisks(String name, String point) {
        Optional<Found> volume = only(volumes.all(), found -> found.volume().name(), name);
        if (volume.isPresent()) {
            Found found = volume.get();
            String export = found.volume().name() + suffix(found.group(), point);
            return Optional.of(
                    new Members("volume " + export, List.of(new Member(0, export)), false));
        }
        if (!name.startsWith(TargetName.GROUP)) {
            return Optional.empty();
        }
        return only(groups.all(), Group::name, name.substring(TargetName.GROUP.length()))
                .map(group -> ofGroup(group, suffix(group, point)));
    }

    private static Members ofGroup(Group group, String suffix) {
        List<Member> disks =
                group.engine().volumes().stream()
                        .filter(volume -> volume.id() <= LARGEST_LUN)
                        .map(volume -> new Member(volume.id() - 1, volume.name() + suffix))
                        .toList();
        return new Members("group " + group.name() + suffix, disks, true);
    }

    private static <T> Optional<T> only(List<T> all, Function<T, String> name, String wanted) {
        List<T> same =
                all.stream().filter(one -> name.apply(one).equalsIgnoreCase(wanted)).toList();
        return same.size() == 1
                ? Optional.of(same.getFirst())
                : same.stream().filter(one -> name.apply(one).equals(wanted)).findFirst();
    }

    private static String suffix(Group group, String point) {
        return point.isEmpty() ? "" : "@" + asked(group, point);
    }

    /** A point as it was before its name lost its upper case. */
    private static String asked(Group group, String point) {
        if (AskedPoint.DATE.matcher(point).matches()) {
            return point.toUpperCase(Locale.ROOT);
        }
        return AskedPoint.parse(point) instanceof AskedPoint.Named
                ? group.engine().checkpoints(CheckpointQuery.tagged(LOOKED_AT_CHECKPOINTS)).stream()
                        .map(Checkpoint::name)
                        .filter(point::equalsIgnoreCase)
                        .reduce((older, newer) -> newer)
                        .orElse(point)
                : point;
    }

    private Members ofTest(String name) {
        int dot = name.indexOf('.', TargetName.TEST.length());
        String number = name.substring(TargetName.TEST.length(), dot < 0 ? name.length() : dot);
        RecoveryTests.Running test = tests.running(number(number, name));
        long id = test.row().id();
        String title =
                "test "
                        + id
                        + " of group "
                        + test.group().name()
                        + " at "
                        + Points.canonical(test.row().sequence());
        List<Member> all =
                test.image().volumes().stream()
                        .map(volume ->
                                new Member(
                                        volume.id() - 1,
                                        RecoveryTests.exportName(id, volume.name())))
                        .toList();
        if (dot < 0) {
            return new Members(title, all, true);
        }
        return only(all, Member::export, name)
                .map(one -> new Members(title, List.of(new Member(0, one.export())), false))
                .orElseThrow(() -> unknown(TargetName.of(name)));
    }

    private static long number(String text, String name) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw unknown(TargetName.of(name));
        }
    }
}
