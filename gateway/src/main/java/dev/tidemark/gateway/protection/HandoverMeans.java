package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.Tasks;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.replica.ship.ShippingDesk;
import java.time.Clock;

/** What handovers work with. Thread-safe, as all of it is. */
record HandoverMeans(
        Groups groups,
        Volumes volumes,
        Points points,
        Tasks tasks,
        Sites sites,
        Protections protections,
        ShippingDesk desk,
        HandoverRows rows,
        Attendance attendance,
        Peering peering,
        Relations relations,
        Rivals rivals,
        Alerts alerts,
        Clock clock) {
    /** Microseconds since 1970. */
    long now() {
        return Timestamps.micros(clock.instant());
    }
}
