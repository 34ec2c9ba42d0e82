package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.ChangeGroup;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Requests.Keep;
import dev.tidemark.gateway.wire.Requests.LimitRate;
import dev.tidemark.gateway.wire.Requests.ProtectGroup;
import dev.tidemark.gateway.wire.Requests.SeedGroup;
import dev.tidemark.gateway.wire.Requests.SeedImage;
import dev.tidemark.gateway.wire.Wire.AlsoActive;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.HandoverDocument;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark group}. */
@Command(
        name = "group",
        description = "Protection groups: disks that share one write order and one history.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark group create shop --window 7d --bytes 200G",
            "  tidemark group set shop --checkpoint-interval 5s",
            "  tidemark group protect shop --to berlin",
            "  tidemark group keep shop --over oslo --yes"
        })
final class GroupCommand {
    /** How a group keeps history. */
    static final class History {
        @Option(
                names = "--window",
                paramLabel = "TIME",
                description = "How far back checkpoints reach, such as 7d.")
        private @Nullable String window;

        @Option(
                names = "--bytes",
                paramLabel = "SIZE",
                description = "Byte budget of the history, such as 200G, or unlimited.")
        private @Nullable String bytes;

        @Option(
                names = "--fine-window",
                paramLabel = "TIME",
                description = "How far back every single write is a point.")
        private @Nullable String fineWindow;

