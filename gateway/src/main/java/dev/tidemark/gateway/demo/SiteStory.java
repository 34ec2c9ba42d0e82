package dev.tidemark.gateway.demo;

import dev.tidemark.gateway.demo.SiteDisks.Content;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Requests.CreateGroup;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.FailOver;
import dev.tidemark.gateway.wire.Requests.Move;
import dev.tidemark.gateway.wire.Requests.ProtectGroup;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import dev.tidemark.gateway.wire.Wire.SyncDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What the demo of two sites shows, step by step; every claim is checked, and one that does not
 * hold makes the demo fail. Not thread-safe.
 */
final class SiteStory {
    static final String GROUP = "shop";
    private static final String BERLIN = PairedSites.BERLIN;
    private static final String PARIS = PairedSites.PARIS;
    private static final String NOTE = "NOTE.txt";
    private static final String HANDOVER = "/groups/" + GROUP;

    private final PairedSites sites;
    private final Telling telling;
    private final Path scratch;
    private final Ext4 ext4;
    private final Documents documents;
    private final Attachment.Method method;

    /** Begins the story; the sites are paired. */
    SiteStory(PairedSites sites, Path scratch, Telling telling)
            throws IOException, InterruptedException {
        this.sites = sites;
        this.scratch = scratch;
        this.telling = telling;
        this.ext4 = new Ext4(scratch);
        this.documents = new Documents(scratch.resolve("content"), 7);
        this.method = method();
    }

    private Attachment.Method method() throws IOException, InterruptedException {
        Site paris = sites.paris();
        paris.api().post("/volumes", new CreateVolume("probe", 1L << 20, null));
        Attachment.Method best = Attachment.choose(scratch, paris.uri("probe"));
        paris.awaitReleased("probe");
        paris.api().delete("/volumes/probe");
        return best;
    }

    /** Tells everything; true when all of it was proven. */
    boolean tell() throws IOException, InterruptedException {
        stage();
        List<String> points = new ArrayList<>();
        String good;
        String lost;
        long head;
        try (SiteDisks live = attach(sites.berlin(), "", "berlin")) {
            protect(live);
            points.add(work(live));
            good = Documents.hash(documents.folder());
            Path loot = scratch.resolve("scrambled");
            points.addAll(attack(live, loot));
            lost = Documents.hash(loot);
            head = copyAtParis().acknowledgedSequence();
            writeAlone(live);
            kill();
        }
        telling.claim(
                sites.paris().point(GROUP, "latest").sequence() >= head,
                "paris has every record that it has acknowledged, up to seq:" + head);

        Optional<SiteDrill.Finding> best = drill(points);
        if (best.isEmpty()) {
            telling.claim(false, "one point is good");
            return telling.finish();
        }
        PointDocument point = best.get().test().point();
        long taken = sites.paris().group(GROUP).headSequence();
        failOver(point, good);
        reverse(point, taken);
        showBranch(lost);
        move();
        return telling.finish();
    }

    private SiteDisks attach(Site site, String prefix, String name)
            throws IOException, InterruptedException {
        return SiteDisks.attach(method, ext4, site, prefix, name);
    }

    // Protection

    private void stage() {
        Site berlin = sites.berlin();
        berlin.api().post("/groups", new CreateGroup(GROUP, null, null, null, null));
        berlin.api()
                .post("/volumes", new CreateVolume(SiteDisks.DOCUMENTS, method.diskBytes(), GROUP));
        berlin.api()
                .post(
                        "/volumes",
                        new CreateVolume(SiteDisks.LEDGER, SiteDisks.LEDGER_BYTES, GROUP));
        telling.step(
                "two sites, paired: berlin is process "
                        + sites.berlinPid()
                        + ", paris is this one; at berlin the group "
                        + GROUP
                        + " with two disks");
        telling.line("(" + method.describe() + ")");
        telling.line(
                SiteDisks.DOCUMENTS
                        + ", "
                        + ByteSize.format(method.diskBytes())
                        + ": ext4 with "
                        + Documents.COUNT
                        + " documents; "
                        + SiteDisks.LEDGER
                        + ", "
                        + ByteSize.format(SiteDisks.LEDGER_BYTES)
                        + ": what they were after each save");
    }

