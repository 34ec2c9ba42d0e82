package dev.tidemark.gateway.api;

import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.metrics.Metrics;
import dev.tidemark.gateway.protection.SiteGroups;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.Promotions;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.service.Taps;
import dev.tidemark.gateway.service.Tasks;
import dev.tidemark.gateway.service.Uris;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.wire.Wire.HealthDocument;
import dev.tidemark.gateway.wire.Wire.StatusDocument;
import java.util.function.Supplier;

/** What the routes call. */
public record Services(
        Settings settings,
        Groups groups,
        Volumes volumes,
        Points points,
        RecoveryTests tests,
        Promotions promotions,
        Tasks tasks,
        Alerts alerts,
        Taps taps,
        Uris uris,
        Metrics metrics,
        Sites sites,
        SiteGroups siteGroups,
        Supplier<StatusDocument> status,
        Supplier<HealthDocument> readiness) {}
