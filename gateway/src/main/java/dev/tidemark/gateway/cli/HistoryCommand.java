package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.wire.Wire.GapDocument;
import dev.tidemark.gateway.wire.Wire.HistoryDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tidemark history}. */
@Command(
        name = "history",
        description = "Shows how far back a group reaches, what that costs, and the forecast.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {"  tidemark history", "  tidemark history --group shop --json"})
final class HistoryCommand implements Callable<Integer> {
    @Mixin private Connection connection = new Connection();

    @Mixin private GroupOption group = new GroupOption();

    @Override
    public Integer call() {
        ApiClient client = connection.client();
        Answer answer = client.get(group.path(client) + "/history");
        return connection.print(answer, out -> print(answer.as(HistoryDocument.class), out));
    }

    private static void print(HistoryDocument history, PrintWriter out) {
        out.println(
                "group "
                        + history.group()
                        + " reaches back "
                        + Formats.seconds(history.reachSeconds()));
        out.println("  oldest point  " + point(history.tail()));
        out.println("  every write   since " + point(history.fineTail()));
        out.println("  newest        " + point(history.head()));
        out.println(
                "  checkpoints   "
                        + history.checkpoints()
                        + ", "
                        + history.taggedCheckpoints()
                        + " tagged");
        for (GapDocument gap : history.gaps()) {
            out.println(
                    "  no points     after "
                            + point(gap.before())
                            + " until "
                            + (gap.after() == null ? "now" : point(gap.after()))
                            + ": "
                            + gap.why());
        }
        out.println(
                "  bytes         "
                        + ByteSize.format(history.undoBytes())
                        + " undo ("
                        + ByteSize.format(history.indexBytes())
                        + " index), "
                        + ByteSize.format(history.redoBytes())
                        + " redo, "
                        + history.pins()
                        + " pins");
        out.println(
                "  pool          "
                        + ByteSize.format(history.poolUsedBytes())
                        + " of "
                        + ByteSize.format(history.poolBudgetBytes())
                        + " used by all groups");
        out.println(
                "  settings      window "
                        + history.settings().window()
                        + ", bytes "
                        + history.settings().bytes()
                        + ", fine window "
                        + history.settings().fineWindow());
        out.println(
                "  forecast      grows by "
                        + ByteSize.format((long) history.undoBytesPerSecond())
                        + "/s, will reach back "
                        + Formats.seconds(history.forecastWindowSeconds())
                        + ", limited by the "
                        + history.limitedBy());
    }

    private static String point(@Nullable PointDocument point) {
        return point == null ? "-" : Formats.time(point.time()) + " (" + point.name() + ")";
    }
}
