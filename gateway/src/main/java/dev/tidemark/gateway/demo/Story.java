package dev.tidemark.gateway.demo;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.gateway.wire.Requests.AddCheckpoint;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.PromoteTest;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Requests.StopTest;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * What the demo shows, step by step; every claim is checked, and one that does not hold makes the
 * demo fail.
 */
final class Story {
    static final String DISK = "demo";
    private static final String GROUP = "/groups/default";
    private static final String DRILL_NOTE = "demo drill";
    private static final long CHECKPOINT_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Gateway gateway;
    private final Path scratch;
    private final PrintWriter out;
    private final Telling telling;
    private final ApiClient api;
    private final Ext4 ext4;

    Story(Gateway gateway, Path scratch, PrintWriter out) {
        this.gateway = gateway;
        this.scratch = scratch;
        this.out = out;
        this.telling = new Telling(out);
        this.api = new ApiClient(gateway.apiUri(), gateway.token());
        this.ext4 = new Ext4(scratch);
    }

    /** Tells everything; true when all of it was proven. */
    boolean tell() throws IOException, InterruptedException {
        Attachment.Method method = method();
        api.post("/volumes", new CreateVolume(DISK, method.diskBytes(), null));
        telling.step(
                "a disk of " + ByteSize.format(method.diskBytes()) + ", served at " + uri(DISK));
        out.println("   (" + method.describe() + ")");

        Attachment live = method.attach(uri(DISK), "live");
        Documents documents = new Documents(scratch.resolve("documents"), 7);
        List<String> points = history(live, documents);
        String expected = Documents.hash(documents.folder());
        points.addAll(attack(live, documents));
        live.detach();

        long baseline = allocated();
        List<Finding> findings = drill(method, points);
        long grown = allocated() - baseline;
        report(findings);
        economy(findings, grown, method.diskBytes());
        Optional<Finding> best =
                findings.stream()
                        .filter(Finding::good)
                        .max(Comparator.comparingLong(f -> f.test().point().sequence()));
        if (best.isEmpty()) {
            claim(false, "at least one point is good");
            return telling.finish();
        }
        failOver(method, findings, best.get(), expected);
        return telling.finish();
    }

    // Stage

    private Attachment.Method method() throws InterruptedException {
        api.post("/volumes", new CreateVolume("probe", 1L << 20, null));
        Attachment.Method method = Attachment.choose(scratch, uri("probe"));
        awaitReleased(() -> api.get("/volumes/probe").as(VolumeDocument.class).openHandles());
        api.delete("/volumes/probe");
        return method;
    }

    /** A client may have ended before the gateway has noticed: its disk is in use until then. */
    private static void awaitReleased(IntSupplier openHandles) throws InterruptedException {
        long deadline = System.nanoTime() + CHECKPOINT_NANOS;
        while (openHandles.getAsInt() > 0 && System.nanoTime() < deadline) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    private String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + gateway.dataDirectory().resolve("nbd.sock");
    }

    private void claim(boolean holds, String what) {
        telling.claim(holds, what);
    }

    // History

    private List<String> history(Attachment live, Documents documents)
            throws IOException, InterruptedException {
        documents.write("1", 1);
        ext4.make(live.file(), documents.folder());
        live.flush();
        List<String> points = new ArrayList<>();
        points.add(mark("v1", "first version of all documents"));
        telling.step(
                "mkfs.ext4, "
                        + Documents.COUNT
                        + " documents; then work goes on while checkpoints pass");
        for (int version = 2; version <= 3; version++) {
            List<String> names = documents.write(Integer.toString(version), version);
            ext4.replace(live.file(), documents.folder(), names);
            live.flush();
            awaitCheckpoint();
            points.add(mark("v" + version, names.size() + " documents changed"));
        }
        // The last good state has no name: only its time is known.
        ext4.replace(live.file(), documents.folder(), documents.write("4", 5));
        live.flush();
        awaitCheckpoint();
        String now = Instant.now().toString();
        out.println("   the last edits before the attack carry no name; the clock says " + now);
        points.add(now);
        return points;
    }

    private String mark(String name, String description) {
        CheckpointDocument checkpoint =
                api.post(GROUP + "/checkpoints", new AddCheckpoint(name, description))
                        .as(CheckpointDocument.class);
        out.println(
                "   checkpoint "
                        + name
                        + " at seq:"
                        + checkpoint.sequence()
                        + " ("
                        + description
                        + ")");
        return name;
    }

