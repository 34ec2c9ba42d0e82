package dev.tidemark.gateway.pki;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.problem.Similar;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.storage.FileStorageDirectory;
import dev.tidemark.storage.StorageException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;

/**
 * A certificate authority in a folder:
 *
 * <pre>
 * ca-cert.pem              the authority's certificate
 * ca-key.pem               its key, mode 0600
 * ca-crl.pem               what it has revoked
 * issued/SERIAL.pem        every certificate it has made
 * servers/NAME/            ca-cert.pem, ca-crl.pem, server-cert.pem, server-key.pem
 * clients/NAME/            ca-cert.pem, client-cert.pem, client-key.pem
 * </pre>
 *
 * The folders of a server and of a client are what libnbd's {@code tls-certificates}, nbdkit's
 * {@code --tls-certificates} and QEMU's {@code tls-creds-x509} take. There is no other record: the
 * issued certificates and the list of revoked ones are the truth.
 *
 * <p>Changes take the folder's lock; several processes may use it.
 */
public final class Authority {
    /** The authority's certificate. */
    public static final String CERTIFICATE = "ca-cert.pem";

    /** What it has revoked. */
    public static final String REVOCATIONS = "ca-crl.pem";

    private static final String KEY = "ca-key.pem";
    private static final String ISSUED = "issued";

    /** Also the name of a folder. RFC 5280: a common name has at most 64 characters. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@-]{0,63}");

    private static final Pattern ORGANIZATION = Pattern.compile("[\\p{L}\\p{N} .,&'()-]{0,64}");

    /** Every server answers to these too, so that its own machine can check its certificate. */
    private static final List<String> LOCAL_NAMES = List.of("localhost", "127.0.0.1", "::1");

    private final Path folder;
    private final Clock clock;
    private final Minting minting = new Minting();

    private Authority(Path folder, Clock clock) {
        this.folder = folder.toAbsolutePath().normalize();
        this.clock = clock;
    }

    /** What a new certificate is to say. */
    public record Request(
            String name,
            boolean server,
            String organization,
            List<String> also,
            Lifetime lifetime) {}

    /** A certificate and the folder to hand out. */
    public record Handout(Issued certificate, String folder) {}

    /** An authority that is there. */
    public static Authority at(Path folder, Clock clock) {
        Authority authority = new Authority(folder, clock);
        if (!Files.exists(authority.folder.resolve(CERTIFICATE))) {
            throw ProblemException.notFound(
                    "there is no certificate authority",
                    authority.folder.toString(),
                    "make one with: tidemark pki init, or name its folder with --pki");
        }
        return authority;
    }

    /** Makes a new authority; the folder holds none yet. */
    public static Authority init(
            Path folder, String name, String organization, Lifetime lifetime, Clock clock) {
        Authority authority = new Authority(folder, clock);
        try {
            PrivateFiles.folder(authority.folder);
        } catch (IOException e) {
            throw PrivateFiles.problem(authority.folder, e);
        }
        authority.locked(() -> {
            authority.create(checked(name), organization(organization), lifetime);
            return authority;
        });
        return authority;
    }

