package dev.tidemark.gateway.config;

import dev.tidemark.gateway.access.AccessRule;
import dev.tidemark.gateway.access.AccessRules;
import dev.tidemark.gateway.access.Glob;
import dev.tidemark.gateway.access.Redirects;
import dev.tidemark.gateway.config.SettingKey.ValueType;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Names;
import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.gateway.tls.ClientCertificates;
import dev.tidemark.iscsi.target.Portal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Every key of the configuration, in the order of the printed default. */
public final class Keys {
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;

    public static final SettingKey<Path> DATA_DIRECTORY =
            text(
                    "data.directory",
                    defaultDataDirectory(),
                    "a path",
                    "Everything the gateway keeps lies here: catalogue, groups, token, unix socket.",
                    Path::of);

    public static final SettingKey<List<Endpoint>> NBD_LISTEN =
            new SettingKey<>(
                    "nbd.listen",
                    ValueType.LIST,
                    "127.0.0.1:10809",
                    "host:port each, port 0 lets the system choose; [] for none",
                    "TCP addresses on which disks are served over NBD.",
                    Keys::endpoints);

    public static final SettingKey<String> NBD_UNIX_SOCKET =
            text(
                    "nbd.unix_socket",
                    "nbd.sock",
                    "a path, relative to the data directory; \"\" for none",
                    "Unix socket on which disks are served over NBD.",
                    Function.identity());

    public static final SettingKey<Long> NBD_IN_FLIGHT_BYTES =
            size(
                    "nbd.in_flight_bytes",
                    64 * MIB,
                    33 * MIB,
                    GIB,
                    "Memory for requests in flight per connection; past it, the socket is not read.");

    public static final SettingKey<AccessRules> NBD_RULES =
            new SettingKey<>(
                    "nbd.rules",
                    ValueType.LINES,
                    "",
                    "a list of \""
                            + AccessRule.Protocol.NBD.form()
                            + "\"; actions: read-write, read-only, points, deny",
                    "Who may open which disks over NBD: the first rule that speaks of the disk and holds for the client decides, none means no. [] lets clients on this machine and clients with a certificate do everything, others nothing.",
                    text -> AccessRules.parse(AccessRule.Protocol.NBD, text));

    public static final SettingKey<TlsMode> NBD_TLS_MODE =
            choice(
                    "nbd.tls.mode",
                    TlsMode.OFF,
                    TlsMode.class,
                    "Whether NBD is served inside TLS: never, to clients that ask for it, or to nobody outside it.");

    public static final SettingKey<String> NBD_TLS_CERTIFICATES =
            text(
                    "nbd.tls.certificates",
                    "",
                    "a path, relative to the data directory",
                    "Folder with server-cert.pem, server-key.pem, ca-cert.pem and, if certificates are revoked, ca-crl.pem; read again when they change.",
                    Function.identity());

    public static final SettingKey<ClientCertificates> NBD_TLS_CLIENTS =
            choice(
                    "nbd.tls.clients",
                    ClientCertificates.REQUIRE,
                    ClientCertificates.class,
                    "Whether clients have to show a certificate of ca-cert.pem inside TLS: always, only if they want to, or never.");

    public static final SettingKey<Boolean> NBD_TLS_OLDER =
            flag(
                    "nbd.tls.allow_tls12",
                    false,
                    "Permits TLS 1.2, for clients that have no TLS 1.3.");

    public static final SettingKey<List<Portal>> ISCSI_LISTEN =
            new SettingKey<>(
                    "iscsi.listen",
                    ValueType.LINES,
                    "",
                    "a list of \""
                            + PortalText.FORM
                            + "\", port 0 lets the system choose; [] for none",
                    "Portals on which disks are served over iSCSI; advertise is what discovery tells instead of the address, group the target portal group tag.",
                    PortalText::parse);

    public static final SettingKey<AccessRules> ISCSI_RULES =
            new SettingKey<>(
                    "iscsi.rules",
                    ValueType.LINES,
                    "",
                    "a list of \""
                            + AccessRule.Protocol.ISCSI.form()
                            + "\"; actions: read-write, read-only, points, deny",
                    "Who may use which disks over iSCSI, as nbd.rules; of a group, an initiator sees the units that it may use. [] lets this machine and initiators that have proven a CHAP name do everything, others nothing.",
                    text -> AccessRules.parse(AccessRule.Protocol.ISCSI, text));

    public static final SettingKey<String> ISCSI_CHAP =
            text(
                    "iscsi.chap",
                    "",
                    "a path, relative to the data directory; \"\" for no CHAP",
                    "File of CHAP secrets, mode 0600, read again when it changes; lines \"initiator NAME SECRET\" (who may log in), \"target NAME SECRET\" (what the gateway answers), \"discovery NAME SECRET\" and \"discovery-target NAME SECRET\" (the same for discovery).",
                    Function.identity());