        @Option(
                names = "--checkpoint-interval",
                paramLabel = "TIME",
                description = "Time between automatic checkpoints, 100ms to 60s.")
        private @Nullable String checkpointInterval;
    }

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description =
                    "Makes an empty group; the configuration's history settings hold where none are given.")
    int create(
            @Mixin Connection connection,
            @Mixin History history,
            @Parameters(paramLabel = "NAME", description = "Name of the group.") String name) {
        CreateGroup request =
                new CreateGroup(
                        name,
                        history.window,
                        history.bytes,
                        history.fineWindow,
                        history.checkpointInterval);
        return show(connection, connection.client().post("/groups", request));
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists all groups.")
    int list(@Mixin Connection connection) {
        Answer answer = connection.client().get("/groups");
        return connection.print(
                answer,
                out -> {
                    Table table =
                            new Table(
                                    "NAME", "STATE", "ROLE", "STATUS", "WINDOW", "HEAD", "TESTS",
                                    "VIEWS", "VOLUMES");
                    for (GroupDocument group : answer.asList(GroupDocument.class)) {
                        table.row(
                                group.name(),
                                group.state(),
                                group.role(),
                                group.status(),
                                Formats.orDash(group.history().window()),
                                group.headSequence(),
                                group.runningTests(),
                                group.openViews(),
                                Formats.orDash(String.join(", ", group.volumes())));
                    }
                    table.print(out);
                });
    }

    @Command(name = "show", mixinStandardHelpOptions = true, description = "Shows one group.")
    int show(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group.") String name) {
        return show(connection, connection.client().get(path(name)));
    }

    @Command(
            name = "set",
            mixinStandardHelpOptions = true,
            description = "Changes how a group keeps history, or its name.")
    int set(
            @Mixin Connection connection,
            @Mixin History history,
            @Parameters(paramLabel = "NAME", description = "The group.") String name,
            @Option(names = "--rename", paramLabel = "NEW", description = "A new name.")
                    @Nullable String rename) {
        ChangeGroup request =
                new ChangeGroup(
                        rename,
                        history.window,
                        history.bytes,
                        history.fineWindow,
                        history.checkpointInterval);
        return show(connection, connection.client().patch(path(name), request));
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes an empty group and its history.")
    int delete(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group.") String name,
            @Option(
                            names = "--force",
                            description = "Delete a copy of another site's group with its volumes.")
                    boolean force) {
        Answer answer = connection.client().delete(path(name) + (force ? "?force=true" : ""));
        return connection.print(
                answer, out -> out.println("group " + name + " deleted with its history"));
    }

    @Command(
            name = "protect",
            mixinStandardHelpOptions = true,
            description = {
                "Copies a group to other sites and keeps the copies up, write by write.",
                "The first copy is made while hosts go on; tidemark group show tells how far it is."
            })
    int protect(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group.") String name,
            @Option(
                            names = "--to",
                            required = true,
                            paramLabel = "SITE",
                            description =
                                    "Another site, as tidemark site list names it; several may be given.")
                    List<String> sites) {
        return show(
                connection,
                connection.client().post(path(name) + "/protections", new ProtectGroup(sites)));
    }

    @Command(
            name = "seed",
            mixinStandardHelpOptions = true,
            description = {
                "Puts raw images in place for a copy of another site's group, at the site where the copy is to be made.",
                "When the group is protected to this site then, only what differs crosses the link."
            },
            footerHeading = "%nExample:%n",
            footer = {
                "  tidemark group seed shop --from berlin web=/mnt/web.raw db=/mnt/db.raw",
                "  then, at berlin: tidemark group protect shop --to paris"
            })
    int seed(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group at its own site.")
                    String name,
            @Option(
                            names = "--from",
                            required = true,
                            paramLabel = "SITE",
                            description = "Its own site, as tidemark site list names it.")
                    String site,
            @Parameters(
                            index = "1..*",
                            arity = "1..*",
                            paramLabel = "VOLUME=FILE",
                            description = "A volume of the group, and a raw image of it.")
                    Map<String, Path> images,
            @Option(names = "--no-wait", description = "Return at once; the task goes on.")
                    boolean noWait) {
        List<SeedImage> all =
                images.entrySet().stream()
                        .map(each ->
                                new SeedImage(
                                        each.getKey(), each.getValue().toAbsolutePath().toString()))
                        .toList();
        Answer started =
                connection
                        .client()
                        .post(
                                "/site/peers/" + ApiClient.encode(site) + path(name) + "/seed",
                                new SeedGroup(all));
        return connection.await(
                started,
                !noWait,
                out ->
                        out.println(
                                "images are in place for "
                                        + String.join(", ", images.keySet())
                                        + "; next, at "
                                        + site
                                        + ": tidemark group protect "
                                        + name));
    }

    @Command(
            name = "unprotect",
            mixinStandardHelpOptions = true,
            description =
                    "Keeps a copy up no longer, whether the other site can be reached or not; it stays as it is there until it is deleted.")
    int unprotect(
            @Mixin Connection connection,
            @Mixin CopyOption copy,
            @Option(
                            names = "--delete-copy",
                            description =
                                    "Delete the copy there, now or as soon as that site can be reached.")
                    boolean deleteCopy) {
        Answer answer =
                connection.client().delete(copy.path() + (deleteCopy ? "?deleteCopy=true" : ""));
        return connection.print(
                answer,
                out ->
                        out.println(
                                "group "
                                        + copy.group()
                                        + " is not copied to "
                                        + copy.site()
                                        + (deleteCopy ? "; the copy there is being deleted" : "")));
    }

    @Command(
            name = "pause",
            mixinStandardHelpOptions = true,
            description = "Stops sending to a copy; what it lacks is kept for it.")
    int pause(@Mixin Connection connection, @Mixin CopyOption copy) {
        return show(connection, connection.client().post(copy.path() + "/pause", Map.of()));
    }

    @Command(
            name = "resume",
            mixinStandardHelpOptions = true,
            description = "Goes on sending to a copy, or tries again what has stopped.")
    int resume(@Mixin Connection connection, @Mixin CopyOption copy) {
        return show(connection, connection.client().post(copy.path() + "/resume", Map.of()));
    }

    @Command(
            name = "limit",
            mixinStandardHelpOptions = true,
            description = "Limits what is sent to a copy a second, on the wire.")
    int limit(
            @Mixin Connection connection,
            @Mixin CopyOption copy,
            @Option(
                            names = "--rate",
                            required = true,
                            paramLabel = "SIZE",
                            description = "Bytes a second, such as 20M, or none.")
                    String rate) {
        return show(
                connection, connection.client().post(copy.path() + "/limit", new LimitRate(rate)));
    }

    @Command(
            name = "keep",
            mixinStandardHelpOptions = true,
            description = {
                "Keeps the group here, where another site is active too: both were failed over to while neither could reach the other.",
                "The other site refuses hosts from then on and becomes a copy when the group is protected there; what only it has is kept there as a branch."
            },
            footerHeading = "%nExample:%n",
            footer = {
                "  tidemark group show shop",
                "  tidemark group keep shop --over oslo --yes",
                "  tidemark group protect shop --to oslo"
            })
    int keep(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group.") String name,
            @Option(
                            names = "--over",
                            required = true,
                            paramLabel = "SITE",
                            description =
                                    "The site that gives way, as tidemark site list names it.")
                    String site,
            @Option(
                            names = "--yes",
                            description =
                                    "Do it; without this, it is only said what would be done.")
                    boolean yes) {
        if (!yes) {
            throw ProblemException.invalid(
                    "hosts would be refused at " + site + ", and served here only",
                    name,
                    "what hosts have written there is kept there as a branch, not in the group",
                    "say --yes to do it");
        }
        Answer answer = connection.client().post(path(name) + "/keep", new Keep(site));
        return connection.print(
                answer,
                out ->
                        out.println(
                                "group "
                                        + name
                                        + " is kept here, tenure "
                                        + answer.as(GroupDocument.class).tenure()
                                        + "; next: tidemark group protect "
                                        + name
                                        + " --to "
                                        + site));
    }

    @Command(
            name = "tap",
            mixinStandardHelpOptions = true,
            description = {
                "Prints what is written to a group from now on, one JSON document a line, until it is interrupted.",
                "Hosts never wait for it: when it is too slow, a line with a gap says what it missed."
            })
    int tap(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The group.") String name,
            @Option(
                            names = "--payload",
                            description = "Print the bytes that are written too, as base64.")
                    boolean payload) {
        PrintWriter out = connection.out();
        connection
                .client()
                .lines(
                        path(name) + "/writes" + (payload ? "?payload=true" : ""),
                        line -> {
                            out.println(line);
                            out.flush();
                        });
        return 0;
    }

    private static String path(String name) {
        return "/groups/" + ApiClient.encode(name);
    }

    private static int show(Connection connection, Answer answer) {
        return connection.print(answer, out -> show(answer.as(GroupDocument.class), out));
    }

    private static void show(GroupDocument group, PrintWriter out) {
        out.println(
                "group "
                        + group.name()
                        + ", "
                        + group.state()
                        + (group.reason().isEmpty() ? "" : ": " + group.reason()));
        out.println(
                "  id        "
                        + group.id()
                        + ", epoch "
                        + group.epoch()
                        + ", since "
                        + Formats.time(group.created()));
        out.println("  volumes   " + Formats.orDash(String.join(", ", group.volumes())));
        out.println(
                "  history   window "
                        + group.history().window()
                        + ", bytes "
                        + group.history().bytes()
                        + ", fine window "
                        + group.history().fineWindow()
                        + ", checkpoint each "
                        + group.history().checkpointInterval());
        out.println(
                "  head      seq:"
                        + group.headSequence()
                        + " at "
                        + Formats.time(group.headTime())
                        + ", durable seq:"
                        + group.durableSequence()
                        + ", gold seq:"
                        + group.goldSequence());
        out.println(
                "  unfolded  "
                        + ByteSize.format(group.unfoldedBytes())
                        + " of "
                        + ByteSize.format(group.unfoldedLimitBytes())
                        + ", "
                        + group.waitingWrites()
                        + " writes wait");
        out.println(
                "  role      "
                        + group.role()
                        + ", tenure "
                        + group.tenure()
                        + (group.source() == null ? "" : ", copy of " + group.source())
                        + "; "
                        + group.status());
        group.alsoActive().forEach(other -> show(group, other, out));
        group.protections().forEach(copy -> show(copy, out));
        if (group.handover() != null) {
            show(group.handover(), out);
        }
        out.println(
                "  open      " + group.runningTests() + " tests, " + group.openViews() + " views");
    }

    private static void show(GroupDocument group, AlsoActive other, PrintWriter out) {
        out.println(
                "  conflict  active at "
                        + other.site()
                        + " too, in the same tenure, known since "
                        + Formats.time(other.since()));
        out.println(
                "            decide which one is kept; for the one here: tidemark group keep "
                        + group.name()
                        + " --over "
                        + other.site());
    }

    private static void show(ProtectionDocument copy, PrintWriter out) {
        out.println(
                "  copy      at "
                        + copy.site()
                        + ", "
                        + copy.state()
                        + (copy.reason().isEmpty() ? "" : ": " + copy.reason()));
        out.println(
                "            has seq:"
                        + copy.acknowledgedSequence()
                        + " of seq:"
                        + copy.headSequence()
                        + ", "
                        + String.format(Locale.ROOT, "%.1f s", copy.lagSeconds())
                        + " and "
                        + ByteSize.format(copy.backlogBytes())
                        + " behind"
                        + (copy.stage().equals("none") ? "" : ", waiting for " + copy.stage()));
        if (copy.mode().equals("dirty_map")) {
            out.println(
                    "            no records are held for it: "
                            + (copy.dirtySince() == null
                                    ? "what it lacks is being counted"
                                    : ByteSize.format(copy.dirtyBytes())
                                            + " have changed since "
                                            + Formats.time(copy.dirtySince()))
                            + ", to be synchronised");
        } else if (copy.mode().equals("held_backlog")) {
            out.println("            every record that it lacks is held for it");
        }
        if (copy.limitBytesPerSecond() > 0 || copy.siteLimitBytesPerSecond() > 0) {
            out.println(
                    "            at most "
                            + rate(copy.limitBytesPerSecond())
                            + " a second, to the site "
                            + rate(copy.siteLimitBytesPerSecond()));
        }
        if (copy.state().equals("syncing")) {
            Double left = copy.sync().secondsLeft();
            out.println(
                    String.format(
                            Locale.ROOT,
                            "            synchronised (%s): %.0f %% gone through, %s sent%s",
                            copy.sync().trigger(),
                            copy.sync().progress() * 100,
                            ByteSize.format(copy.sync().sentBytes()),
                            left == null
                                    ? ""
                                    : String.format(Locale.ROOT, ", about %.0f s left", left)));
        }
    }

    private static String rate(long bytes) {
        return bytes == 0 ? "no limit" : ByteSize.format(bytes);
    }

    private static void show(HandoverDocument handover, PrintWriter out) {
        out.println(
                "  handover  "
                        + handover.phase()
                        + ", with "
                        + handover.site()
                        + ", at "
                        + handover.point()
                        + ", policy "
                        + handover.policy()
                        + (handover.deadline() == null
                                ? ""
                                : " at " + Formats.time(handover.deadline())));
    }
}
