package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.InitSite;
import dev.tidemark.gateway.wire.Requests.InviteSite;
import dev.tidemark.gateway.wire.Requests.LimitRate;
import dev.tidemark.gateway.wire.Requests.PairSite;
import dev.tidemark.gateway.wire.Requests.RevokePeer;
import dev.tidemark.gateway.wire.Wire.InvitationDocument;
import dev.tidemark.gateway.wire.Wire.PeerDocument;
import dev.tidemark.gateway.wire.Wire.SiteCertificateDocument;
import dev.tidemark.gateway.wire.Wire.SiteDocument;
import dev.tidemark.gateway.wire.Wire.TopologyDocument;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark site}. */
@Command(
        name = "site",
        description = "This site and the sites that it is paired with.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark site init --name berlin --listen 0.0.0.0:7118 --advertise gw.berlin.example.com:7118",
            "  tidemark site invite --valid 30m",
            "  tidemark site pair tmk1.AbC... --name berlin",
            "  tidemark site list",
            "  tidemark site revoke berlin --certificate 3f09a1"
        })
final class SiteCommand {
    private static final String PEERS = "/site/peers";

    @Command(
            name = "init",
            mixinStandardHelpOptions = true,
            description = {
                "Makes this gateway a site: an id, an authority of its own, a certificate.",
                "The keys site.name, site.listen and site.advertise do the same at the next start."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  tidemark site init --name berlin --listen 192.0.2.7:7118",
                "  tidemark site init --name behind-nat"
            })
    int init(
            @Mixin Connection connection,
            @Option(
                            names = "--name",
                            paramLabel = "NAME",
                            description = "What it is called; the machine's name by default.")
                    @Nullable String name,
            @Option(
                            names = "--listen",
                            paramLabel = "HOST:PORT",
                            description =
                                    "Where it listens for other sites; without it, it only dials.")
                    @Nullable String listen,
            @Option(
                            names = "--advertise",
                            paramLabel = "HOST:PORT",
                            description =
                                    "Where other sites dial it; may be given several times. Where it listens by default.")
                    @Nullable List<String> advertise) {
        Answer answer = connection.client().post("/site", new InitSite(name, listen, advertise));
        return connection.print(answer, out -> show(answer.as(SiteDocument.class), out));
    }

