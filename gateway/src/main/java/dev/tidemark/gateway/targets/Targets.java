package dev.tidemark.gateway.targets;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.blockdevice.filter.ReadOnlyDevice;
import dev.tidemark.blockdevice.filter.SharedSpaceDevice;
import dev.tidemark.gateway.access.AccessRules;
import dev.tidemark.gateway.access.AccessRules.Verdict;
import dev.tidemark.gateway.access.Action;
import dev.tidemark.gateway.access.Client;
import dev.tidemark.gateway.access.Redirects;
import dev.tidemark.gateway.config.ChapSecrets;
import dev.tidemark.gateway.exports.ClientIdentity;
import dev.tidemark.gateway.exports.Disk;
import dev.tidemark.gateway.exports.Disks;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.targets.TargetMembers.Member;
import dev.tidemark.gateway.targets.TargetMembers.Members;
import dev.tidemark.gateway.text.TargetName;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.Initiator;
import dev.tidemark.iscsi.target.Lun;
import dev.tidemark.iscsi.target.OpenedTarget;
import dev.tidemark.iscsi.target.TargetAccess;
import dev.tidemark.iscsi.target.TargetCatalog;
import dev.tidemark.iscsi.target.TargetDescription;
import dev.tidemark.iscsi.target.TargetOpenException;
import dev.tidemark.iscsi.target.TargetOpenException.Kind;
import dev.tidemark.replica.ReplicaException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The disks as iSCSI targets, for those whom the rules let in. A target that an initiator may not
 * have is not on its list, and of a group it sees the units that it may have. Thread-safe;
 * everything that may block runs on the executor given.
 */
public final class Targets implements TargetCatalog {
    private static final Logger log = LoggerFactory.getLogger(Targets.class);

    /** RFC 7143 §13.6: what a text value may have. */
    private static final int ALIAS_CHARACTERS = 255;

    private final Disks disks;
    private final TargetMembers members;
    private final TargetList list;
    private final Terms terms;
    private final Supplier<@Nullable SharedSpace> space;
    private final Executor executor;

    /**
     * What the configuration says.
     *
     * @param secrets read anew for every login, so that a change needs no restart
     * @param largeBlocks whether a disk of that name has blocks of 4096 bytes
     */
    public record Terms(
            AccessRules rules,
            Redirects redirects,
            Supplier<ChapSecrets> secrets,
            Predicate<String> largeBlocks) {}

    Targets(
            Disks disks,
            TargetMembers members,
            TargetList list,
            Terms terms,
            Supplier<@Nullable SharedSpace> space,
            Executor executor) {
        this.disks = disks;
        this.members = members;
        this.list = list;
        this.terms = terms;
        this.space = space;
        this.executor = executor;
    }