    public static final SettingKey<DiscoveryMode> ISCSI_DISCOVERY =
            choice(
                    "iscsi.discovery",
                    DiscoveryMode.VOLUMES,
                    DiscoveryMode.class,
                    "Whether discovery shows one target for each volume and each disk of a test, or one for each group and each test; hosts can log in to both.");

    public static final SettingKey<Boolean> ISCSI_DISCOVERY_CHECKPOINTS =
            flag(
                    "iscsi.discovery_checkpoints",
                    false,
                    "Discovery also shows the volumes at their tagged checkpoints, which hosts that log in to everything then do.");

    public static final SettingKey<List<Glob>> ISCSI_LARGE_BLOCKS =
            new SettingKey<>(
                    "iscsi.blocks_of_4096",
                    ValueType.LIST,
                    "",
                    "a list of patterns of disk names",
                    "Disks with logical blocks of 4096 bytes over iSCSI; others have 512 with 4096 physical. Decide before the first use: partition tables and file systems depend on it.",
                    Keys::globs);

    public static final SettingKey<Redirects> ISCSI_REDIRECT =
            new SettingKey<>(
                    "iscsi.redirect",
                    ValueType.LINES,
                    "",
                    "a list of \"" + Redirects.FORM + "\"",
                    "Targets for which initiators are sent to another address at login; TARGETS is a pattern of what stands behind the prefix of their names.",
                    Redirects::parse);

    public static final SettingKey<String> SITE_NAME =
            text(
                    "site.name",
                    "",
                    "a name as of groups; \"\" for the one of tidemark site init",
                    "What this site is called at the sites that it is paired with. Each of site.name, site.listen and site.advertise makes the gateway a site, as tidemark site init does; site.backlog does not.",
                    text -> text.isEmpty() ? "" : Names.site(text));

    public static final SettingKey<String> SITE_LISTEN =
            text(
                    "site.listen",
                    "",
                    "host:port; \"\" for the one of tidemark site init, if any",
                    "Address for links and pairings with other sites, always inside TLS. A site that does not listen can still dial.",
                    text -> text.isEmpty() ? "" : Endpoint.parse(text).toString());

    public static final SettingKey<List<Endpoint>> SITE_ADVERTISE =
            new SettingKey<>(
                    "site.advertise",
                    ValueType.LIST,
                    "",
                    "host:port each; [] for those of tidemark site init, else site.listen",
                    "Where other sites dial this one, in the order in which they try; counts for pairings made from then on.",
                    Keys::endpoints);

    public static final SettingKey<Long> SITE_BACKLOG_BYTES =
            size(
                    "site.backlog",
                    16 * GIB,
                    64 * MIB,
                    Long.MAX_VALUE,
                    "Redo that is kept for each copy at another site while that has not got it, within the journals' space. A copy that needs more has to be synchronised.");

    public static final SettingKey<Endpoint> API_LISTEN =
            text(
                    "api.listen",
                    "127.0.0.1:7117",
                    "host:port, port 0 lets the system choose",
                    "Address of the REST API, metrics and health.",
                    Endpoint::parse);

    public static final SettingKey<Boolean> API_ALLOW_REMOTE =
            flag(
                    "api.allow_remote",
                    false,
                    "Permits api.listen to be an address that other machines reach; the API is plain HTTP, so put a TLS proxy before it.");

    public static final SettingKey<Long> API_REQUEST_BYTES =
            size("api.request_bytes", MIB, 4096, 64 * MIB, "Largest body of an API request.");

    public static final SettingKey<Boolean> API_OPEN_METRICS =
            flag("api.open_metrics", false, "Serves /metrics without a token.");

    public static final SettingKey<Long> API_TAP_BACKLOG_BYTES =
            size(
                    "api.tap_backlog",
                    256 * MIB,
                    MIB,
                    Long.MAX_VALUE,
                    "How far behind a program that reads a group's writes may be, in bytes of redo; one that is further behind goes on at the newest record and is told the gap.");

    public static final SettingKey<Integer> JOURNAL_UNIT_BYTES =
            new SettingKey<>(
                    "journal.storage_unit",
                    ValueType.SIZE,
                    "64MiB",
                    "a power of two from 1MiB to 1GiB",
                    "Size of a journal file: the grain in which history is kept and freed.",
                    Keys::unit);

    public static final SettingKey<Long> JOURNAL_POOL_BYTES =
            new SettingKey<>(
                    "journal.pool",
                    ValueType.SIZE,
                    "auto",
                    "8 storage units or more; \"auto\": half of the file system's free space and what the journals hold already",
                    "Disk space for the journals of all groups; when it is full, the oldest history goes first.",
                    text -> text.equals("auto") ? 0L : between(text, 8 * MIB, Long.MAX_VALUE));