    @Command(
            name = "invite",
            mixinStandardHelpOptions = true,
            description = {
                "Prints a token that pairs one site with this one, once.",
                "Hand it over like a password: whoever has it before it is used or over, is paired."
            },
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark site invite", "  tidemark site invite --valid 1h --json"})
    int invite(
            @Mixin Connection connection,
            @Option(
                            names = "--valid",
                            paramLabel = "TIME",
                            description = "How long it may be used, 1s to 1d; 10m by default.")
                    @Nullable String valid) {
        Answer answer = connection.client().post("/site/invitations", new InviteSite(valid));
        return connection.print(
                answer,
                out -> {
                    InvitationDocument made = answer.as(InvitationDocument.class);
                    out.println(made.token());
                    connection
                            .err()
                            .println(
                                    "valid once, until "
                                            + Formats.time(made.expires())
                                            + "; at the other site: tidemark site pair TOKEN");
                    connection.err().flush();
                });
    }

    @Command(
            name = "pair",
            mixinStandardHelpOptions = true,
            description = "Pairs this site with the one that made the token, and connects to it.",
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark site pair tmk1.AbC... --name berlin"})
    int pair(
            @Mixin Connection connection,
            @Parameters(paramLabel = "TOKEN", description = "What tidemark site invite printed.")
                    String token,
            @Option(
                            names = "--name",
                            paramLabel = "LOCALNAME",
                            description = "What it is called here; as it calls itself by default.")
                    @Nullable String name) {
        Answer answer = connection.client().post(PEERS, new PairSite(token, name));
        return connection.print(
                answer,
                out -> {
                    PeerDocument peer = answer.as(PeerDocument.class);
                    out.println("paired with " + peer.name() + ", site " + peer.id());
                });
    }

    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Lists the peers and how it stands with each.",
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark site list", "  tidemark site list --json"})
    int list(@Mixin Connection connection) {
        Answer answer = connection.client().get(PEERS);
        return connection.print(answer, out -> table(answer.asList(PeerDocument.class)).print(out));
    }

    private static Table table(List<PeerDocument> peers) {
        Table table =
                new Table(
                        "NAME",
                        "STATE",
                        "SINCE",
                        "RTT",
                        "VERSION",
                        "ADDRESSES",
                        "CERTIFICATE",
                        "ENDS",
                        "ID");
        for (PeerDocument peer : peers) {
            SiteCertificateDocument certificate = peer.certificate();
            table.row(
                    peer.name(),
                    state(peer),
                    Formats.time(peer.since()),
                    peer.roundTripSeconds() == 0
                            ? "-"
                            : "%.1f ms".formatted(peer.roundTripSeconds() * 1e3),
                    Formats.orDash(peer.version()),
                    Formats.orDash(String.join(", ", peer.addresses())),
                    certificate == null ? "-" : certificate.serial(),
                    Formats.time(certificate == null ? null : certificate.end()),
                    peer.id());
        }
        return table;
    }

    private static String state(PeerDocument peer) {
        return peer.reason().isEmpty() || peer.state().equals("connected")
                ? peer.state()
                : peer.state() + ": " + peer.reason();
    }

    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description =
                    "Shows what a peer says of its groups, volumes and space; without a name, this site.",
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark site show", "  tidemark site show berlin"})
    int show(
            @Mixin Connection connection,
            @Parameters(paramLabel = "PEER", arity = "0..1", description = "The peer.")
                    @Nullable String peer) {
        if (peer == null) {
            Answer own = connection.client().get("/site");
            return connection.print(own, out -> show(own.as(SiteDocument.class), out));
        }
        Answer answer = connection.client().get(path(peer) + "/topology");
        return connection.print(answer, out -> show(answer.as(TopologyDocument.class), out));
    }

    @Command(
            name = "unpair",
            mixinStandardHelpOptions = true,
            description =
                    "Forgets a peer and tells it; refused while groups are protected with it.",
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark site unpair berlin", "  tidemark site unpair berlin --force"})
    int unpair(
            @Mixin Connection connection,
            @Parameters(paramLabel = "PEER", description = "The peer.") String peer,
            @Option(names = "--force", description = "Also while groups are protected with it.")
                    boolean force) {
        Answer answer = connection.client().delete(path(peer) + (force ? "?force=true" : ""));
        return connection.print(answer, out -> out.println("peer " + peer + " forgotten"));
    }

    @Command(
            name = "limit",
            mixinStandardHelpOptions = true,
            description = "Limits what is sent to a peer a second, of all groups together.")
    int limit(
            @Mixin Connection connection,
            @Parameters(paramLabel = "PEER", description = "The peer.") String peer,
            @Option(
                            names = "--rate",
                            required = true,
                            paramLabel = "SIZE",
                            description = "Bytes a second on the wire, such as 20M, or none.")
                    String rate) {
        Answer answer = connection.client().post(path(peer) + "/limit", new LimitRate(rate));
        return connection.print(
                answer, out -> out.println("at most " + rate + " a second are sent to " + peer));
    }

    @Command(
            name = "revoke",
            mixinStandardHelpOptions = true,
            description = {
                "Refuses a certificate of a peer from now on; a link with it ends within a second.",
                "The peer comes back with a new one: tidemark site renew."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  tidemark site revoke berlin --certificate 3f09a1",
                "  tidemark site revoke berlin --all"
            })
    int revoke(
            @Mixin Connection connection,
            @Parameters(paramLabel = "PEER", description = "The peer.") String peer,
            @Option(
                            names = "--certificate",
                            paramLabel = "SERIAL",
                            description = "The certificate, as tidemark site list names it.")
                    @Nullable String certificate,
            @Option(
                            names = "--all",
                            description =
                                    "Everything of it, until it is paired again: its authority's key is in the wrong hands.")
                    boolean all) {
        if (all == (certificate != null)) {
            throw ProblemException.of(
                    ProblemKind.INVALID, "give either --certificate SERIAL or --all");
        }
        Answer answer =
                connection.client().post(path(peer) + "/revoke", new RevokePeer(certificate, all));
        return connection.print(
                answer,
                out ->
                        out.println(
                                "refused from peer "
                                        + peer
                                        + ": "
                                        + String.join(
                                                ", ", answer.as(PeerDocument.class).revoked())));
    }

    @Command(
            name = "renew",
            mixinStandardHelpOptions = true,
            description =
                    "Gives this site a new key and certificate at once; links that are up stay.",
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark site renew"})
    int renew(@Mixin Connection connection) {
        Answer answer = connection.client().post("/site/renew", Map.of());
        return connection.print(answer, out -> show(answer.as(SiteDocument.class), out));
    }

    private static String path(String peer) {
        return PEERS + "/" + ApiClient.encode(peer);
    }

    private static void show(SiteDocument site, PrintWriter out) {
        out.println("site " + site.name() + ", " + site.id());
        out.println("  listens      " + Formats.orDash(site.listen()));
        out.println("  dialled at   " + Formats.orDash(String.join(", ", site.addresses())));
        out.println(
                "  certificate  "
                        + site.certificate().serial()
                        + ", ends "
                        + Formats.time(site.certificate().end())
                        + ", renewed "
                        + Formats.time(site.certificate().renewal()));
        out.println("  authority    " + site.authority());
        out.println("  peers        " + site.peers() + ", open invitations " + site.invitations());
    }

    private static void show(TopologyDocument site, PrintWriter out) {
        out.println("site " + site.name() + ", " + site.site() + ", Tidemark " + site.version());
        out.println(
                "  pool  "
                        + ByteSize.format(site.poolUsedBytes())
                        + " of "
                        + ByteSize.format(site.poolBudgetBytes())
                        + " used, "
                        + ByteSize.format(site.freeBytes())
                        + " free on disk, storage units of "
                        + ByteSize.format(site.unitBytes()));
        Table table = new Table("GROUP", "STATE", "VOLUME", "SIZE", "ON DISK");
        site.groups()
                .forEach(group -> {
                    if (group.volumes().isEmpty()) {
                        table.row(group.name(), group.state(), "-", "-", "-");
                    }
                    group.volumes()
                            .forEach(volume ->
                                    table.row(
                                            group.name(),
                                            group.state(),
                                            volume.name(),
                                            ByteSize.format(volume.sizeBytes()),
                                            ByteSize.format(volume.allocatedBytes())));
                });
        table.print(out);
        if (site.truncated()) {
            out.println("there is more than fits into one answer; ask at the site itself");
        }
    }
}
