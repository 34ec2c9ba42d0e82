package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.concurrent.Executor;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;

/** TLS with a certificate of its own, which the same context trusts. */
final class TestTls implements TlsOffer {
    private static final char[] PASSWORD = "changeit".toCharArray();

    /** Made once for all tests. */
    static final SSLContext CONTEXT = context();

    private final boolean required;

    TestTls(boolean required) {
        this.required = required;
    }

    @Override
    public boolean required() {
        return required;
    }

    @Override
    public SSLEngine newEngine() {
        SSLEngine engine = CONTEXT.createSSLEngine();
        engine.setUseClientMode(false);
        return engine;
    }

    @Override
    public Executor executor() {
        return task -> Thread.ofVirtual().start(task);
    }

    private static SSLContext context() {
        try {
            Path folder = Files.createTempDirectory("tls");
            Path file = folder.resolve("store.p12");
            Process keytool =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "keytool")
                                            .toString(),
                                    "-genkeypair",
                                    "-alias",
                                    "server",
                                    "-keyalg",
                                    "EC",
                                    "-dname",
                                    "CN=localhost",
                                    "-storetype",
                                    "PKCS12",
                                    "-storepass",
                                    new String(PASSWORD),
                                    "-keystore",
                                    file.toString())
                            .redirectErrorStream(true)
                            .start();
            String printed =
                    new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(keytool.waitFor()).as(printed).isZero();
            SSLContext context = load(file);
            Files.delete(file);
            Files.delete(folder);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static SSLContext load(Path file) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, PASSWORD);
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("server", store.getCertificate("server"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }
}
