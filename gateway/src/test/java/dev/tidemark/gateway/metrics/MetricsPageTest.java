package dev.tidemark.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.docs.Page;
import dev.tidemark.gateway.protection.ProtectionMetrics;
import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.TestGateways;
import dev.tidemark.gateway.sites.SiteMetrics;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.replica.CopyCounters;
import dev.tidemark.replica.link.PeerStatus;
import dev.tidemark.replica.ship.ShippingStage;
import dev.tidemark.replica.ship.ShippingState;
import dev.tidemark.replica.ship.ShippingStatus;
import dev.tidemark.replica.ship.SyncProgress;
import io.micrometer.core.instrument.Tags;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MetricsPageTest {
    private static final Pattern HELP = Pattern.compile("(?m)^# HELP (tidemark_\\S+) (.*)$");
    private static final Pattern TYPE = Pattern.compile("(?m)^# TYPE (tidemark_\\S+) (.*)$");

    @TempDir private Path folder;

    @Test
    void theReferenceShowsEveryMetric() throws Exception {
        String scraped = scrapeGateway() + scrapeRequests() + scrapePeer() + scrapeCopy();
        Map<String, String> types = new TreeMap<>();
        Matcher type = TYPE.matcher(scraped);
        while (type.find()) {
            types.put(type.group(1), type.group(2));
        }
        Map<String, String> helps = new TreeMap<>();
        Matcher help = HELP.matcher(scraped);
        while (help.find()) {
            helps.put(help.group(1), help.group(2));
        }
        assertThat(helps.keySet()).isEqualTo(types.keySet());
        assertThat(helps).hasSizeGreaterThan(45).doesNotContainValue("");
        StringBuilder page =
                new StringBuilder(
                        """
                        # Metrics

                        `GET /metrics` in Prometheus' text format, with the API's token (or without, when `api.open_metrics` is true). Counters count from the start of the process.
                        Labels: `group`; `peer` for links between sites, with `group` for a group's copy there; `copy` for the three copies of a write (`journal`, `peer`, `analyzer`; `peer` is empty but for the second); for requests also `volume`, `kind` (`live`, `view`, `test`, `copy`) and `op` (`read`, `write`, `zero`, `flush`). IOPS are
                        `rate(tidemark_request_seconds_count[1m])`, throughput is `rate(tidemark_request_bytes_total[1m])`. The JVM's own metrics (`jvm_*`, `process_*`, `system_*`) are there too.

                        ```yaml
                        scrape_configs:
                          - job_name: tidemark
                            authorization: {credentials_file: /var/lib/tidemark/token}
                            static_configs: [{targets: ["127.0.0.1:7117"]}]
                        ```

                        | Metric | Type | Meaning |
                        |---|---|---|
                        """);
        types.forEach((name, kind) ->
                page.append("| `")
                        .append(name)
                        .append("` | ")
                        .append(kind)
                        .append(" | ")
                        .append(Page.cell(String.valueOf(helps.get(name))))
                        .append(" |\n"));
        Page.check("metrics.md", page.toString());
    }

    private String scrapeGateway() throws Exception {
        try (Gateway gateway = TestGateways.start(folder)) {
            ApiClient api = TestGateways.client(gateway);
            api.post("/volumes", new CreateVolume("disk", 1L << 20, null));
            return api.text("/metrics");
        }
    }

    private static String scrapePeer() {
        try (Metrics metrics = new Metrics()) {
            PeerStatus waiting = new PeerStatus(PeerStatus.State.WAITING, "", null, null);
            new SiteMetrics(metrics.registry()).add("berlin", () -> waiting);
            return metrics.scrape();
        }
    }

    private static String scrapeCopy() {
        try (Metrics metrics = new Metrics()) {
            ShippingStatus paused =
                    new ShippingStatus(
                            ShippingState.PAUSED,
                            "",
                            7,
                            5,
                            4096,
                            1_500_000,
                            ShippingStage.NONE,
                            new SyncProgress(0, 0, 0, 0, 0, 0),
                            new CopyCounters(3, 8192, 1),
                            "");
            Tags named = Tags.of("group", "shop", "peer", "berlin");
            ProtectionMetrics protection = new ProtectionMetrics(metrics.registry());
            protection.add("copy", named, () -> paused);
            protection.addDirty("copy", named, () -> 65536L);
            protection.addAlsoActive("rival", named, () -> 1);
            String scraped = metrics.scrape();
            assertThat(scraped)
                    .contains("tidemark_group_also_active{group=\"shop\",peer=\"berlin\"} 1.0")
                    .contains("tidemark_protection_lag_seconds{group=\"shop\",peer=\"berlin\"} 1.5")
                    .contains(
                            "tidemark_protection_acknowledged_sequence{group=\"shop\",peer=\"berlin\"} 5.0")
                    .contains(
                            "tidemark_protection_dirty_bytes{group=\"shop\",peer=\"berlin\"} 65536.0")
                    .contains(
                            "tidemark_copy_records_total{copy=\"peer\",group=\"shop\",peer=\"berlin\"} 3.0");
            return scraped;
        }
    }

    private static String scrapeRequests() {
        try (Metrics metrics = new Metrics()) {
            RequestMeter meter = metrics.requests("g", "v", "live");
            meter.succeeded(RequestMeter.Operation.READ, 4096, System.nanoTime());
            meter.failed(RequestMeter.Operation.WRITE, ErrorCode.NO_SPACE);
            String scraped = metrics.scrape();
            assertThat(scraped)
                    .contains(
                            "tidemark_request_bytes_total{group=\"g\",kind=\"live\",op=\"read\",volume=\"v\"} 4096.0")
                    .contains("tidemark_request_errors_total{code=\"no_space\"");
            return scraped;
        }
    }
}
