package dev.tidemark.gateway.config;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The configuration, read and sealed: every key has a value that passed its checks. Immutable. */
public final class Settings {
    private final Map<SettingKey<?>, Object> values;
    private final Map<SettingKey<?>, String> texts;

    Settings(Map<SettingKey<?>, Object> values, Map<SettingKey<?>, String> texts) {
        this.values = Map.copyOf(values);
        this.texts = Map.copyOf(texts);
    }

    /** The value of a key. */
    @SuppressWarnings("unchecked") // SettingsReader put what the key's own parser made.
    public <T> T get(SettingKey<T> key) {
        return (T) Objects.requireNonNull(values.get(key), key.name());
    }

    /** The value as the file would write it. */
    public String text(SettingKey<?> key) {
        return Objects.requireNonNull(texts.get(key), key.name());
    }

    /** The NBD socket's path, or null when there is none. */
    public @Nullable Path nbdUnixSocket() {
        String socket = get(Keys.NBD_UNIX_SOCKET);
        return socket.isEmpty() ? null : get(Keys.DATA_DIRECTORY).resolve(socket);
    }

    /** The folder of the certificates; only when TLS is not off. */
    public Path nbdCertificates() {
        return get(Keys.DATA_DIRECTORY).resolve(get(Keys.NBD_TLS_CERTIFICATES));
    }

    /** The file of CHAP secrets; null when there is none. */
    public @Nullable Path iscsiChap() {
        String file = get(Keys.ISCSI_CHAP);
        return file.isEmpty() ? null : get(Keys.DATA_DIRECTORY).resolve(file);
    }

    /** These settings as a configuration file, each key with its range and effect. */
    public String toToml() {
        return TomlText.print(this);
    }
}
