package dev.tidemark.gateway.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import dev.tidemark.gateway.access.AccessRule;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.problem.Similar;
import dev.tidemark.gateway.tls.ClientCertificates;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the configuration file and the command line's overrides; collects every problem before it
 * gives up.
 */
public final class SettingsReader {
    private static final long LARGEST_FILE_BYTES = 1 << 20;

    private final Map<String, String> asked = new LinkedHashMap<>();
    private final List<Problem> problems = new ArrayList<>();
    private String source = "configuration";

    /** Where a configuration file is looked for when none is named. */
    public static Path defaultFile() {
        return System.getProperty("user.name", "").equals("root")
                ? Path.of("/etc/tidemark/tidemark.toml")
                : Path.of(System.getProperty("user.home", "."), ".config/tidemark/tidemark.toml");
    }

    /** The defaults alone. */
    public static Settings defaults() {
        try {
            return new SettingsReader().seal();
        } catch (ConfigurationException e) {
            throw new AssertionError(e);
        }
    }

    /** Takes a file's keys; a null file means the default place, which may be missing. */
    public SettingsReader file(@Nullable Path file) throws ConfigurationException {
        Path path = file == null ? defaultFile() : file;
        if (file == null && !Files.exists(path)) {
            return this;
        }
        source = path.toString();
        return toml(read(path));
    }

    private String read(Path path) throws ConfigurationException {
        try {
            long size = Files.size(path);
            if (size > LARGEST_FILE_BYTES) {
                throw broken(
                        "the file has "
                                + size
                                + " bytes, a configuration at most "
                                + LARGEST_FILE_BYTES);
            }
            return Files.readString(path, StandardCharsets.UTF_8);
        } catch (java.nio.file.NoSuchFileException e) {
            throw broken(
                    "the file does not exist; name another with --config, or print one with: tidemark config --print-default");
        } catch (java.nio.charset.CharacterCodingException e) {
            throw broken("the file is not UTF-8 text");
        } catch (IOException e) {
            throw broken("the file cannot be read: " + e.getMessage());
        }
    }

    private ConfigurationException broken(String what) {
        return new ConfigurationException(source, List.of(Problem.of(ProblemKind.INVALID, what)));
    }

    /** Takes the keys of a TOML text. */
    public SettingsReader toml(String text) throws ConfigurationException {
        try {
            flatten("", new TomlMapper().readTree(text));
            return this;
        } catch (JsonProcessingException e) {
            throw broken(
                    "not TOML, line "
                            + (e.getLocation() == null ? "?" : e.getLocation().getLineNr())
                            + ": "
                            + e.getOriginalMessage());
        }
    }

    private void flatten(String prefix, JsonNode node) {
        node.properties()
                .forEach(entry -> {
                    String name = prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey();
                    JsonNode value = entry.getValue();
                    if (value.isObject()) {
                        flatten(name, value);
                    } else {
                        asked.put(name, value.isArray() ? joined(name, value) : value.asText());
                    }
                });
    }

    private static String joined(String name, JsonNode list) {
        List<String> entries = new ArrayList<>();
        list.forEach(entry -> entries.add(entry.asText()));
        boolean lines =
                Keys.all().stream()
                        .anyMatch(key ->
                                key.name().equals(name)
                                        && key.type() == SettingKey.ValueType.LINES);
        return String.join(lines ? "\n" : ",", entries);
    }

    /** Takes one key from the command line; it wins over the file. */
    public SettingsReader override(String name, String value) {
        asked.put(name, value);
        return this;
    }