    public static final SettingKey<Long> JOURNAL_INDEX_CACHE_BYTES =
            size(
                    "journal.index_cache",
                    64 * MIB,
                    MIB,
                    16 * GIB,
                    "Memory for index blocks of the history, shared by all groups.");

    public static final SettingKey<Long> JOURNAL_UNFOLDED_BYTES =
            new SettingKey<>(
                    "journal.unfolded",
                    ValueType.SIZE,
                    "auto",
                    "16MiB or more; \"auto\": 1 GiB or half the pool, whichever is less",
                    "Writes wait while a group has more redo than this not yet in its gold images.",
                    text -> text.equals("auto") ? 0L : between(text, 16 * MIB, Long.MAX_VALUE));

    public static final SettingKey<Duration> HISTORY_WINDOW =
            span(
                    "history.window",
                    "1d",
                    Duration.ofSeconds(1),
                    Duration.ofDays(3650),
                    "How far back checkpoints reach, for groups that do not say otherwise.");

    public static final SettingKey<Long> HISTORY_BYTES =
            new SettingKey<>(
                    "history.bytes",
                    ValueType.SIZE,
                    "unlimited",
                    "8MiB or more, or \"unlimited\"",
                    "Byte budget of a group's history; the shorter of window and bytes counts.",
                    Keys::historyBytes);

    public static final SettingKey<Duration> HISTORY_FINE_WINDOW =
            span(
                    "history.fine_window",
                    "10m",
                    Duration.ZERO,
                    Duration.ofDays(3650),
                    "How far back every single write is a point, for groups that do not say otherwise.");

    public static final SettingKey<Duration> CHECKPOINT_INTERVAL =
            span(
                    "history.checkpoint_interval",
                    "1s",
                    Duration.ofMillis(100),
                    Duration.ofSeconds(60),
                    "Time between automatic checkpoints, for groups that do not say otherwise.");

    public static final SettingKey<Integer> TEST_RECORDS =
            integer(
                    "tests.records",
                    10_000,
                    100,
                    1_000_000,
                    "Records of ended recovery tests that are kept; past it, the oldest go first.");

    public static final SettingKey<Duration> RELATIVE_LEASE =
            span(
                    "exports.relative_lease",
                    "10s",
                    Duration.ofSeconds(1),
                    Duration.ofHours(1),
                    "A client that asks for the same relative name again within this time gets the same instant.");

    public static final SettingKey<Integer> IO_THREADS =
            integer("io.threads", 16, 2, 512, "Threads for work that may wait for a disk.");

    public static final SettingKey<Duration> SHUTDOWN_DRAIN =
            span(
                    "shutdown.drain",
                    "60s",
                    Duration.ofSeconds(1),
                    Duration.ofHours(1),
                    "How long a clean stop may take; past it, the gateway ends as after a crash, and loses nothing.");

    public static final SettingKey<String> LOG_LEVEL =
            text(
                    "log.level",
                    "info",
                    "error, warn, info, debug or trace",
                    "Which messages go to standard error.",
                    Keys::level);

    private static final List<SettingKey<?>> ALL =
            List.of(
                    DATA_DIRECTORY,
                    NBD_LISTEN,
                    NBD_UNIX_SOCKET,
                    NBD_IN_FLIGHT_BYTES,
                    NBD_RULES,
                    NBD_TLS_MODE,
                    NBD_TLS_CERTIFICATES,
                    NBD_TLS_CLIENTS,
                    NBD_TLS_OLDER,
                    ISCSI_LISTEN,
                    ISCSI_RULES,
                    ISCSI_CHAP,
                    ISCSI_DISCOVERY,
                    ISCSI_DISCOVERY_CHECKPOINTS,
                    ISCSI_LARGE_BLOCKS,
                    ISCSI_REDIRECT,
                    SITE_NAME,
                    SITE_LISTEN,
                    SITE_ADVERTISE,
                    SITE_BACKLOG_BYTES,
                    API_LISTEN,
                    API_ALLOW_REMOTE,
                    API_REQUEST_BYTES,
                    API_OPEN_METRICS,
                    API_TAP_BACKLOG_BYTES,
                    JOURNAL_UNIT_BYTES,
                    JOURNAL_POOL_BYTES,
                    JOURNAL_INDEX_CACHE_BYTES,
                    JOURNAL_UNFOLDED_BYTES,
                    HISTORY_WINDOW,
                    HISTORY_BYTES,
                    HISTORY_FINE_WINDOW,
                    CHECKPOINT_INTERVAL,
                    TEST_RECORDS,
                    RELATIVE_LEASE,
                    IO_THREADS,
                    SHUTDOWN_DRAIN,
                    LOG_LEVEL);

    private Keys() {}

    public static List<SettingKey<?>> all() {
        return ALL;
    }

