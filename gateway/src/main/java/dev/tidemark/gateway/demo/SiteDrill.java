package dev.tidemark.gateway.demo;

import dev.tidemark.gateway.demo.SiteDisks.Content;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Tests of several points of a copy, at once. */
final class SiteDrill {
    private final Attachment.Method method;
    private final Ext4 ext4;
    private final Site site;

    SiteDrill(Attachment.Method method, Ext4 ext4, Site site) {
        this.method = method;
        this.ext4 = ext4;
        this.site = site;
    }

    /** What a test of a point found. */
    record Finding(TestDocument test, Content content, double checkSeconds) {
        boolean good() {
            return content.good();
        }

        String verdict() {
            return good() ? "passed" : "failed";
        }

        String note() {
            return content.whole() + " of " + Documents.COUNT + " documents whole";
        }
    }

    /** Tests points; the findings by point, oldest first. The tests go on. */
    List<Finding> run(String group, List<String> points) throws IOException, InterruptedException {
        DrillDocument drill =
                site.api()
                        .post("/tests", new StartTests(group, points, "demo drill", "demo"))
                        .as(DrillDocument.class);
        List<Finding> findings = new ArrayList<>();
        try (ExecutorService checkers = Executors.newCachedThreadPool()) {
            List<Future<Finding>> all = new ArrayList<>();
            drill.tests().forEach(test -> all.add(checkers.submit(() -> check(test))));
            for (Future<Finding> one : all) {
                findings.add(one.get());
            }
        } catch (ExecutionException e) {
            throw new IOException("a test cannot be checked: " + e.getCause(), e);
        }
        findings.sort(Comparator.comparingLong(finding -> finding.test().point().sequence()));
        return findings;
    }

    private Finding check(TestDocument test) throws IOException, InterruptedException {
        long began = System.nanoTime();
        String prefix = "test." + test.id() + ".";
        try (SiteDisks disks = SiteDisks.attach(method, ext4, site, prefix, "test" + test.id())) {
            Content content = disks.read();
            return new Finding(test, content, (System.nanoTime() - began) / 1e9);
        }
    }

    static void report(List<Finding> findings, PrintWriter out) {
        Table table =
                new Table(
                        "TEST",
                        "POINT",
                        "EXACTLY",
                        "E2FSCK",
                        "DOCUMENTS",
                        "LEDGER",
                        "VERDICT",
                        "OPENED IN",
                        "CHECKED IN");
        for (Finding finding : findings) {
            PointDocument point = finding.test().point();
            table.row(
                    finding.test().id(),
                    point.asked(),
                    point.name(),
                    finding.content().sound() ? "clean" : "ERRORS",
                    finding.content().whole() + "/" + Documents.COUNT + " whole",
                    finding.content().agrees() ? "agrees" : "DIFFERS",
                    finding.verdict().toUpperCase(Locale.ROOT),
                    Story.millis(finding.test().openSeconds()),
                    Story.millis(finding.checkSeconds()));
        }
        table.print(out);
    }
}
