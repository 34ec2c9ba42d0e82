package dev.tidemark.iscsi.target;

/**
 * What connections and sessions may use.
 *
 * @param loginTimeoutMs a connection that has not logged in by then is dropped
 * @param connections connections at a time; one more is closed at once
 * @param pendingLogins connections that have not logged in, all together
 * @param pendingLoginsPerAddress the same, from one address
 * @param sessionsPerTarget sessions of one target at a time
 * @param commandWindow commands an initiator may have outstanding (MaxCmdSN, RFC 7143 §4.2.2.1)
 * @param inFlightBytes data of commands in flight of one session; past it commands wait, but a
 *     single one is always let through
 * @param outboundBytes replies the initiator has not taken; past it the socket is not read
 * @param receiveSegmentBytes MaxRecvDataSegmentLength (RFC 7143 §13.12)
 * @param firstBurstBytes FirstBurstLength (§13.14), at most the maximum burst
 * @param maximumBurstBytes MaxBurstLength (§13.13)
 * @param outstandingR2ts MaxOutstandingR2T (§13.17)
 * @param pingIntervalMs an initiator silent for so long is pinged; 0 for never
 * @param pingTimeoutMs it is dropped when it does not answer for so long
 */
public record IscsiLimits(
        int loginTimeoutMs,
        int connections,
        int pendingLogins,
        int pendingLoginsPerAddress,
        int sessionsPerTarget,
        int commandWindow,
        long inFlightBytes,
        int outboundBytes,
        int receiveSegmentBytes,
        int firstBurstBytes,
        int maximumBurstBytes,
        int outstandingR2ts,
        int pingIntervalMs,
        int pingTimeoutMs) {

    /** The limits used unless others are given. */
    public static final IscsiLimits DEFAULT =
            new IscsiLimits(
                    10_000, 16_384, 1024, 256, 256, 128, 64L << 20, 8 << 20, 256 << 10, 64 << 10,
                    1 << 20, 8, 10_000, 20_000);

    /** 2^24 - 1 (RFC 7143 §13.12). */
    private static final int MAXIMUM_SEGMENT = (1 << 24) - 1;

    /** Checks the ranges. */
    public IscsiLimits {
        requireWithin("login timeout (ms)", loginTimeoutMs, 1, 3_600_000);
        requireWithin("connections", connections, 1, 1_000_000);
        requireWithin("pending logins", pendingLogins, 1, 1_000_000);
        requireWithin("pending logins per address", pendingLoginsPerAddress, 1, 1_000_000);
        requireWithin("sessions per target", sessionsPerTarget, 1, 65_535);
        requireWithin("command window", commandWindow, 1, 4096);
        requireWithin("in-flight bytes", inFlightBytes, 1, 1L << 40);
        requireWithin("outbound bytes", outboundBytes, 2, 1 << 30);
        requireWithin("receive segment bytes", receiveSegmentBytes, 512, MAXIMUM_SEGMENT);
        requireWithin("first burst bytes", firstBurstBytes, 512, maximumBurstBytes);
        requireWithin("maximum burst bytes", maximumBurstBytes, 512, MAXIMUM_SEGMENT);
        requireWithin("outstanding R2Ts", outstandingR2ts, 1, 65_535);
        requireWithin("ping interval (ms)", pingIntervalMs, 0, 3_600_000);
        requireWithin("ping timeout (ms)", pingTimeoutMs, 1, 3_600_000);
    }

    private static void requireWithin(String what, long value, long minimum, long maximum) {
        if (value < minimum || value > maximum) {
            throw new IllegalArgumentException(
                    "%s %d is not between %d and %d".formatted(what, value, minimum, maximum));
        }
    }

    /** The same with other clocks. */
    public IscsiLimits withClocks(int loginMs, int intervalMs, int timeoutMs) {
        return new IscsiLimits(
                loginMs,
                connections,
                pendingLogins,
                pendingLoginsPerAddress,
                sessionsPerTarget,
                commandWindow,
                inFlightBytes,
                outboundBytes,
                receiveSegmentBytes,
                firstBurstBytes,
                maximumBurstBytes,
                outstandingR2ts,
                intervalMs,
                timeoutMs);
    }

    /** The same for another number of connections. */
    public IscsiLimits withConnections(int all, int pending, int pendingPerAddress) {
        return new IscsiLimits(
                loginTimeoutMs,
                all,
                pending,
                pendingPerAddress,
                sessionsPerTarget,
                commandWindow,
                inFlightBytes,
                outboundBytes,
                receiveSegmentBytes,
                firstBurstBytes,
                maximumBurstBytes,
                outstandingR2ts,
                pingIntervalMs,
                pingTimeoutMs);
    }

    /** The same with other budgets for what is in flight. */
    public IscsiLimits withInFlight(int commands, long bytes) {
        return new IscsiLimits(
                loginTimeoutMs,
                connections,
                pendingLogins,
                pendingLoginsPerAddress,
                sessionsPerTarget,
                commands,
                bytes,
                outboundBytes,
                receiveSegmentBytes,
                firstBurstBytes,
                maximumBurstBytes,
                outstandingR2ts,
                pingIntervalMs,
                pingTimeoutMs);
    }
}
