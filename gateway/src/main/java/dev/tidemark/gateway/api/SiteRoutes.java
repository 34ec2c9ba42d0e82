package dev.tidemark.gateway.api;

import static dev.tidemark.gateway.api.Route.delete;
import static dev.tidemark.gateway.api.Route.get;
import static dev.tidemark.gateway.api.Route.list;
import static dev.tidemark.gateway.api.Route.post;

import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.wire.Requests.InitSite;
import dev.tidemark.gateway.wire.Requests.InviteSite;
import dev.tidemark.gateway.wire.Requests.PairSite;
import dev.tidemark.gateway.wire.Requests.RevokePeer;
import dev.tidemark.gateway.wire.Wire.InvitationDocument;
import dev.tidemark.gateway.wire.Wire.PeerDocument;
import dev.tidemark.gateway.wire.Wire.SiteDocument;
import dev.tidemark.gateway.wire.Wire.TopologyDocument;
import java.util.ArrayList;
import java.util.List;

/** The routes of this site and its peers. */
final class SiteRoutes {
    private static final String SITE = "/api/v1/site";
    private static final String PEERS = SITE + "/peers";
    private static final String PEER = PEERS + "/{peer}";

    private final Sites sites;

    SiteRoutes(Sites sites) {
        this.sites = sites;
    }

    List<Route> all() {
        List<Route> routes = new ArrayList<>(own());
        routes.addAll(peers());
        return routes;
    }

    private List<Route> own() {
        return List.of(
                get(SITE, "This site", SiteDocument.class, call -> sites.site()),
                post(
                        SITE,
                        "Make this gateway a site that can be paired",
                        InitSite.class,
                        SiteDocument.class,
                        201,
                        call -> sites.init(call.body(InitSite.class))),
                post(
                        SITE + "/renew",
                        "Give this site a new key and certificate at once",
                        Nothing.class,
                        SiteDocument.class,
                        200,
                        call -> {
                            call.body(Nothing.class);
                            return sites.renew();
                        }),
                post(
                        SITE + "/invitations",
                        "Make a token that pairs one site with this one; it is not shown again",
                        InviteSite.class,
                        InvitationDocument.class,
                        201,
                        call -> sites.invite(call.body(InviteSite.class))));
    }

    /** A body without fields. */
    record Nothing() {}

    private List<Route> peers() {
        return List.of(
                list(
                        PEERS,
                        "Sites that this one is paired with, by name",
                        PeerDocument.class,
                        call -> sites.list()),
                post(
                        PEERS,
                        "Pair this site with the one that made a token",
                        PairSite.class,
                        PeerDocument.class,
                        201,
                        call -> sites.pair(call.body(PairSite.class))),
                get(
                        PEER,
                        "One peer, by name or id",
                        PeerDocument.class,
                        call -> sites.peer(call.path("peer"))),
                get(
                        PEER + "/topology",
                        "What a peer says of its groups, volumes and space; it has to be connected",
                        TopologyDocument.class,
                        call -> sites.topology(call.path("peer"))),
                post(
                        PEER + "/revoke",
                        "Refuse a peer's certificate, or all of them, from now on",
                        RevokePeer.class,
                        PeerDocument.class,
                        200,
                        call -> sites.revoke(call.path("peer"), call.body(RevokePeer.class))),
                delete(
                                PEER,
                                "Forget a peer, and tell it when it is connected",
                                call -> {
                                    sites.unpair(call.path("peer"), call.flag("force"));
                                    return null;
                                })
                        .with("force: true also while groups are protected with it"));
    }
}
