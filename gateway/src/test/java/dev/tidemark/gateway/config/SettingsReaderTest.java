package dev.tidemark.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SettingsReaderTest {
    @TempDir private Path folder;

    private static Settings read(String toml) throws ConfigurationException {
        return new SettingsReader().toml(toml).seal();
    }

    private static ConfigurationException refused(String toml) {
        return catchThrowableOfType(ConfigurationException.class, () -> read(toml));
    }

    @Test
    void everyKeyHasADefaultThatItsOwnParserAccepts() {
        Settings defaults = SettingsReader.defaults();
        for (SettingKey<?> key : Keys.all()) {
            assertThat(defaults.text(key)).isEqualTo(key.defaultText());
            assertThat((Object) defaults.get(key)).as(key.name()).isNotNull();
        }
    }

    @Test
    void thePrintedDefaultReadsBackAsTheDefault() throws ConfigurationException {
        String printed = SettingsReader.defaults().toToml();
        assertThat(read(printed).toToml()).isEqualTo(printed);
        for (SettingKey<?> key : Keys.all()) {
            assertThat(printed).contains(key.key() + " = ").contains(key.effect());
        }
    }

    @Test
    void aFileSetsWhatItNames() throws ConfigurationException {
        Settings settings =
                read(
                        """
                        [nbd]
                        listen = ["0.0.0.0:1", "[::1]:2"]
                        [journal]
                        pool = 10737418240
                        [history]
                        window = "7d"
                        bytes = "200GiB"
                        """);
        assertThat(settings.get(Keys.NBD_LISTEN))
                .containsExactly(new Endpoint("0.0.0.0", 1), new Endpoint("::1", 2));
        assertThat(settings.get(Keys.JOURNAL_POOL_BYTES)).isEqualTo(10L << 30);
        assertThat(settings.get(Keys.HISTORY_WINDOW)).isEqualTo(Duration.ofDays(7));
        assertThat(settings.get(Keys.HISTORY_BYTES)).isEqualTo(200L << 30);
        assertThat(settings.get(Keys.IO_THREADS)).isEqualTo(16);
    }

    @Test
    void allProblemsAreReportedAtOnceEachWithKeyValueLimitAndRemedy() {
        ConfigurationException refusal =
                refused(
                        """
                        [nbd]
                        listn = ["127.0.0.1:1"]
                        [journal]
                        storage_unit = "3MiB"
                        [history]
                        window = "soon"
                        checkpoint_interval = "50ms"
                        [api]
                        listen = "0.0.0.0:80"
                        [io]
                        threads = 0
                        """);
        assertThat(refusal)
                .hasMessageContaining("6 problems")
                .hasMessageContaining("unknown key nbd.listn; did you mean \"nbd.listen\"?")
                .hasMessageContaining("journal.storage_unit: not a power of two: \"3MiB\"")
                .hasMessageContaining("history.window: not a duration: \"soon\"")
                .hasMessageContaining(
                        "history.checkpoint_interval: duration out of range: \"50ms\" (100ms to 1m)")
                .hasMessageContaining("io.threads: number out of range: \"0\" (2 to 512)")
                .hasMessageContaining("api.allow_remote");
        assertThat(refusal.problems())
                .allSatisfy(problem -> assertThat(problem.remedy()).isNotBlank());
    }

    @Test
    void keysThatContradictEachOtherAreReported() {
        assertThat(refused("history.window = \"1m\""))
                .hasMessageContaining("history.fine_window is longer than the history");
        assertThat(refused("journal.pool = \"100MiB\""))
                .hasMessageContaining("journal.pool is too small");
        assertThat(refused("nbd.listen = []\nnbd.unix_socket = \"\""))
                .hasMessageContaining("both empty");
    }

    @Test
    void rulesAreALineEachAndReadBack() throws ConfigurationException {
        Settings settings =
                read(
                        """
                        [nbd]
                        rules = ["read-only web,db dn=\\"CN=a,O=b\\"", "deny *"]
                        [nbd.tls]
                        mode = "offer"
                        certificates = "pki/servers/gw"
                        """);
        assertThat(settings.get(Keys.NBD_RULES).rules()).hasSize(2);
        assertThat(read(settings.toToml()).get(Keys.NBD_RULES))
                .isEqualTo(settings.get(Keys.NBD_RULES));
        assertThat(settings.get(Keys.NBD_TLS_MODE)).isEqualTo(TlsMode.OFFER);
    }

    @Test
    void tlsThatContradictsItselfIsReported() {
        assertThat(refused("nbd.tls.mode = \"require\""))
                .hasMessageContaining("nbd.tls.certificates is empty");
        assertThat(refused("nbd.rules = [\"read-only * cn=a\"]"))
                .hasMessageContaining("needs TLS, which is off");
        assertThat(
                        refused(
                                """
                                nbd.rules = ["read-only * cn=a"]
                                nbd.tls.mode = "offer"
                                nbd.tls.clients = "none"
                                nbd.tls.certificates = "x"
                                """))
                .hasMessageContaining("no client is asked for");
        assertThat(refused("nbd.rules = [\"readonly *\", \"deny\"]\nnbd.tls.mode = \"on\""))
                .hasMessageContaining("rule 1: not an action")
                .hasMessageContaining("rule 2: not a rule")
                .hasMessageContaining("nbd.tls.mode: not one of the words: \"on\"");
    }

    @Test
    void whatIsNoTomlIsReportedWithItsLine() {
        assertThat(refused("[nbd]\nlisten = ")).hasMessageContaining("not TOML, line 2");
    }

    @Test
    void theCommandLineWinsOverTheFile() throws ConfigurationException {
        Settings settings =
                new SettingsReader()
                        .toml("history.window = \"7d\"")
                        .override("history.window=3d")
                        .seal();
        assertThat(settings.text(Keys.HISTORY_WINDOW)).isEqualTo("3d");
        assertThatThrownBy(() -> new SettingsReader().override("nonsense").seal())
                .hasMessageContaining("not a setting: \"nonsense\"");
    }

    @Test
    void aFileThatCannotBeReadIsOneClearMessage() throws Exception {
        Path missing = folder.resolve("missing.toml");
        assertThatThrownBy(() -> new SettingsReader().file(missing))
                .hasMessageContaining(missing.toString())
                .hasMessageContaining("does not exist");
        Path binary = Files.write(folder.resolve("binary.toml"), new byte[] {(byte) 0xff, 0, 1});
        assertThatThrownBy(() -> new SettingsReader().file(binary))
                .hasMessageContaining("not UTF-8");
        Path huge =
                Files.writeString(
                        folder.resolve("huge.toml"), "#".repeat(2 << 20), StandardCharsets.UTF_8);
        assertThatThrownBy(() -> new SettingsReader().file(huge)).hasMessageContaining("at most");
        assertThatThrownBy(() -> new SettingsReader().file(folder))
                .hasMessageContaining("cannot be read");
    }
}