    private void protect(SiteDisks live) throws IOException, InterruptedException {
        documents.write("1", 1);
        live.make(documents);
        telling.step("group protect " + GROUP + " --to paris");
        Site berlin = sites.berlin();
        long began = System.nanoTime();
        berlin.api().post(HANDOVER + "/protections", new ProtectGroup(List.of(PARIS)));
        berlin.awaitEven(GROUP);
        sites.paris().awaitRole(GROUP, "standby");
        SyncDocument sync = berlin.copy(GROUP).sync();
        telling.line(
                "copied in "
                        + millis(began)
                        + " while in use: "
                        + ByteSize.format(sync.sentBytes())
                        + " sent for disks of "
                        + ByteSize.format(sync.totalBytes()));
    }

    private String work(SiteDisks live) throws IOException, InterruptedException {
        telling.step("work goes on at berlin; paris follows, write by write");
        Table table =
                new Table("SAVED", "RECORDS", "EVEN AFTER", "LARGEST LAG", "BACKLOG", "POINT");
        for (int version = 2; version <= 4; version++) {
            long before = sites.berlin().group(GROUP).headSequence();
            List<String> names = documents.write(Integer.toString(version), version);
            live.save(documents, names);
            Follow follow = follow();
            String point = "no name";
            if (version < 4) {
                point = "v" + version;
                sites.berlin()
                        .api()
                        .post(
                                HANDOVER + "/checkpoints",
                                new AddCheckpoint(point, names.size() + " documents changed"));
            }
            table.row(
                    names.size() + " documents",
                    sites.berlin().group(GROUP).headSequence() - before,
                    Math.round(follow.seconds() * 1000) + " ms",
                    Math.round(follow.lagSeconds() * 1000) + " ms",
                    ByteSize.format(follow.backlogBytes()),
                    point);
        }
        String now = Instant.now().toString();
        table.print(telling.out());
        telling.line("the last save carries no name; the clock says " + now);
        return now;
    }

    /** How the copy followed a save. */
    private record Follow(double seconds, double lagSeconds, long backlogBytes) {}