    private void create(String name, String organization, Lifetime lifetime) throws IOException {
        for (String file : List.of(CERTIFICATE, KEY)) {
            if (Files.exists(folder.resolve(file))) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.EXISTS,
                                "a certificate authority is there already",
                                folder.toString(),
                                "a new one would make all its certificates worthless",
                                "name another folder with --pki"));
            }
        }
        KeyPair key = minting.key();
        Instant now = clock.instant();
        X509Certificate certificate =
                minting.authority(key, Minting.name(name, organization), lifetime, now);
        PrivateFiles.folder(folder.resolve(ISSUED));
        PrivateFiles.secret(folder.resolve(KEY), Pem.text(key));
        X509CRL none =
                minting.revocations(
                        new Minting.Signer(certificate, key.getPrivate()),
                        List.of(),
                        BigInteger.ONE,
                        now);
        PrivateFiles.open(folder.resolve(REVOCATIONS), Pem.text(none));
        PrivateFiles.open(folder.resolve(CERTIFICATE), Pem.text(certificate));
    }

    public Path folder() {
        return folder;
    }

    /** The authority's own certificate. */
    public Issued own() {
        return describe(certificate(), Map.of());
    }

    private X509Certificate certificate() {
        return Pem.certificates(folder.resolve(CERTIFICATE)).getFirst();
    }

    /**
     * Makes a key and a certificate, and the folder to hand out. A name may be given again, to
     * renew: what was issued before stays valid until it ends or is revoked.
     */
    public Handout issue(Request request) {
        return locked(() -> {
            String name = checked(request.name());
            X509Certificate own = certificate();
            Instant now = clock.instant();
            Instant end = request.lifetime().end(now);
            if (end.isAfter(own.getNotAfter().toInstant())) {
                throw ProblemException.invalid(
                        "the certificate would outlive its authority",
                        request.lifetime().days() + " days",
                        "the authority ends " + own.getNotAfter().toInstant(),
                        "ask for fewer --days, or make a new authority");
            }
            KeyPair key = minting.key();
            X509Certificate made =
                    minting.certificate(
                            new Minting.Signer(own, Pem.privateKey(folder.resolve(KEY))),
                            key.getPublic(),
                            Minting.name(name, organization(request.organization())),
                            request.server() ? Minting.SERVER : Minting.CLIENT,
                            alternativeNames(request),
                            request.lifetime(),
                            now);
            Issued issued = describe(made, Map.of());
            PrivateFiles.open(
                    folder.resolve(ISSUED).resolve(issued.serial() + ".pem"), Pem.text(made));
            Path handout = handOut(name, request.server(), key, made, own);
            return new Handout(issued, handout.toString());
        });
    }

    private static List<GeneralName> alternativeNames(Request request) {
        List<GeneralName> names = new ArrayList<>();
        if (request.server()) {
            names.add(AlternativeName.parse(request.name()));
            LOCAL_NAMES.forEach(local -> names.add(AlternativeName.parse(local)));
        }
        request.also().forEach(also -> names.add(AlternativeName.parse(also)));
        return names.stream().distinct().toList();
    }

    private Path handOut(
            String name, boolean server, KeyPair key, X509Certificate made, X509Certificate own)
            throws IOException {
        Path all = folder.resolve(server ? "servers" : "clients");
        PrivateFiles.folder(all);
        Path handout = all.resolve(name);
        PrivateFiles.folder(handout);
        String role = server ? "server" : "client";
        PrivateFiles.open(handout.resolve(CERTIFICATE), Pem.text(own));
        PrivateFiles.secret(handout.resolve(role + "-key.pem"), Pem.text(key));
        PrivateFiles.open(handout.resolve(role + "-cert.pem"), Pem.text(made));
        if (server) {
            PrivateFiles.open(
                    handout.resolve(REVOCATIONS), PrivateFiles.read(folder.resolve(REVOCATIONS)));
        }
        return handout;
    }

    /** Every certificate it has made, oldest first. */
    public List<Issued> list() {
        Map<BigInteger, Instant> revoked = revoked();
        return certificates().stream().map(one -> describe(one, revoked)).toList();
    }

    private List<X509Certificate> certificates() {
        Path issued = folder.resolve(ISSUED);
        try (Stream<Path> files = Files.list(issued)) {
            return files.filter(file -> file.toString().endsWith(".pem"))
                    .filter(file -> !String.valueOf(file.getFileName()).startsWith("."))
                    .map(file -> Pem.certificates(file).getFirst())
                    .sorted(
                            Comparator.comparing(X509Certificate::getNotBefore)
                                    .thenComparing(X509Certificate::getSerialNumber))
                    .toList();
        } catch (IOException e) {
            throw PrivateFiles.problem(issued, e);
        }
    }

    /** The certificates of a name, or of a serial number. */
    public List<Issued> find(String nameOrSerial) {
        List<Issued> all = list();
        List<Issued> found =
                all.stream()
                        .filter(one ->
                                one.name().equals(nameOrSerial)
                                        || one.serial().equalsIgnoreCase(nameOrSerial))
                        .toList();
        if (found.isEmpty()) {
            String hint = Similar.hint(nameOrSerial, all.stream().map(Issued::name).toList());
            throw ProblemException.notFound(
                    "no such certificate",
                    nameOrSerial,
                    hint.isEmpty() ? "list them with: tidemark pki list" : hint);
        }
        return found;
    }

    /**
     * Revokes the certificates of a name, or the one of a serial number, and gives the new list to
     * all server folders here.
     *
     * @return what was revoked now
     */
    public List<Issued> revoke(String nameOrSerial) {
        return locked(() -> {
            List<Issued> valid =
                    find(nameOrSerial).stream()
                            .filter(one -> one.state() != Issued.State.REVOKED)
                            .toList();
            if (valid.isEmpty()) {
                throw ProblemException.invalid(
                        "revoked already", nameOrSerial, "nothing is left to revoke", "");
            }
            Instant now = clock.instant();
            Map<BigInteger, Instant> all = revoked();
            valid.forEach(one -> all.putIfAbsent(new BigInteger(one.serial(), 16), now));
            publish(all, now);
            return valid.stream().map(one -> find(one.serial()).getFirst()).toList();
        });
    }

    private void publish(Map<BigInteger, Instant> revoked, Instant now) throws IOException {
        Minting.Signer signer =
                new Minting.Signer(certificate(), Pem.privateKey(folder.resolve(KEY)));
        List<Minting.Revoked> entries =
                revoked.entrySet().stream()
                        .map(entry -> new Minting.Revoked(entry.getKey(), entry.getValue()))
                        .toList();
        BigInteger number = number(revocations()).add(BigInteger.ONE);
        String text = Pem.text(minting.revocations(signer, entries, number, now));
        PrivateFiles.open(folder.resolve(REVOCATIONS), text);
        Path servers = folder.resolve("servers");
        if (Files.isDirectory(servers)) {
            try (Stream<Path> folders = Files.list(servers)) {
                for (Path server : folders.filter(Files::isDirectory).toList()) {
                    PrivateFiles.open(server.resolve(REVOCATIONS), text);
                }
            }
        }
    }

    private X509CRL revocations() {
        return Pem.revocations(folder.resolve(REVOCATIONS)).getFirst();
    }

    private static BigInteger number(X509CRL list) {
        byte[] extension = list.getExtensionValue(Extension.cRLNumber.getId());
        return extension == null
                ? BigInteger.ZERO
                : ASN1Integer.getInstance(ASN1OctetString.getInstance(extension).getOctets())
                        .getValue();
    }

    private Map<BigInteger, Instant> revoked() {
        Map<BigInteger, Instant> revoked = new LinkedHashMap<>();
        var entries = revocations().getRevokedCertificates();
        if (entries != null) {
            for (X509CRLEntry entry : entries) {
                revoked.put(entry.getSerialNumber(), entry.getRevocationDate().toInstant());
            }
        }
        return revoked;
    }

    private Issued describe(X509Certificate certificate, Map<BigInteger, Instant> revoked) {
        Instant revokedAt = revoked.get(certificate.getSerialNumber());
        Instant end = certificate.getNotAfter().toInstant();
        Issued.State state =
                revokedAt != null
                        ? Issued.State.REVOKED
                        : clock.instant().isAfter(end) ? Issued.State.EXPIRED : Issued.State.VALID;
        return new Issued(
                CommonName.of(certificate),
                Issued.Kind.of(certificate),
                certificate.getSerialNumber().toString(16),
                certificate.getSubjectX500Principal().getName(),
                AlternativeName.of(certificate),
                iso(certificate.getNotBefore().toInstant()),
                iso(end),
                state,
                revokedAt == null ? null : iso(revokedAt),
                fingerprint(certificate));
    }

    private static String iso(Instant instant) {
        return Timestamps.iso(Timestamps.micros(instant));
    }

    private static String fingerprint(X509Certificate certificate) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
            return HexFormat.of().formatHex(digest);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static String checked(String name) {
        if (!NAME.matcher(name).matches()) {
            throw ProblemException.invalid(
                    "not a name for a certificate",
                    name,
                    "1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or digit",
                    "give other names with --also");
        }
        return name;
    }

    private static String organization(String name) {
        if (!ORGANIZATION.matcher(name).matches()) {
            throw ProblemException.invalid(
                    "not a name of an organization", name, "at most 64 characters", "");
        }
        return name;
    }

    private interface Work<T> {
        T run() throws IOException;
    }

    private <T> T locked(Work<T> work) {
        AutoCloseable lock = lock();
        try {
            return work.run();
        } catch (IOException e) {
            throw PrivateFiles.problem(folder, e);
        } finally {
            unlock(lock);
        }
    }

    private AutoCloseable lock() {
        try {
            return FileStorageDirectory.at(folder).lock();
        } catch (StorageException e) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.LOCKED,
                            "the authority's folder cannot be locked: " + e.getMessage(),
                            folder.toString(),
                            null,
                            "wait for the other command to end"),
                    e);
        }
    }

    private void unlock(AutoCloseable lock) {
        try {
            lock.close();
        } catch (Exception e) {
            throw new IllegalStateException("the lock of " + folder + " cannot be given back", e);
        }
    }
}
