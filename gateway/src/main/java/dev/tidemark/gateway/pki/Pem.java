package dev.tidemark.gateway.pki;

import dev.tidemark.gateway.problem.ProblemException;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECKey;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemObjectGenerator;

/** PEM files: certificates, keys (PKCS #8, PKCS #1, SEC 1), lists of revoked certificates. */
public final class Pem {
    private Pem() {}

    /** The certificates of a file, in its order; at least one. */
    public static List<X509Certificate> certificates(Path file) {
        List<X509Certificate> found = new ArrayList<>();
        try {
            for (Object object : objects(file)) {
                if (object instanceof X509CertificateHolder holder) {
                    found.add(new JcaX509CertificateConverter().getCertificate(holder));
                }
            }
        } catch (GeneralSecurityException e) {
            throw broken("a certificate cannot be read", file, e);
        }
        if (found.isEmpty()) {
            throw missing(file, "certificate", "CERTIFICATE");
        }
        return found;
    }

    /** The lists of revoked certificates of a file; at least one. */
    public static List<X509CRL> revocations(Path file) {
        List<X509CRL> found = new ArrayList<>();
        try {
            for (Object object : objects(file)) {
                if (object instanceof X509CRLHolder holder) {
                    found.add(new JcaX509CRLConverter().getCRL(holder));
                }
            }
        } catch (GeneralSecurityException e) {
            throw broken("a list of revoked certificates cannot be read", file, e);
        }
        if (found.isEmpty()) {
            throw missing(file, "list of revoked certificates", "X509 CRL");
        }
        return found;
    }

    /** The private key of a file that others cannot read; never part of a message. */
    public static PrivateKey privateKey(Path file) {
        try {
            PrivateFiles.requireSecret(file);
            for (Object object : objects(file)) {
                switch (object) {
                    case PrivateKeyInfo key -> {
                        return new JcaPEMKeyConverter().getPrivateKey(key);
                    }
                    case PEMKeyPair pair -> {
                        return new JcaPEMKeyConverter().getPrivateKey(pair.getPrivateKeyInfo());
                    }
                    case PKCS8EncryptedPrivateKeyInfo encrypted -> throw encrypted(file);
                    case PEMEncryptedKeyPair encrypted -> throw encrypted(file);
                    default -> {}
                }
            }
        } catch (IOException e) {
            throw PrivateFiles.problem(file, e);
        }
        throw missing(file, "private key", "PRIVATE KEY");
    }

    private static List<Object> objects(Path file) {
        List<Object> objects = new ArrayList<>();
        try (PEMParser parser = new PEMParser(new StringReader(PrivateFiles.read(file)))) {
            Object object = parser.readObject();
            while (object != null) {
                objects.add(object);
                object = parser.readObject();
            }
        } catch (IOException e) {
            throw PrivateFiles.problem(file, e);
        }
        return objects;
    }

    private static ProblemException encrypted(Path file) {
        return ProblemException.invalid(
                "the private key is encrypted",
                file.toString(),
                "a key that a service can use without a passphrase",
                "decrypt it with: openssl pkey -in ... -out ...; and protect it with mode 600");
    }

    private static ProblemException missing(Path file, String what, String label) {
        return ProblemException.invalid(
                "the file holds no " + what,
                file.toString(),
                "PEM text with -----BEGIN " + label + "-----",
                "make one with: tidemark pki");
    }

    private static ProblemException broken(String what, Path file, Exception e) {
        return ProblemException.invalid(
                what, file.toString(), String.valueOf(e.getMessage()), "make it anew");
    }

    /** Certificates and lists as PEM. */
    static String text(Object... objects) {
        return written(writer -> {
            for (Object object : objects) {
                writer.writeObject(object);
            }
        });
    }

    /**
     * The private key of an elliptic pair as PKCS #8, its public half inside: the JDK leaves that
     * out, and GnuTLS before 3.8 cannot do without (RFC 5915 §3).
     */
    static String text(KeyPair pair) {
        PrivateKeyInfo bare = PrivateKeyInfo.getInstance(pair.getPrivate().getEncoded());
        SubjectPublicKeyInfo open = SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded());
        return written(writer -> {
            BigInteger secret = ECPrivateKey.getInstance(bare.parsePrivateKey()).getKey();
            int bits = ((ECKey) pair.getPrivate()).getParams().getOrder().bitLength();
            ECPrivateKey whole =
                    new ECPrivateKey(
                            bits,
                            secret,
                            open.getPublicKeyData(),
                            bare.getPrivateKeyAlgorithm().getParameters());
            PrivateKeyInfo full = new PrivateKeyInfo(bare.getPrivateKeyAlgorithm(), whole);
            PemObjectGenerator key = new PemObject("PRIVATE KEY", full.getEncoded());
            writer.writeObject(key);
        });
    }

    private interface Writing {
        void to(JcaPEMWriter writer) throws IOException;
    }

    private static String written(Writing work) {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            work.to(writer);
        } catch (IOException e) {
            throw new AssertionError(e); // nothing is written but memory
        }
        return text.toString();
    }
}