    private Follow follow() throws IOException, InterruptedException {
        long began = System.nanoTime();
        double lag = 0;
        long backlog = 0;
        long deadline = began + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            GroupDocument group = sites.berlin().group(GROUP);
            ProtectionDocument copy = group.protections().getFirst();
            lag = Math.max(lag, copy.lagSeconds());
            backlog = Math.max(backlog, copy.backlogBytes());
            if (copy.acknowledgedSequence() == group.headSequence()) {
                return new Follow((System.nanoTime() - began) / 1e9, lag, backlog);
            }
            if (System.nanoTime() > deadline) {
                throw new IOException("the copy does not follow: " + copy);
            }
        }
    }

    // Disaster

    private List<String> attack(SiteDisks live, Path loot)
            throws IOException, InterruptedException {
        telling.step(
                "\"ransomware\" at berlin overwrites the documents, and paris follows that too");
        Files.createDirectories(loot);
        List<String> names = new ArrayList<>();
        for (int number = 0; number < Documents.COUNT; number++) {
            String name = Documents.name(number);
            Files.write(loot.resolve(name), documents.scrambled(name));
            names.add(name);
        }
        int middle = names.size() / 2;
        live.replace(loot, names.subList(0, middle));
        String half = sites.berlin().point(GROUP, "latest").name();
        live.replace(loot, names.subList(middle, names.size()));
        double seconds = sites.berlin().awaitEven(GROUP);
        telling.line(
                "even "
                        + Math.round(seconds * 1000)
                        + " ms after the last write: a copy alone would be as lost as the original");
        return List.of(half, "latest");
    }

    /** What the copy never gets is what the branch is for. */
    private void writeAlone(SiteDisks live) throws IOException, InterruptedException {
        telling.step("group pause " + GROUP + " --to paris, and a last file is written at berlin");
        sites.berlin().api().post(HANDOVER + "/protections/" + PARIS + "/pause", Map.of());
        Path note = scratch.resolve(NOTE);
        Files.writeString(note, "the attacker came from 192.0.2.7\n");
        live.add(note);
        ProtectionDocument copy = copyAtParis();
        telling.line(
                NOTE
                        + ": paris lacks "
                        + (sites.berlin().group(GROUP).headSequence() - copy.acknowledgedSequence())
                        + " records, "
                        + ByteSize.format(copy.backlogBytes())
                        + ", lag "
                        + Math.round(copy.lagSeconds() * 1000)
                        + " ms");
    }

    private ProtectionDocument copyAtParis() throws IOException, InterruptedException {
        return sites.berlin().group(GROUP).protections().getFirst();
    }

    private void kill() throws IOException, InterruptedException {
        telling.step("kill -9 " + sites.berlinPid() + ": berlin is gone, its disks in use");
        sites.killBerlin();
        double seconds =
                Site.await(
                        "paris to notice",
                        () -> !sites.paris().isConnected(BERLIN),
                        () -> "it does not");
        telling.line("paris sees it after " + Math.round(seconds * 1000) + " ms");
    }

    private Optional<SiteDrill.Finding> drill(List<String> points)
            throws IOException, InterruptedException {
        telling.step(
                "at paris: "
                        + points.size()
                        + " past moments opened at once as read-write test disks, and checked");
        SiteDrill drill = new SiteDrill(method, ext4, sites.paris());
        List<SiteDrill.Finding> findings = drill.run(GROUP, points);
        SiteDrill.report(findings, telling.out());
        telling.claim(
                findings.stream()
                        .map(SiteDrill.Finding::good)
                        .toList()
                        .equals(List.of(true, false, false)),
                "the moment before the attack is good, both later ones are not");
        for (SiteDrill.Finding finding : findings) {
            sites.paris()
                    .api()
                    .post(
                            "/tests/" + finding.test().id() + "/stop",
                            new StopTest(finding.verdict(), finding.note(), "demo", true));
        }
        return findings.stream().filter(SiteDrill.Finding::good).findFirst();
    }

    private void failOver(PointDocument point, String good)
            throws IOException, InterruptedException {
        Site paris = sites.paris();
        telling.step("at paris: failover --at " + point.name() + ", the good point");
        long began = System.nanoTime();
        TaskDocument task =
                paris.api()
                        .post(HANDOVER + "/failover", new FailOver(point.name(), null, null, null))
                        .as(TaskDocument.class);
        paris.awaitRole(GROUP, "active");
        telling.line("live at paris after " + millis(began));
        try (SiteDisks live = attach(paris, "", "paris")) {
            expect(live, good, "those of the moment before the attack");
            live.save(documents, documents.write("5", 3));
            paris.api().await(task.id(), progress -> {});
            telling.line("work goes on; the failover is folded in after " + millis(began));
            paris.api().post(HANDOVER + "/failover/commit", Map.of());
        }
        telling.claim(
                paris.group(GROUP).status().equals("promotion_complete_mirrors_not_yet_activated"),
                "the failover is committed, and paris is not protected yet");
    }

    private void expect(SiteDisks disks, String hash, String which)
            throws IOException, InterruptedException {
        Content content = disks.read();
        telling.claim(content.sound(), "e2fsck finds the file system clean");
        telling.claim(content.hash().equals(hash), "all documents are, byte for byte, " + which);
        telling.claim(!content.has(NOTE), NOTE + ", which only berlin had, is not there");
        telling.claim(content.agrees(), "the second disk, the ledger, is of the same moment");
    }

    // And back

    /**
     * @param taken newest record at paris when it took over: what came later is new to berlin
     */
    private void reverse(PointDocument point, long taken) throws IOException, InterruptedException {
        Site paris = sites.paris();
        telling.step("at paris: reverse; and berlin is started again");
        paris.api().post(HANDOVER + "/reverse", Map.of());
        long began = System.nanoTime();
        sites.startBerlin();
        telling.line(
                "berlin serves again after "
                        + millis(began)
                        + ", now as process "
                        + sites.berlinPid());
        sites.berlin().awaitRole(GROUP, "standby");
        paris.awaitEven(GROUP);
        ProtectionDocument copy = paris.copy(GROUP);
        long records = copy.acknowledgedSequence() - taken;
        telling.line(
                "set back to "
                        + point.name()
                        + " and even with paris after "
                        + millis(began)
                        + ": "
                        + records
                        + " records crossed, "
                        + ByteSize.format(paris.peer(BERLIN).sentBytes())
                        + " on the link");
        telling.claim(
                copy.sync().sentBytes() == 0,
                "only the difference crossed: nothing had to be synchronised");
    }

    private void showBranch(String lost) throws IOException, InterruptedException {
        Site berlin = sites.berlin();
        telling.step("at berlin: test list --running, what only berlin had");
        Optional<TestDocument> branch =
                berlin.api().get("/tests?running=true").asList(TestDocument.class).stream()
                        .filter(test -> test.state().equals("branch"))
                        .findFirst();
        telling.claim(branch.isPresent(), "berlin has kept its last state, for whoever wants it");
        if (branch.isEmpty()) {
            return;
        }
        TestDocument test = branch.get();
        telling.line("test " + test.id() + " at " + test.point().name() + ": " + test.note());
        String prefix = "test." + test.id() + ".";
        try (SiteDisks disks = attach(berlin, prefix, "branch")) {
            Content content = disks.read();
            telling.claim(
                    content.has(NOTE) && content.hash().equals(lost),
                    NOTE + " is there, beside the scrambled documents");
        }
        berlin.api()
                .post(
                        "/tests/" + test.id() + "/stop",
                        new StopTest("failed", "the note was read", "demo", true));
    }

    private void move() throws IOException, InterruptedException {
        Site paris = sites.paris();
        telling.step("work goes on at paris, is copied to berlin, and then: move --to berlin");
        try (SiteDisks live = attach(paris, "", "paris-again")) {
            live.save(documents, documents.write("6", 2));
        }
        String last = Documents.hash(documents.folder());
        double seconds = paris.awaitEven(GROUP);
        telling.line("even after " + Math.round(seconds * 1000) + " ms");
        paris.awaitReleased(SiteDisks.DOCUMENTS);
        paris.awaitReleased(SiteDisks.LEDGER);
        long began = System.nanoTime();
        TaskDocument task =
                paris.api()
                        .post(HANDOVER + "/move", new Move(BERLIN, null, null))
                        .as(TaskDocument.class);
        sites.berlin().awaitRole(GROUP, "active");
        telling.line("live at berlin after " + millis(began));
        paris.api().await(task.id(), progress -> {});
        telling.claim(
                paris.group(GROUP).role().equals("fenced"), "paris refuses its hosts from now on");
        try (SiteDisks live = attach(sites.berlin(), "", "berlin-again")) {
            expect(live, last, "those last saved at paris");
            live.save(documents, documents.write("7", 4));
        }
        sites.berlin().api().post(HANDOVER + "/reverse", Map.of());
        sites.paris().awaitRole(GROUP, "standby");
        sites.berlin().awaitEven(GROUP);
        telling.claim(
                sites.berlin().group(GROUP).status().equals("protecting")
                        && sites.berlin().copy(GROUP).sync().sentBytes() == 0,
                "after another reverse everything is as it was: live at berlin, copied to paris");
    }

    private static String millis(long beganNanos) {
        return Story.millis((System.nanoTime() - beganNanos) / 1e9);
    }
}
