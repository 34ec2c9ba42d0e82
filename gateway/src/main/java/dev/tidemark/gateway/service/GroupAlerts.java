package dev.tidemark.gateway.service;

import dev.tidemark.gateway.service.Alerts.Severity;
import dev.tidemark.replica.GroupListener;
import java.util.UUID;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns what the engine says into alerts and log lines. */
final class GroupAlerts implements GroupListener {
    private static final Logger log = LoggerFactory.getLogger(GroupAlerts.class);

    private final Alerts alerts;
    private final Function<UUID, String> names;

    GroupAlerts(Alerts alerts, Function<UUID, String> names) {
        this.alerts = alerts;
        this.names = names;
    }

    @Override
    public void recovered(
            UUID group, long lastSequence, long replayedRecords, boolean foldFinished, int images) {
        log.info(
                "group={} opened at seq:{}, {} records read back, {} running tests{}",
                names.apply(group),
                lastSequence,
                replayedRecords,
                images,
                foldFinished ? ", an interrupted fold was finished" : "");
    }

    @Override
    public void stalled(UUID group, String reason) {
        alerts.raise(Severity.WARNING, "fold-stalled", names.apply(group), reason);
    }

    @Override
    public void resumed(UUID group) {
        alerts.raise(Severity.INFO, "fold-resumed", names.apply(group), "the fold goes on");
    }

    @Override
    public void failed(UUID group, String reason) {
        alerts.raise(Severity.CRITICAL, "group-failed", names.apply(group), reason);
    }

    @Override
    public void imageFailed(UUID group, UUID image, String reason) {
        alerts.raise(
                Severity.CRITICAL,
                "test-failed",
                names.apply(group),
                "the test with image "
                        + image
                        + " cannot be opened: "
                        + reason
                        + "; its writes are kept: mend the file and restart the gateway, or stop the"
                        + " test, which gives them up");
    }

    @Override
    public void poolFull(UUID group, String detail) {
        alerts.raise(Severity.CRITICAL, "pool-full", names.apply(group), detail);
    }

    @Override
    public void historyDropped(UUID group, long fromSequence, long toSequence, String reason) {
        alerts.raise(
                Severity.WARNING,
                "history-dropped",
                names.apply(group),
                "seq:"
                        + fromSequence
                        + " to seq:"
                        + toSequence
                        + " can no longer be reached: "
                        + reason);
    }

    @Override
    public void corrupt(UUID group, String file, long positionBytes, String detail) {
        alerts.raise(
                Severity.CRITICAL,
                "corrupt",
                names.apply(group),
                file + " at byte " + positionBytes + ": " + detail);
    }

    @Override
    public void promotionStarted(UUID group, long pointSequence, int epoch) {
        alerts.raise(
                Severity.INFO,
                "promotion-started",
                names.apply(group),
                "the live disks are those of seq:" + pointSequence + ", epoch " + epoch);
    }

    @Override
    public void promotionEnded(UUID group, long pointSequence, int epoch) {
        alerts.raise(
                Severity.INFO,
                "promotion-ended",
                names.apply(group),
                "seq:" + pointSequence + " is folded in, epoch " + epoch);
    }
}
