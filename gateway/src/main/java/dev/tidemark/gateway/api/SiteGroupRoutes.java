package dev.tidemark.gateway.api;

import static dev.tidemark.gateway.api.Route.delete;
import static dev.tidemark.gateway.api.Route.get;
import static dev.tidemark.gateway.api.Route.post;

import dev.tidemark.gateway.api.SiteRoutes.Nothing;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.protection.SiteGroups;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Overview;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.wire.Requests.FailOver;
import dev.tidemark.gateway.wire.Requests.Keep;
import dev.tidemark.gateway.wire.Requests.LimitRate;
import dev.tidemark.gateway.wire.Requests.Move;
import dev.tidemark.gateway.wire.Requests.ProtectGroup;
import dev.tidemark.gateway.wire.Requests.SeedGroup;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.PeerDocument;
import dev.tidemark.gateway.wire.Wire.ReverseDocument;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import java.util.ArrayList;
import java.util.List;

/** The routes of groups at several sites. */
final class SiteGroupRoutes {
    private static final String GROUP = "/api/v1/groups/{group}";
    private static final String COPIES = GROUP + "/protections";
    private static final String COPY = COPIES + "/{site}";

    private final Groups groups;
    private final SiteGroups siteGroups;
    private final Sites sites;

    SiteGroupRoutes(Groups groups, SiteGroups siteGroups, Sites sites) {
        this.groups = groups;
        this.siteGroups = siteGroups;
        this.sites = sites;
    }

    List<Route> all() {
        List<Route> routes = new ArrayList<>(copies());
        routes.addAll(handovers());
        return routes;
    }

    private List<Route> copies() {
        return List.of(
                post(
                        COPIES,
                        "Copy a group to other sites, and keep the copies up",
                        ProtectGroup.class,
                        GroupDocument.class,
                        201,
                        call -> {
                            List<String> names = call.body(ProtectGroup.class).sites();
                            if (names == null || names.isEmpty()) {
                                throw ProblemException.invalid(
                                        "no site is named", "", "one or more", "");
                            }
                            siteGroups.protect(group(call), sites, names);
                            return Overview.group(group(call));
                        }),
                delete(
                                COPY,
                                "Keep a copy up no longer; it stays as it is at the other site",
                                call -> {
                                    siteGroups.unprotect(
                                            group(call),
                                            sites,
                                            call.path("site"),
                                            call.flag("deleteCopy"));
                                    return null;
                                })
                        .with(
                                "deleteCopy: true deletes it there, as soon as that site can be asked"),
                post(
                        COPY + "/limit",
                        "Limit what is sent to a copy a second",
                        LimitRate.class,
                        GroupDocument.class,
                        200,
                        call -> {
                            siteGroups.limit(
                                    group(call),
                                    call.path("site"),
                                    call.body(LimitRate.class).rate());
                            return Overview.group(group(call));
                        }),
                post(
                        "/api/v1/site/peers/{peer}/groups/{group}/seed",
                        "Put images in place for a copy of a peer's group that is to be made here",
                        SeedGroup.class,
                        TaskDocument.class,
                        202,
                        call ->
                                siteGroups
                                        .seed(
                                                call.path("peer"),
                                                call.path("group"),
                                                call.body(SeedGroup.class))
                                        .document()),
                post(
                        "/api/v1/site/peers/{peer}/limit",
                        "Limit what is sent to a peer a second, of all groups together",
                        LimitRate.class,
                        PeerDocument.class,
                        200,
                        call -> {
                            siteGroups.limitSite(
                                    sites, call.path("peer"), call.body(LimitRate.class).rate());
                            return sites.peer(call.path("peer"));
                        }),
                change(
                        COPY + "/pause",
                        "Stop sending to a copy; what it lacks is kept for it",
                        call -> siteGroups.pause(group(call), call.path("site"))),
                change(
                        COPY + "/resume",
                        "Go on sending to a copy, or try again what has stopped",
                        call -> siteGroups.resume(group(call), call.path("site"))));
    }

    private List<Route> handovers() {
        return List.of(
                post(
                        GROUP + "/failover",
                        "Make this site's copy the active group: usable at once, copied by the task",
                        FailOver.class,
                        TaskDocument.class,
                        202,
                        call ->
                                siteGroups
                                        .failOver(group(call), call.body(FailOver.class))
                                        .document()),
                change(
                        GROUP + "/failover/commit",
                        "Make a failover final",
                        call -> siteGroups.commit(group(call))),
                post(
                        GROUP + "/failover/rollback",
                        "Give the group back to the site it was taken over from, as it was",
                        Nothing.class,
                        TaskDocument.class,
                        202,
                        call -> {
                            call.body(Nothing.class);
                            return siteGroups.rollBack(group(call)).document();
                        }),
                post(
                        GROUP + "/move",
                        "Give the group to a site that has a copy, without loss",
                        Move.class,
                        TaskDocument.class,
                        202,
                        call -> siteGroups.move(group(call), call.body(Move.class)).document()),
                post(
                        GROUP + "/keep",
                        "Keep the group here where another site is active in the same tenure: that one gives way",
                        Keep.class,
                        GroupDocument.class,
                        200,
                        call -> {
                            siteGroups.keep(group(call), call.body(Keep.class));
                            return Overview.group(group(call));
                        }),
                get(
                        GROUP + "/reverse",
                        "How the group would be copied to the site that it was taken over from",
                        ReverseDocument.class,
                        call -> siteGroups.reverseSettings(group(call))),
                change(
                        GROUP + "/reverse",
                        "Copy the group to the site that it was taken over from, sending what that one lacks",
                        call -> siteGroups.reverse(group(call))));
    }

    /** Changes something of a group. */
    private interface Change {
        void run(Call call);
    }

    private Route change(String path, String summary, Change change) {
        return post(
                path,
                summary,
                Nothing.class,
                GroupDocument.class,
                200,
                call -> {
                    call.body(Nothing.class);
                    change.run(call);
                    return Overview.group(group(call));
                });
    }

    private Group group(Call call) {
        return groups.get(call.path("group"));
    }
}