    private <T> CompletionStage<T> run(Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        executor.execute(() -> {
            try {
                result.complete(work.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    // Before login

    @Override
    public Authentication discoveryAuthentication() {
        return terms.secrets().get().discovery();
    }

    @Override
    public CompletionStage<List<TargetDescription>> list(Initiator initiator) {
        return run(() -> {
            // Discovery has secrets of its own: a session with the target may prove more.
            Client client = Client.of(initiator, terms.secrets().get().session().required());
            return list.names(export -> mayHave(client, export)).stream()
                    .map(TargetDescription::new)
                    .toList();
        });
    }

    private boolean mayHave(Client client, String export) {
        return switch (terms.rules().decide(client, export)) {
            case Verdict.Allowed allowed -> true;
            case Verdict.Refused refused -> refused.withProof();
        };
    }

    @Override
    public CompletionStage<TargetAccess> access(Initiator initiator, String target) {
        return run(() -> {
            TargetAccess.Redirected elsewhere = terms.redirects().of(target);
            if (elsewhere != null) {
                return elsewhere;
            }
            Authentication authentication = terms.secrets().get().session();
            Client client = Client.of(initiator, authentication.required());
            try {
                return members.of(target).disks().stream()
                                .anyMatch(disk -> mayHave(client, disk.export()))
                        ? new TargetAccess.Allowed(authentication)
                        : new TargetAccess.Denied();
            } catch (ProblemException e) {
                // Whoever may have nothing is not told what there is.
                boolean stranger = !mayHave(client, target.replace(TargetName.PREFIX, ""));
                if (!stranger && kind(e.problem()) != Kind.UNKNOWN) {
                    throw e;
                }
                return stranger ? new TargetAccess.Denied() : new TargetAccess.Unknown();
            }
        });
    }

    // Login

    @Override
    public CompletionStage<OpenedTarget> open(Initiator initiator, String target) {
        return run(() -> {
            Opened opened = null;
            try {
                opened = new Opened(initiator, members.of(target));
            } catch (ProblemException | ReplicaException e) {
                Problem problem = Engine.problem(e).problem();
                if (problem.kind() == ProblemKind.INTERNAL) {
                    log.error("a target cannot be opened", e);
                }
                throw refused(initiator, target, kind(problem), problem.sentence());
            }
            if (opened.luns().isEmpty()) {
                throw refused(initiator, target, Kind.DENIED, "no rule allows it");
            }
            return opened;
        });
    }

    private static TargetOpenException refused(
            Initiator initiator, String target, Kind kind, String why) {
        log.info("refused: initiator={} target={}: {}", initiator, target, why);
        return new TargetOpenException(kind, why);
    }

    private static Kind kind(Problem problem) {
        return switch (problem.kind()) {
            case NOT_FOUND, INVALID, OUTSIDE_WINDOW -> Kind.UNKNOWN;
            default -> Kind.UNAVAILABLE;
        };
    }

    /** A target held by one session. */
    private final class Opened implements OpenedTarget {
        private final String title;
        private final List<Disk> held = new ArrayList<>();
        private final List<Lun> luns = new ArrayList<>();

        Opened(Initiator initiator, Members wanted) throws ReplicaException {
            title = wanted.title();
            Client client = Client.of(initiator, false);
            try {
                for (Member member : wanted.disks()) {
                    if (terms.rules().decide(client, member.export())
                            instanceof Verdict.Allowed(Action action)) {
                        add(initiator, member, action, wanted.several());
                    }
                }
            } catch (ReplicaException | RuntimeException e) {
                close();
                throw e;
            }
        }

        private void add(Initiator initiator, Member member, Action action, boolean several)
                throws ReplicaException {
            Disk disk;
            try {
                disk = disks.open(ClientIdentity.ofInitiator(initiator.name()), member.export());
            } catch (ProblemException e) {
                if (several && e.problem().kind() == ProblemKind.NOT_FOUND) {
                    return; // it did not exist at the point
                }
                throw e;
            }
            held.add(disk);
            BlockDevice shared = new SharedSpaceDevice(disk.device(), space);
            BlockDevice device =
                    action == Action.READ_WRITE || shared.features().readOnly()
                            ? shared
                            : new ReadOnlyDevice(shared);
            luns.add(new Lun(member.lun(), Units.describe(disk, blockBytes(disk)), device));
        }

        private int blockBytes(Disk disk) {
            if (!terms.largeBlocks().test(disk.canonicalName())) {
                return 512;
            }
            if (disk.device().geometry().sizeBytes() % 4096 != 0) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.FAILED,
                                "the disk's size is no whole number of blocks",
                                disk.canonicalName(),
                                "iscsi.blocks_of_4096 gives it blocks of 4096 bytes",
                                "resize it, or take it off that list"));
            }
            return 4096;
        }

        @Override
        public String alias() {
            return title.length() <= ALIAS_CHARACTERS
                    ? title
                    : title.substring(0, ALIAS_CHARACTERS);
        }

        @Override
        public List<Lun> luns() {
            return luns;
        }

        @Override
        public void close() {
            held.forEach(Disk::close);
        }
    }
}
