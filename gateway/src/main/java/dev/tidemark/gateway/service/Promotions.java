package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.Verdict;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.RecoveryTests.Running;
import dev.tidemark.gateway.wire.Requests.PromoteTest;
import dev.tidemark.gateway.wire.Requests.Rollback;
import dev.tidemark.journal.Point;
import dev.tidemark.replica.PointVolume;
import dev.tidemark.replica.PromotionTask;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Rollbacks and promotions as tasks, those resumed after a crash included. Thread-safe. */
public final class Promotions {
    private static final Logger log = LoggerFactory.getLogger(Promotions.class);

    private final Groups groups;
    private final Points points;
    private final RecoveryTests tests;
    private final Tasks tasks;

    public Promotions(Groups groups, Points points, RecoveryTests tests, Tasks tasks) {
        this.groups = groups;
        this.points = points;
        this.tests = tests;
        this.tasks = tasks;
    }

    /** Follows what the engine resumed when it was opened. */
    public void resume() {
        for (Group group : groups.all()) {
            PromotionTask promotion = group.engine().promotion();
            if (promotion != null) {
                String kind = promotion.image() == null ? "rollback" : "promote";
                log.info("group={} {} goes on where it stopped", group.name(), kind);
                tasks.start(kind, group.name(), progress -> follow(group, promotion, progress));
            }
        }
    }

    /**
     * Sets a group's live disks back to a point; they are usable at once, the task is the copying.
     */
    public Task rollback(Group group, Rollback request) {
        String asked = Required.text("at", request.at());
        points.resolve(group, asked); // A wrong point is refused here, not in the task.
        return tasks.start(
                "rollback",
                group.name(),
                progress -> {
                    PromotionTask promotion = group.engine().rollback(points.spec(asked));
                    return follow(group, promotion, progress);
                });
    }

    /** Makes a test's disks the live ones; the record of the test ends as soon as they are. */
    public Task promote(long id, PromoteTest request) {
        Verdict verdict =
                request.verdict() == null
                        ? Verdict.INCONCLUSIVE
                        : RecoveryTests.verdict(request.verdict());
        Running test = tests.running(id);
        if (test.image().openHandles() > 0) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "the disks of test " + id + " are open",
                            Integer.toString(test.image().openHandles()),
                            "connections",
                            "close them first"));
        }
        return tasks.start(
                "promote",
                test.group().name() + " test " + id,
                progress -> {
                    long written = test.image().bytesWritten();
                    List<PointVolume> disks = test.image().volumes();
                    PromotionTask promotion = test.group().engine().promote(test.image().id());
                    Engine.await(promotion.usable());
                    tests.end(test, verdict, request.note(), request.by(), written);
                    tests.gone(test, disks);
                    return follow(test.group(), promotion, progress);
                });
    }

    /** Waits for a promotion's end, and says in between how far it is. */
    public static Object follow(Group group, PromotionTask promotion, Task.Progress progress) {
        Point point = Engine.await(promotion.point());
        progress.detail("waiting for the live disks of " + group.name());
        Engine.await(promotion.usable());
        progress.detail(
                "usable at " + Points.canonical(point.sequence()) + ", copying in the background");
        Engine.await(promotion.done(), () -> progress.share(promotion.progress()));
        return Points.document(Points.canonical(point.sequence()), point);
    }
}