    /** Takes {@code key=value} from the command line. */
    public SettingsReader override(String assignment) {
        int equals = assignment.indexOf('=');
        if (equals <= 0) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "not a setting",
                            assignment,
                            "key=value",
                            "write for example --set history.window=7d"));
            return this;
        }
        return override(
                assignment.substring(0, equals).strip(), assignment.substring(equals + 1).strip());
    }

    /** Checks everything and seals it. */
    public Settings seal() throws ConfigurationException {
        Map<SettingKey<?>, Object> values = new LinkedHashMap<>();
        Map<SettingKey<?>, String> texts = new LinkedHashMap<>();
        List<String> names = Keys.all().stream().map(SettingKey::name).toList();
        for (String name : asked.keySet()) {
            if (!names.contains(name)) {
                problems.add(unknown(name, names));
            }
        }
        for (SettingKey<?> key : Keys.all()) {
            String text = asked.getOrDefault(key.name(), key.defaultText());
            parse(key, text, values);
            texts.put(key, text);
        }
        Settings settings = new Settings(values, texts);
        conclude(settings, values.keySet());
        if (!problems.isEmpty()) {
            throw new ConfigurationException(source, problems);
        }
        return settings;
    }

    private static Problem unknown(String name, List<String> names) {
        String hint = Similar.hint(name, names);
        return new Problem(
                ProblemKind.INVALID,
                "unknown key " + name,
                null,
                null,
                hint.isEmpty() ? "list the keys with: tidemark config --print-default" : hint);
    }

    private void parse(SettingKey<?> key, String text, Map<SettingKey<?>, Object> values) {
        try {
            Object value = key.parser().apply(text);
            assert value != null;
            values.put(key, value);
        } catch (ProblemException e) {
            Problem found = e.problem();
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            key.name() + ": " + found.what(),
                            text,
                            found.limit() == null ? key.range() : found.limit(),
                            found.remedy().isEmpty()
                                    ? "the default is " + key.defaultToml()
                                    : found.remedy()));
        }
    }

    /**
     * Checks that need more than one key; those whose keys are wrong in themselves are left out.
     */
    private void conclude(Settings settings, Set<SettingKey<?>> parsed) {
        if (parsed.containsAll(List.of(Keys.HISTORY_WINDOW, Keys.HISTORY_FINE_WINDOW))) {
            concludeHistory(settings);
        }
        if (parsed.containsAll(List.of(Keys.JOURNAL_POOL_BYTES, Keys.JOURNAL_UNIT_BYTES))) {
            concludePool(settings);
        }
        if (parsed.containsAll(List.of(Keys.API_LISTEN, Keys.API_ALLOW_REMOTE))) {
            concludeApi(settings);
        }
        if (parsed.containsAll(List.of(Keys.NBD_LISTEN, Keys.NBD_UNIX_SOCKET))) {
            concludeNbd(settings);
        }
        if (parsed.containsAll(
                List.of(
                        Keys.NBD_TLS_MODE,
                        Keys.NBD_TLS_CERTIFICATES,
                        Keys.NBD_TLS_CLIENTS,
                        Keys.NBD_RULES))) {
            concludeTls(settings);
        }
        if (parsed.containsAll(List.of(Keys.ISCSI_RULES, Keys.ISCSI_CHAP))) {
            concludeIscsi(settings);
        }
    }

    private void concludeIscsi(Settings settings) {
        boolean asks =
                settings.get(Keys.ISCSI_RULES).rules().stream().anyMatch(AccessRule::needsChap);
        if (asks && settings.get(Keys.ISCSI_CHAP).isEmpty()) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "iscsi.rules: a rule looks at CHAP names, which no initiator is asked for",
                            null,
                            "iscsi.chap is empty",
                            "set iscsi.chap to a file of secrets"));
        }
    }

    private void concludeTls(Settings settings) {
        boolean off = settings.get(Keys.NBD_TLS_MODE) == TlsMode.OFF;
        if (!off && settings.get(Keys.NBD_TLS_CERTIFICATES).isEmpty()) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "nbd.tls.certificates is empty",
                            null,
                            "nbd.tls.mode is " + settings.text(Keys.NBD_TLS_MODE),
                            "make a folder with: tidemark pki issue HOST --server"));
        }
        List<AccessRule> rules = settings.get(Keys.NBD_RULES).rules();
        if (off && rules.stream().anyMatch(AccessRule::needsTls)) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "nbd.rules: a rule needs TLS, which is off",
                            null,
                            "nbd.tls.mode is off",
                            "set nbd.tls.mode to offer or require"));
        }
        boolean anonymous = settings.get(Keys.NBD_TLS_CLIENTS) == ClientCertificates.NONE;
        if (!off && anonymous && rules.stream().anyMatch(AccessRule::needsCertificate)) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "nbd.rules: a rule looks at certificates, which no client is asked for",
                            null,
                            "nbd.tls.clients is none",
                            "set nbd.tls.clients to require or ask"));
        }
    }

    private void concludeHistory(Settings settings) {
        if (settings.get(Keys.HISTORY_FINE_WINDOW).compareTo(settings.get(Keys.HISTORY_WINDOW))
                > 0) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "history.fine_window is longer than the history",
                            settings.text(Keys.HISTORY_FINE_WINDOW),
                            "history.window is " + settings.text(Keys.HISTORY_WINDOW),
                            "shorten the fine window or lengthen the window"));
        }
    }

    private void concludePool(Settings settings) {
        long pool = settings.get(Keys.JOURNAL_POOL_BYTES);
        long leastPool = 8L * settings.get(Keys.JOURNAL_UNIT_BYTES);
        if (pool != 0 && pool < leastPool) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "journal.pool is too small",
                            settings.text(Keys.JOURNAL_POOL_BYTES),
                            "8 storage units, " + leastPool + " bytes, or more",
                            "raise it or lower journal.storage_unit"));
        }
    }

    private void concludeApi(Settings settings) {
        Endpoint api = settings.get(Keys.API_LISTEN);
        if (!api.loopback() && !settings.get(Keys.API_ALLOW_REMOTE)) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "api.listen can be reached by other machines",
                            api.toString(),
                            "a loopback address unless api.allow_remote is true",
                            "use 127.0.0.1, or set api.allow_remote = true and put a TLS proxy before it"));
        }
    }

    private void concludeNbd(Settings settings) {
        if (settings.get(Keys.NBD_LISTEN).isEmpty()
                && settings.get(Keys.NBD_UNIX_SOCKET).isEmpty()) {
            problems.add(
                    new Problem(
                            ProblemKind.INVALID,
                            "nbd.listen and nbd.unix_socket are both empty",
                            null,
                            "hosts need one of them",
                            "set one"));
        }
    }
}
