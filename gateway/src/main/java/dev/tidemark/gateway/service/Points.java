package dev.tidemark.gateway.service;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.text.AskedPoint;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointSpec;
import java.time.Clock;

/** Turns asked-for points into the engine's and the engine's into documents. */
public final class Points {
    private final Clock clock;

    public Points(Clock clock) {
        this.clock = clock;
    }

    /** What the engine is asked; relative points count from now. */
    public PointSpec spec(String text) {
        long now = Timestamps.micros(clock.instant());
        return switch (AskedPoint.parse(text)) {
            case AskedPoint.Latest() -> new PointSpec.Latest();
            case AskedPoint.Sequence(long sequence) -> new PointSpec.AtSequence(sequence);
            case AskedPoint.Named(String name) -> new PointSpec.AtCheckpoint(name);
            case AskedPoint.Ago(var span) -> new PointSpec.AtTime(now - span.toNanos() / 1000);
            case AskedPoint.Time(long micros) -> new PointSpec.AtTime(past(text, micros, now));
        };
    }

    /** A moment that has not come yet still changes: no view can be exact there. */
    private static long past(String text, long micros, long now) {
        if (micros > now) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.OUTSIDE_WINDOW,
                            "the time has not come yet",
                            text,
                            "the gateway's clock says " + Timestamps.iso(now),
                            "ask for latest or for an earlier time"));
        }
        return micros;
    }

    /** Which exact point a view would take. */
    public Point resolve(Group group, String text) {
        return Engine.await(group.engine().resolve(spec(text)));
    }

    public static String canonical(long sequence) {
        return "seq:" + sequence;
    }

    public static PointDocument document(String asked, Point point) {
        Checkpoint checkpoint = point.checkpoint();
        return document(
                asked,
                point.sequence(),
                point.timeMicros(),
                checkpoint == null || !checkpoint.tagged() ? "" : checkpoint.name());
    }

    static PointDocument document(String asked, long sequence, long timeMicros, String checkpoint) {
        return new PointDocument(
                asked,
                canonical(sequence),
                sequence,
                Timestamps.iso(timeMicros),
                checkpoint.isEmpty() ? null : checkpoint);
    }
}
