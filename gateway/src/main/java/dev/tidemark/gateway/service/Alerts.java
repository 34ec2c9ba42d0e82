package dev.tidemark.gateway.service;

import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Wire.AlertDocument;
import dev.tidemark.replica.GroupListener;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The newest alerts and how many there were of each kind since the start. Thread-safe, never blocks
 * for long.
 */
public final class Alerts {
    private static final Logger log = LoggerFactory.getLogger(Alerts.class);
    private static final int KEPT = 200;

    /** The gateway's certificates have changed and are in use. */
    public static final String TLS_RELOADED = "tls-reloaded";

    /** They have changed and cannot be used. */
    public static final String TLS_NOT_RELOADED = "tls-not-reloaded";

    /** The gateway's certificate ends soon. */
    public static final String TLS_CERTIFICATE_ENDS = "tls-certificate-ends";

    /** The CHAP secrets have changed and are in use. */
    public static final String CHAP_RELOADED = "chap-reloaded";

    /** They have changed and cannot be used. */
    public static final String CHAP_NOT_RELOADED = "chap-not-reloaded";

    /** No link with a peer for some time. */
    public static final String SITE_PEER_DOWN = "site-peer-down";

    /** There is one again. */
    public static final String SITE_PEER_UP = "site-peer-up";

    /** This site's certificate ends soon and could not be renewed. */
    public static final String SITE_CERTIFICATE_ENDS = "site-certificate-ends";

    /** A group's copy at another site is no longer kept up, and will not be by itself. */
    public static final String PROTECTION_STOPPED = "protection-stopped";

    /** A group's records go to a copy as they are written. */
    public static final String PROTECTION_SHIPPING = "protection-shipping";

    /** Another site has taken a group over: hosts are refused here. */
    public static final String GROUP_FENCED = "group-fenced";

    /** A group is active here that was active elsewhere, or again. */
    public static final String GROUP_TAKEN = "group-taken";

    /** A group is active here and at another site, in the same tenure: somebody has to decide. */
    public static final String GROUP_ACTIVE_TWICE = "group-active-twice";

    /** It is active at one of the two only. */
    public static final String GROUP_ACTIVE_ONCE = "group-active-once";

    /** A volume of a copy has another name here than at its site, since that one is taken. */
    public static final String VOLUME_RENAMED = "volume-renamed";

    /** The kinds that the gateway itself raises; the others are the engine's. */
    static final List<String> GATEWAY_KINDS =
            List.of(
                    TLS_RELOADED,
                    TLS_NOT_RELOADED,
                    TLS_CERTIFICATE_ENDS,
                    CHAP_RELOADED,
                    CHAP_NOT_RELOADED,
                    SITE_PEER_DOWN,
                    SITE_PEER_UP,
                    SITE_CERTIFICATE_ENDS,
                    PROTECTION_STOPPED,
                    PROTECTION_SHIPPING,
                    GROUP_FENCED,
                    GROUP_TAKEN,
                    GROUP_ACTIVE_TWICE,
                    GROUP_ACTIVE_ONCE,
                    VOLUME_RENAMED);

    /** How much an alert matters. */
    public enum Severity {
        INFO,
        WARNING,
        CRITICAL
    }

    private final Clock clock;
    private final Deque<AlertDocument> newest = new ArrayDeque<>(); // guarded by this
    private final Map<String, Long> counts = new TreeMap<>(); // guarded by this
    private long next = 1; // guarded by this

    public Alerts(Clock clock) {
        this.clock = clock;
    }

    /**
     * Logs, counts and keeps an alert.
     *
     * @param kind a fixed word, used as a metric's label
     */
    public void raise(Severity severity, String kind, String group, String message) {
        switch (severity) {
            case INFO -> log.info("{} group={} {}", kind, group, message);
            case WARNING -> log.warn("{} group={} {}", kind, group, message);
            case CRITICAL -> log.error("{} group={} {}", kind, group, message);
        }
        String time = Timestamps.iso(Timestamps.micros(clock.instant()));
        synchronized (this) {
            newest.addFirst(
                    new AlertDocument(
                            next++,
                            time,
                            severity.name().toLowerCase(Locale.ROOT),
                            kind,
                            group,
                            message));
            if (newest.size() > KEPT) {
                newest.removeLast();
            }
            counts.merge(kind, 1L, Long::sum);
        }
    }

    /**
     * What the engine tells its alerts to.
     *
     * @param names the name of a group
     */
    public GroupListener listener(Function<UUID, String> names) {
        return new GroupAlerts(this, names);
    }

    /** Newest first. */
    public synchronized List<AlertDocument> newest(int limit) {
        return new ArrayList<>(newest).subList(0, Math.min(limit, newest.size()));
    }

    public synchronized Map<String, Long> counts() {
        return new TreeMap<>(counts);
    }
}
