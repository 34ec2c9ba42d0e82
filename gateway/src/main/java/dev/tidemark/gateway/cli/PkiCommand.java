package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.pki.Authority;
import dev.tidemark.gateway.pki.Authority.Handout;
import dev.tidemark.gateway.pki.Issued;
import dev.tidemark.gateway.pki.Lifetime;
import dev.tidemark.gateway.text.Table;
import java.io.PrintWriter;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark pki}. */
@Command(
        name = "pki",
        description = {
            "Makes a certificate authority, and certificates for gateways and their clients, for TLS.",
            "Needs no running gateway. Who can read the authority's folder can make certificates: keep it where only its owner gets."
        },
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark pki init",
            "  tidemark pki issue gw.example.com --server",
            "  tidemark pki issue backup-1",
            "  tidemark pki revoke backup-1"
        })
final class PkiCommand {
    @Command(
            name = "init",
            mixinStandardHelpOptions = true,
            description = {
                "Makes a certificate authority: a key of mode 0600 in a folder of mode 0700, its certificate, and an empty list of revoked ones.",
                "An authority that is there already is never replaced."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  tidemark pki init",
                "  tidemark pki init --pki /etc/tidemark/pki --organization \"Example Ltd\" --days 1825"
            })
    int init(
            @Mixin PkiOptions options,
            @Option(
                            names = "--name",
                            paramLabel = "NAME",
                            defaultValue = "Tidemark-CA",
                            description = "Its common name; ${DEFAULT-VALUE} by default.")
                    String name,
            @Option(
                            names = "--organization",
                            paramLabel = "NAME",
                            defaultValue = "",
                            description = "The organization in its name; none by default.")
                    String organization,
            @Option(
                            names = "--days",
                            paramLabel = "N",
                            defaultValue = "3650",
                            description = "How long it holds; ${DEFAULT-VALUE} days by default.")
                    int days) {
        Authority made =
                Authority.init(
                        options.folder(),
                        name,
                        organization,
                        new Lifetime(days),
                        Clock.systemUTC());
        return options.print(
                made.own(),
                out -> {
                    out.println("certificate authority " + made.folder());
                    describe(made.own(), out);
                    out.println(
                            "next: tidemark pki issue HOST --server, then: tidemark pki issue CLIENT");
                });
    }

    @Command(
            name = "issue",
            mixinStandardHelpOptions = true,
            description = {
                "Makes a key and a certificate for a client, or for a gateway with --server, and a folder to hand out that libnbd, nbdkit and QEMU take as it is.",
                "A name may be given again, to renew: what was issued before stays valid until it ends or is revoked."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  tidemark pki issue gw.example.com --server --also 192.0.2.7",
                "  tidemark pki issue backup-1 --days 90",
                "  nbdinfo 'nbds://gw.example.com/web?tls-certificates=/path/to/clients/backup-1'"
            })
    int issue(
            @Mixin PkiOptions options,
            @Parameters(
                            paramLabel = "NAME",
                            description =
                                    "The common name, which rules can ask for; of a gateway, its host name or address.")
                    String name,
            @Option(
                            names = "--server",
                            description =
                                    "For a gateway; it also answers to localhost, 127.0.0.1 and ::1.")
                    boolean server,
            @Option(
                            names = "--also",
                            paramLabel = "NAME",
                            description =
                                    "Another name it proves: a host name, an address, a URI or an e-mail address; may be given several times.")
                    List<String> also,
            @Option(
                            names = "--organization",
                            paramLabel = "NAME",
                            defaultValue = "",
                            description = "The organization in its name; none by default.")
                    String organization,
            @Option(
                            names = "--days",
                            paramLabel = "N",
                            defaultValue = "365",
                            description = "How long it holds; ${DEFAULT-VALUE} days by default.")
                    int days) {
        List<String> others = also == null ? List.of() : also;
        Handout made =
                options.authority()
                        .issue(
                                new Authority.Request(
                                        name, server, organization, others, new Lifetime(days)));
        return options.print(
                made,
                out -> {
                    out.println("folder      " + made.folder());
                    describe(made.certificate(), out);
                    out.println(
                            server
                                    ? "use it with: tidemark serve --set nbd.tls.mode=require --set nbd.tls.certificates="
                                            + made.folder()
                                    : "use it with: nbdinfo 'nbds://HOST/DISK?tls-certificates="
                                            + made.folder()
                                            + "'");
                });
    }

    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Lists every certificate that the authority has made, oldest first.",
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark pki list", "  tidemark pki list --json"})
    int list(@Mixin PkiOptions options) {
        List<Issued> all = options.authority().list();
        return options.print(
                all,
                out -> {
                    Table table = new Table("NAME", "FOR", "STATE", "UNTIL", "SERIAL");
                    for (Issued one : all) {
                        table.row(
                                one.name(),
                                word(one.kind()),
                                word(one.state()),
                                one.notAfter(),
                                one.serial());
                    }
                    table.print(out);
                });
    }

    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = "Shows the authority's certificate, or those of a name or serial number.",
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark pki show", "  tidemark pki show backup-1"})
    int show(
            @Mixin PkiOptions options,
            @Parameters(
                            paramLabel = "NAME",
                            arity = "0..1",
                            defaultValue = "",
                            description =
                                    "A common name or a serial number; the authority itself when left out.")
                    String name) {
        Authority authority = options.authority();
        List<Issued> found = name.isEmpty() ? List.of(authority.own()) : authority.find(name);
        return options.print(found, out -> found.forEach(one -> describe(one, out)));
    }

    @Command(
            name = "revoke",
            mixinStandardHelpOptions = true,
            description = {
                "Revokes all certificates of a name, or the one of a serial number, and updates ca-crl.pem here and in the servers' folders here.",
                "A gateway that reads one of these folders refuses the client within seconds; copy ca-crl.pem to gateways elsewhere."
            },
            footerHeading = "%nExamples:%n",
            footer = {"  tidemark pki revoke backup-1", "  tidemark pki revoke 5f0c2d"})
    int revoke(
            @Mixin PkiOptions options,
            @Parameters(paramLabel = "NAME", description = "A common name or a serial number.")
                    String name) {
        List<Issued> revoked = options.authority().revoke(name);
        return options.print(
                revoked,
                out ->
                        revoked.forEach(one ->
                                out.println("revoked " + one.name() + ", serial " + one.serial())));
    }

    private static void describe(Issued one, PrintWriter out) {
        out.println("subject     " + one.subject());
        if (!one.alternativeNames().isEmpty()) {
            out.println("also        " + String.join(", ", one.alternativeNames()));
        }
        out.println("for         " + word(one.kind()));
        out.println("valid       " + one.notBefore() + " to " + one.notAfter());
        out.println(
                "state       "
                        + word(one.state())
                        + (one.revoked() == null ? "" : " at " + one.revoked()));
        out.println("serial      " + one.serial());
        out.println("fingerprint " + one.fingerprint());
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