    /** What history.bytes accepts, here and for a single group. */
    public static long historyBytes(String text) {
        return text.equals("unlimited") ? Long.MAX_VALUE : between(text, 8 * MIB, Long.MAX_VALUE);
    }

    /** The text that {@link #historyBytes} reads back. */
    public static String historyBytesText(long bytes) {
        return bytes == Long.MAX_VALUE ? "unlimited" : ByteSize.exact(bytes);
    }

    static String defaultDataDirectory() {
        return System.getProperty("user.name", "").equals("root")
                ? "/var/lib/tidemark"
                : System.getProperty("user.home", ".") + "/.local/share/tidemark";
    }

    private static <T> SettingKey<T> text(
            String name, String value, String range, String effect, Function<String, T> parser) {
        return new SettingKey<>(name, ValueType.TEXT, value, range, effect, parser);
    }

    /** One of an enumeration's words, in lower case. */
    private static <E extends Enum<E>> SettingKey<E> choice(
            String name, E value, Class<E> words, String effect) {
        List<E> all = List.of(words.getEnumConstants());
        String range =
                String.join(
                        ", ",
                        all.stream().map(one -> one.name().toLowerCase(Locale.ROOT)).toList());
        return new SettingKey<>(
                name,
                ValueType.TEXT,
                value.name().toLowerCase(Locale.ROOT),
                "one of " + range,
                effect,
                text ->
                        all.stream()
                                .filter(one -> one.name().toLowerCase(Locale.ROOT).equals(text))
                                .findFirst()
                                .orElseThrow(() ->
                                        ProblemException.invalid(
                                                "not one of the words",
                                                text,
                                                "one of " + range,
                                                "")));
    }

    private static SettingKey<Boolean> flag(String name, boolean value, String effect) {
        return new SettingKey<>(
                name,
                ValueType.BOOLEAN,
                Boolean.toString(value),
                "true or false",
                effect,
                Keys::bool);
    }

    private static SettingKey<Long> size(
            String name, long value, long min, long max, String effect) {
        String range = ByteSize.exact(min) + " to " + ByteSize.exact(max);
        return new SettingKey<>(
                name,
                ValueType.SIZE,
                ByteSize.exact(value),
                range,
                effect,
                text -> between(text, min, max));
    }

    private static SettingKey<Integer> integer(
            String name, int value, int min, int max, String effect) {
        return new SettingKey<>(
                name,
                ValueType.INTEGER,
                Integer.toString(value),
                min + " to " + max,
                effect,
                text -> whole(text, min, max));
    }

    private static SettingKey<Duration> span(
            String name, String value, Duration min, Duration max, String effect) {
        String range = TimeSpan.exact(min) + " to " + TimeSpan.exact(max);
        return new SettingKey<>(
                name,
                ValueType.DURATION,
                value,
                range,
                effect,
                text -> between(text, min, max, range));
    }

    private static long between(String text, long min, long max) {
        long bytes = ByteSize.parse(text);
        if (bytes < min || bytes > max) {
            String limit =
                    max == Long.MAX_VALUE
                            ? ByteSize.exact(min) + " or more"
                            : ByteSize.exact(min) + " to " + ByteSize.exact(max);
            throw ProblemException.invalid("size out of range", text, limit, "");
        }
        return bytes;
    }

    private static Duration between(String text, Duration min, Duration max, String range) {
        Duration span = TimeSpan.parse(text);
        if (span.compareTo(min) < 0 || span.compareTo(max) > 0) {
            throw ProblemException.invalid("duration out of range", text, range, "");
        }
        return span;
    }

    private static int whole(String text, int min, int max) {
        try {
            int value = Integer.parseInt(text);
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Falls through to the refusal.
        }
        throw ProblemException.invalid("number out of range", text, min + " to " + max, "");
    }

    private static int unit(String text) {
        long bytes = between(text, MIB, GIB);
        if (Long.bitCount(bytes) != 1) {
            throw ProblemException.invalid(
                    "not a power of two", text, "1MiB, 2MiB, 4MiB ... 1GiB", "");
        }
        return (int) bytes;
    }

    private static boolean bool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default ->
                    throw ProblemException.invalid("not a truth value", text, "true or false", "");
        };
    }

    private static String level(String text) {
        if (!List.of("error", "warn", "info", "debug", "trace").contains(text)) {
            throw ProblemException.invalid(
                    "not a log level", text, "error, warn, info, debug or trace", "");
        }
        return text;
    }

    private static List<Glob> globs(String text) {
        return text.isEmpty()
                ? List.of()
                : Arrays.stream(text.split(",", -1)).map(AccessRule::disk).toList();
    }

    private static List<Endpoint> endpoints(String text) {
        return text.isEmpty()
                ? List.of()
                : Arrays.stream(text.split(",", -1)).map(Endpoint::parse).toList();
    }
}
