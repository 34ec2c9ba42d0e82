package dev.tidemark.gateway.pki;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * Makes keys, certificates and lists of revoked certificates (RFC 5280). P-256 with SHA-256: every
 * TLS library of the last ten years knows it, and a handshake costs little.
 */
final class Minting {
    static final String SERVER_USE = KeyPurposeId.id_kp_serverAuth.getId();

    /** What a server's certificate is for. */
    static final List<KeyPurposeId> SERVER = List.of(KeyPurposeId.id_kp_serverAuth);

    /** What a client's is for. */
    static final List<KeyPurposeId> CLIENT = List.of(KeyPurposeId.id_kp_clientAuth);

    /** A site dials and is dialled. */
    static final List<KeyPurposeId> SITE =
            List.of(KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth);

    private static final String CURVE = "secp256r1";
    private static final String SIGNATURE = "SHA256withECDSA";

    /** RFC 5280 §4.1.2.2: positive, at most 20 bytes; random, so that none is guessed. */
    private static final int SERIAL_BITS = 127;

    private final SecureRandom random = new SecureRandom();

    /** An authority as a signer. */
    record Signer(X509Certificate certificate, PrivateKey key) {}

    KeyPair key() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec(CURVE), random);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e); // every JDK has the curve
        }
    }

    static X500Name name(String commonName, String organization) {
        X500NameBuilder name = new X500NameBuilder(BCStyle.INSTANCE);
        if (!organization.isEmpty()) {
            name.addRDN(BCStyle.O, organization);
        }
        return name.addRDN(BCStyle.CN, commonName).build();
    }

    X509Certificate authority(KeyPair key, X500Name name, Lifetime lifetime, Instant now) {
        try {
            X509v3CertificateBuilder builder = builder(name, name, key.getPublic(), lifetime, now);
            // No authority below this one.
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
            builder.addExtension(
                    Extension.keyUsage,
                    true,
                    new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
            return sign(builder, key.getPrivate());
        } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
            throw new AssertionError(e);
        }
    }

    X509Certificate certificate(
            Signer signer,
            PublicKey key,
            X500Name name,
            List<KeyPurposeId> uses,
            List<GeneralName> alternativeNames,
            Lifetime lifetime,
            Instant now) {
        try {
            X500Name issuer = new JcaX509CertificateHolder(signer.certificate()).getSubject();
            X509v3CertificateBuilder builder = builder(issuer, name, key, lifetime, now);
            builder.addExtension(
                    Extension.authorityKeyIdentifier,
                    false,
                    new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(signer.certificate()));
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
            // Not critical: QEMU before 8 wants key encipherment of every critical one, which
            // elliptic keys must not have (RFC 8813 §3).
            builder.addExtension(
                    Extension.keyUsage, false, new KeyUsage(KeyUsage.digitalSignature));
            builder.addExtension(
                    Extension.extendedKeyUsage,
                    false,
                    new ExtendedKeyUsage(uses.toArray(KeyPurposeId[]::new)));
            if (!alternativeNames.isEmpty()) {
                builder.addExtension(
                        Extension.subjectAlternativeName,
                        false,
                        new GeneralNames(alternativeNames.toArray(GeneralName[]::new)));
            }
            return sign(builder, signer.key());
        } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
            throw new AssertionError(e);
        }
    }

    private X509v3CertificateBuilder builder(
            X500Name issuer, X500Name name, PublicKey key, Lifetime lifetime, Instant now)
            throws GeneralSecurityException, CertIOException {
        X509v3CertificateBuilder builder =
                new JcaX509v3CertificateBuilder(
                        issuer,
                        new BigInteger(SERIAL_BITS, random).add(BigInteger.ONE),
                        Date.from(lifetime.start(now)),
                        Date.from(lifetime.end(now)),
                        name,
                        key);
        return builder.addExtension(
                Extension.subjectKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createSubjectKeyIdentifier(key));
    }

    private static X509Certificate sign(X509v3CertificateBuilder builder, PrivateKey key)
            throws GeneralSecurityException, OperatorCreationException {
        return new JcaX509CertificateConverter().getCertificate(builder.build(signer(key)));
    }

    private static ContentSigner signer(PrivateKey key) throws OperatorCreationException {
        return new JcaContentSignerBuilder(SIGNATURE).build(key);
    }

    /** A revoked certificate of a list. */
    record Revoked(BigInteger serial, Instant at) {}

    /**
     * A list that holds as long as its authority: it is read from a folder that only the gateway's
     * owner writes, so that nobody can show an old one, and a forgotten renewal locks nobody out.
     */
    X509CRL revocations(
            Signer signer, Collection<Revoked> revoked, BigInteger number, Instant now) {
        try {
            X509v2CRLBuilder builder =
                    new X509v2CRLBuilder(
                            new JcaX509CertificateHolder(signer.certificate()).getSubject(),
                            Date.from(now));
            builder.setNextUpdate(signer.certificate().getNotAfter());
            revoked.forEach(one ->
                    builder.addCRLEntry(one.serial(), Date.from(one.at()), CRLReason.unspecified));
            builder.addExtension(
                    Extension.authorityKeyIdentifier,
                    false,
                    new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(signer.certificate()));
            builder.addExtension(Extension.cRLNumber, false, new CRLNumber(number));
            return new JcaX509CRLConverter().getCRL(builder.build(signer(signer.key())));
        } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
            throw new AssertionError(e);
        }
    }
}
