package dev.tidemark.gateway.pki;

import dev.tidemark.gateway.problem.ProblemException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.util.IPAddress;

/** Subject alternative names (RFC 5280 §4.2.1.6) as {@code kind:value}. */
public final class AlternativeName {
    private static final String LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?";
    private static final Pattern HOST =
            Pattern.compile("(?:\\*\\.)?" + LABEL + "(?:\\." + LABEL + ")*");
    private static final int LONGEST_HOST = 253;

    private AlternativeName() {}

    /** The names of a certificate: {@code dns:}, {@code ip:}, {@code uri:} and {@code email:}. */
    public static List<String> of(X509Certificate certificate) {
        List<String> names = new ArrayList<>();
        try {
            Collection<List<?>> entries = certificate.getSubjectAlternativeNames();
            if (entries != null) {
                entries.forEach(entry -> add(names, entry));
            }
        } catch (CertificateParsingException e) {
            return List.of(); // a name that cannot be read proves nothing
        }
        return List.copyOf(names);
    }

    private static void add(List<String> names, List<?> entry) {
        String kind =
                switch ((Integer) entry.getFirst()) {
                    case GeneralName.rfc822Name -> "email:";
                    case GeneralName.dNSName -> "dns:";
                    case GeneralName.uniformResourceIdentifier -> "uri:";
                    case GeneralName.iPAddress -> "ip:";
                    default -> "";
                };
        if (!kind.isEmpty() && entry.get(1) instanceof String value) {
            names.add(kind + value);
        }
    }

    /** A name as people write it: an address, a URI, an e-mail address, else a host. */
    static GeneralName parse(String text) {
        if (IPAddress.isValid(text)) {
            return new GeneralName(GeneralName.iPAddress, text);
        }
        if (text.contains("://") || text.startsWith("urn:")) {
            return new GeneralName(GeneralName.uniformResourceIdentifier, text);
        }
        if (text.indexOf('@') > 0) {
            return new GeneralName(GeneralName.rfc822Name, text);
        }
        if (text.length() > LONGEST_HOST || !HOST.matcher(text).matches()) {
            throw ProblemException.invalid(
                    "not a name for a certificate",
                    text,
                    "a host name, an address, a URI or an e-mail address",
                    "write for example --also gw.example.com --also 192.0.2.7");
        }
        return new GeneralName(GeneralName.dNSName, text.toLowerCase(Locale.ROOT));
    }
}
