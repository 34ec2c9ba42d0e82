package dev.tidemark.gateway.config;

/** Prints settings as a commented TOML file. */
final class TomlText {
    private TomlText() {}

    static String print(Settings settings) {
        StringBuilder out =
                new StringBuilder(
                        "# Tidemark configuration. Every key is optional; these are its defaults unless changed.\n");
        String table = "";
        for (SettingKey<?> key : Keys.all()) {
            if (!key.table().equals(table)) {
                table = key.table();
                out.append("\n[").append(table).append("]\n");
            }
            out.append("# ").append(key.effect()).append('\n');
            out.append("# ")
                    .append(key.range())
                    .append(". Default: ")
                    .append(key.defaultToml())
                    .append('\n');
            out.append(key.key()).append(" = ").append(key.toml(settings.text(key))).append('\n');
        }
        return out.toString();
    }
}
