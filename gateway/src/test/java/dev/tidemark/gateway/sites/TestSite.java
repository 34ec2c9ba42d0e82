package dev.tidemark.gateway.sites;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.metrics.Metrics;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Wire.TopologyDocument;
import dev.tidemark.gateway.wire.Wire.TopologyGroup;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Random;

/** A site on a folder and a fake network; can be started again there. */
public final class TestSite implements AutoCloseable {
    public final Path folder;
    final SimulatedScheduler scheduler;
    final FakeNetwork network;
    public final Clock clock;
    public final LinkServices services = new LinkServices();
    final Metrics metrics = new Metrics();
    final Alerts alerts;
    public final Catalogue catalogue;
    public final Sites sites;

    public TestSite(Path folder, SimulatedScheduler scheduler, FakeNetwork network) {
        this(folder, scheduler, network, SiteSettings.NONE);
    }

    TestSite(
            Path folder, SimulatedScheduler scheduler, FakeNetwork network, SiteSettings settings) {
        this.folder = folder;
        this.scheduler = scheduler;
        this.network = network;
        this.clock = new SimulatedClock(scheduler);
        this.alerts = new Alerts(clock);
        this.catalogue = Catalogue.open(folder.resolve("catalogue.sqlite"));
        this.sites =
                new Sites(
                        new Sites.Means(
                                keys(),
                                catalogue.sites(),
                                network::join,
                                services,
                                alerts,
                                new SiteMetrics(metrics.registry()),
                                scheduler,
                                clock,
                                new Random(folder.toString().hashCode())),
                        settings,
                        "1.0-test",
                        TestSite::topology);
        try {
            sites.open();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    Path keys() {
        return folder.resolve("site");
    }

    private static TopologyDocument topology() {
        return new TopologyDocument(
                "",
                "",
                "",
                1,
                2,
                3,
                4,
                false,
                List.of(new TopologyGroup("shop", "id", "serving", 1, List.of())));
    }

    /** As after a restart of the gateway. */
    TestSite again() {
        close();
        return new TestSite(folder, scheduler, network);
    }

    @Override
    public void close() {
        sites.close();
        catalogue.close();
        metrics.close();
    }

    private static final class SimulatedClock extends Clock {
        private final SimulatedScheduler scheduler;

        SimulatedClock(SimulatedScheduler scheduler) {
            this.scheduler = scheduler;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return Timestamps.instant(scheduler.wallClockMicros());
        }
    }
}
