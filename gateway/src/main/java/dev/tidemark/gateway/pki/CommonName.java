package dev.tidemark.gateway.pki;

import java.security.cert.X509Certificate;
import java.util.List;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/** The common name of a certificate's subject. */
public final class CommonName {
    private CommonName() {}

    static String of(X509Certificate certificate) {
        return of(certificate.getSubjectX500Principal().getName());
    }

    /**
     * The one common name in a name of RFC 2253; empty when there is none, or more than one: of two
     * names nobody can say which was meant.
     */
    public static String of(String subject) {
        try {
            List<String> found =
                    new LdapName(subject)
                            .getRdns().stream()
                                    .filter(rdn -> rdn.getType().equalsIgnoreCase("CN"))
                                    .map(Rdn::getValue)
                                    .filter(String.class::isInstance)
                                    .map(String.class::cast)
                                    .toList();
            return found.size() == 1 ? found.getFirst() : "";
        } catch (InvalidNameException e) {
            return "";
        }
    }
}