    /** Waits until an automatic checkpoint covers all that was written. */
    private void awaitCheckpoint() throws InterruptedException {
        long head = point("latest").sequence();
        long deadline = System.nanoTime() + CHECKPOINT_NANOS;
        while (newestCheckpoint() < head && System.nanoTime() < deadline) {
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private long newestCheckpoint() {
        return api.get(GROUP + "/checkpoints?limit=1").asList(CheckpointDocument.class).stream()
                .mapToLong(CheckpointDocument::sequence)
                .max()
                .orElse(0);
    }

    private PointDocument point(String at) {
        return api.get(GROUP + "/point?at=" + ApiClient.encode(at)).as(PointDocument.class);
    }

    // Attack

    private List<String> attack(Attachment live, Documents documents)
            throws IOException, InterruptedException {
        telling.step(
                "\"ransomware\" overwrites the documents, then scribbles over the file system");
        Path loot = Files.createDirectories(scratch.resolve("scrambled"));
        List<String> names = new ArrayList<>();
        for (int number = 0; number < Documents.COUNT; number++) {
            String name = Documents.name(number);
            Files.write(loot.resolve(name), documents.scrambled(name));
            names.add(name);
        }
        ext4.replace(live.file(), loot, names.subList(0, names.size() / 2));
        live.flush();
        String half = point("latest").name();
        ext4.replace(live.file(), loot, names.subList(names.size() / 2, names.size()));
        live.flush();
        String all = point("latest").name();
        scribble(live.file());
        live.flush();
        awaitCheckpoint();
        claim(ext4.check(live.file()).code() != 0, "the live disk is lost: e2fsck finds errors");
        return List.of(half, all, "latest");
    }

    /** Overwrites group descriptors and inodes, and spares the superblock. */
    private static void scribble(Path file) throws IOException {
        byte[] junk = new byte[512 << 10];
        new java.util.Random(99).nextBytes(junk);
        try (java.io.RandomAccessFile disk = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            disk.seek(64 << 10);
            disk.write(junk);
        }
    }

    // Drill

    /** What a test of a point found. */
    record Finding(
            TestDocument test, boolean sound, int whole, double checkSeconds, String detail) {
        boolean good() {
            return sound && whole == Documents.COUNT;
        }

        String verdict() {
            return good() ? "passed" : "failed";
        }
    }

    private List<Finding> drill(Attachment.Method method, List<String> points)
            throws IOException, InterruptedException {
        telling.step(
                points.size()
                        + " past moments opened at once as read-write test disks; each is checked and written to");
        DrillDocument drill =
                api.post("/tests", new StartTests("default", points, DRILL_NOTE, "demo"))
                        .as(DrillDocument.class);
        List<Finding> findings = new ArrayList<>();
        List<IOException> failures = new ArrayList<>();
        List<Thread> checkers = new ArrayList<>();
        for (TestDocument test : drill.tests()) {
            checkers.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    Finding finding = check(method, test);
                                    synchronized (findings) {
                                        findings.add(finding);
                                    }
                                } catch (IOException e) {
                                    synchronized (findings) {
                                        failures.add(e);
                                    }
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            }));
        }
        for (Thread checker : checkers) {
            checker.join();
        }
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
        findings.sort(Comparator.comparingLong(finding -> finding.test().point().sequence()));
        return findings;
    }

    private Finding check(Attachment.Method method, TestDocument test)
            throws IOException, InterruptedException {
        long began = System.nanoTime();
        String name = "test" + test.id();
        Attachment disk = method.attach(uri(test.exports().getFirst().name()), name);
        try {
            Tools.Outcome outcome = ext4.check(disk.file());
            boolean sound = outcome.code() == 0;
            int whole = Documents.whole(ext4.dump(disk.file(), name));
            double seconds = (System.nanoTime() - began) / 1e9;
            if (sound) {
                Path marker = scratch.resolve(marker(test));
                Files.writeString(marker, "test " + test.id() + " was here\n");
                ext4.add(disk.file(), marker, marker(test));
                disk.flush();
            }
            String detail = sound ? "clean" : outcome.firstLine();
            return new Finding(test, sound, whole, seconds, detail);
        } finally {
            disk.detach();
        }
    }

    private static String marker(TestDocument test) {
        return "TEST-" + test.id();
    }

    private void report(List<Finding> findings) {
        Table table =
                new Table(
                        "TEST",
                        "POINT",
                        "AGE",
                        "EXACTLY",
                        "E2FSCK",
                        "DOCUMENTS",
                        "VERDICT",
                        "OPENED IN",
                        "CHECKED IN");
        Instant now = Instant.now();
        for (Finding finding : findings) {
            PointDocument point = finding.test().point();
            table.row(
                    finding.test().id(),
                    point.checkpoint() == null ? point.asked() : point.checkpoint(),
                    TimeSpan.format(Duration.between(Instant.parse(point.time()), now)),
                    point.name(),
                    finding.sound() ? "clean" : "ERRORS",
                    finding.whole() + "/" + Documents.COUNT + " whole",
                    finding.verdict().toUpperCase(Locale.ROOT),
                    millis(finding.test().openSeconds()),
                    millis(finding.checkSeconds()));
        }
        out.println();
        table.print(out);
        claim(findings.size() >= 5, findings.size() + " points were open at the same time");
        claim(
                findings.stream().filter(Finding::good).count() == 4
                        && findings.stream().noneMatch(f -> f.good() && f.test().id() > 4),
                "every point before the attack is good, every later one is not");
    }

    static String millis(double seconds) {
        return Math.round(seconds * 1000) + " ms";
    }

    private void economy(List<Finding> findings, long grown, long diskBytes) {
        out.println();
        out.println(
                "   disk use grew by "
                        + ByteSize.format(Math.max(0, grown))
                        + " for "
                        + findings.size()
                        + " test disks; copies would have taken "
                        + ByteSize.format(findings.size() * diskBytes));
        claim(
                grown < findings.size() * diskBytes / 20,
                "the tests took less than a twentieth of what copies take");
    }

    /** Bytes that the data directory occupies on disk. */
    private long allocated() throws IOException, InterruptedException {
        Tools.Outcome outcome =
                Tools.run(scratch, "du", "-s", "-B1", gateway.dataDirectory().toString());
        String digits = outcome.output().replaceAll("(?s)^(\\d+).*", "$1");
        return digits.matches("\\d+")
                ? Long.parseLong(digits)
                : scratch.toFile().getTotalSpace() - scratch.toFile().getUsableSpace();
    }

    // Failover

    private void failOver(
            Attachment.Method method, List<Finding> findings, Finding best, String expected)
            throws IOException, InterruptedException {
        PointDocument point = best.test().point();
        telling.step(
                "fail over to the newest good point: test "
                        + best.test().id()
                        + " at "
                        + point.time()
                        + " ("
                        + point.name()
                        + ")");
        for (Finding finding : findings) {
            if (finding.test().id() != best.test().id()) {
                StopTest stop =
                        new StopTest(
                                finding.verdict(),
                                finding.whole()
                                        + " of "
                                        + Documents.COUNT
                                        + " documents whole, e2fsck: "
                                        + finding.detail(),
                                "demo",
                                true);
                api.post("/tests/" + finding.test().id() + "/stop", stop);
            }
        }
        String chosen = "/tests/" + best.test().id();
        awaitReleased(() -> api.get(chosen).as(TestDocument.class).openHandles());
        long began = System.nanoTime();
        TaskDocument task =
                api.post(
                                chosen + "/promote",
                                new PromoteTest("passed", "newest good point, now live", "demo"))
                        .as(TaskDocument.class);
        awaitUsable(task);
        double usable = (System.nanoTime() - began) / 1e9;
        prove(method, best, expected);
        api.await(task.id(), progress -> {});
        out.println(
                "   live again after "
                        + millis(usable)
                        + ", folded in completely after "
                        + millis((System.nanoTime() - began) / 1e9));
        DrillDocument drill = api.get("/drills/" + best.test().drill()).as(DrillDocument.class);
        claim(
                drill.running() == 0
                        && drill.passed() == 4
                        && drill.failed() == findings.size() - 4,
                "the records say: " + drill.passed() + " passed, " + drill.failed() + " failed");
    }

    /** The disks are usable when the group's epoch has grown: the old writes are fenced. */
    private void awaitUsable(TaskDocument task) throws InterruptedException {
        long deadline = System.nanoTime() + CHECKPOINT_NANOS;
        while (System.nanoTime() < deadline) {
            GroupDocument group = api.get(GROUP).as(GroupDocument.class);
            String state = api.get("/tasks/" + task.id()).as(TaskDocument.class).state();
            if (group.promotion() != null || !state.equals("running")) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    private void prove(Attachment.Method method, Finding best, String expected)
            throws IOException, InterruptedException {
        Attachment live = method.attach(uri(DISK), "failover");
        try {
            claim(ext4.check(live.file()).code() == 0, "e2fsck finds the live disk clean");
            Path content = ext4.dump(live.file(), "failover");
            claim(
                    Documents.hash(content).equals(expected),
                    "all documents are byte for byte those of the moment before the attack");
            claim(
                    Files.exists(content.resolve(marker(best.test()))),
                    "what the chosen test wrote is there");
            try (var files = Files.list(content)) {
                long others =
                        files.map(file -> String.valueOf(file.getFileName()))
                                .filter(name ->
                                        name.startsWith("TEST-")
                                                && !name.equals(marker(best.test())))
                                .count();
                claim(others == 0, "what the other tests wrote is not");
            }
        } finally {
            live.detach();
        }
    }
}
