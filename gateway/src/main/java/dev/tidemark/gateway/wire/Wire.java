package dev.tidemark.gateway.wire;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Documents that the API answers with. Field names carry their unit; absent values are null. */
public final class Wire {
    private Wire() {}

    /**
     * An exact point in time.
     *
     * @param asked as it was asked for
     * @param name the canonical name, {@code seq:N}
     * @param checkpoint name of the tagged checkpoint exactly there
     */
    public record PointDocument(
            String asked, String name, long sequence, String time, @Nullable String checkpoint) {}

    /** A tagged or automatic checkpoint. */
    public record CheckpointDocument(
            long sequence, String time, boolean tagged, String name, String description) {}

    /** A volume; its name is its export. */
    public record VolumeDocument(
            String name,
            String group,
            int id,
            long sizeBytes,
            long allocatedBytes,
            String created,
            int openHandles,
            List<String> uris) {}

    /** How a group keeps its history; texts as the configuration writes them. */
    public record HistorySettings(
            String window, String bytes, String fineWindow, String checkpointInterval) {}

    /** A rollback or promotion being folded in. */
    public record PromotionDocument(@Nullable String image, double progress) {}

    /**
     * A synchronisation of a copy. Bytes all.
     *
     * @param trigger why it began, or why the next one will
     * @param totalBytes sizes of all volumes
     * @param passedBytes of them, what has been gone through
     * @param readBytes read from the live disks
     * @param sentBytes content sent, before compression
     * @param zeroedBytes what the copy was told to zero
     * @param equalBytes what was equal by its hashes
     * @param progress share gone through, 0 to 1
     * @param secondsLeft estimate while it runs
     */
    public record SyncDocument(
            String trigger,
            long totalBytes,
            long passedBytes,
            long readBytes,
            long sentBytes,
            long zeroedBytes,
            long equalBytes,
            double progress,
            @Nullable Double secondsLeft) {}

    /**
     * A group's copy at another site, as its active site sees it.
     *
     * @param site the peer's name here
     * @param state waiting, opening, syncing, shipping, paused, stopped or fenced
     * @param reason why it does not go on; empty when it does
     * @param mode first_copy, shipping, held_backlog (every record that the copy lacks is kept for
     *     it) or dirty_map (only where the disks have changed is known: the copy will be
     *     synchronised, and have a gap)
     * @param dirtySince of a dirty map: time from which on changes may be missing at the copy
     * @param dirtyBytes of a dirty map: how much has changed since, in blocks of 64 KiB, as counted
     *     last; all of the volumes when nobody knows; 0 in other modes
     * @param headSequence newest record here
     * @param acknowledgedSequence newest record on the copy's disk
     * @param backlogBytes redo that is kept because the copy has not got it
     * @param backlogLimitBytes how much that may become
     * @param limitBytesPerSecond what is sent of this group a second at most; 0 for no limit
     * @param siteLimitBytesPerSecond what is sent to the site a second at most
     * @param lagSeconds age of the oldest record that the copy has not got: what a failover now
     *     would lose
     * @param stage what the newest records wait for: none, capture (to be forced and read here),
     *     wire (compression, network, limit) or copy (its journal and fold)
     */
    public record ProtectionDocument(
            String site,
            String siteId,
            String state,
            String reason,
            String mode,
            @Nullable String dirtySince,
            long dirtyBytes,
            long headSequence,
            long sentSequence,
            long acknowledgedSequence,
            long backlogBytes,
            long backlogLimitBytes,
            long limitBytesPerSecond,
            long siteLimitBytesPerSecond,
            double lagSeconds,
            String stage,
            SyncDocument sync) {}

    /**
     * How a group that was taken over would be copied back.
     *
     * @param site that it was taken over from
     * @param connected whether there is a link
     * @param prepared whether records are held for that site, so that only what it lacks is sent
     * @param protecting whether it is done already
     * @param from newest record, by this site's number, that the other site is known to have
     * @param heldBytes redo that is held for it
     * @param heldLimitBytes what is held at most
     * @param hindrance why it cannot be begun now; empty when it can
     */
    public record ReverseDocument(
            String group,
            String site,
            String siteId,
            boolean connected,
            boolean prepared,
            boolean protecting,
            long from,
            long heldBytes,
            long heldLimitBytes,
            long limitBytesPerSecond,
            String hindrance) {}

    /**
     * A group that changes sites.
     *
     * @param phase leaving, taking, taken or returning
     * @param site the other site
     * @param tenure that the taking site claims
     * @param policy what happens by itself: none, commit or rollback
     * @param deadline when that is
     */
    public record HandoverDocument(
            String phase,
            String site,
            int tenure,
            String point,
            String policy,
            @Nullable String deadline,
            String started) {}

    /**
     * Another site that is active in the same tenure of a group.
     *
     * @param tenure of both
     * @param since when this site learned of it
     */
    public record AlsoActive(String site, String siteId, int tenure, String since) {}

    /**
     * A group beyond this site.
     *
     * @param role active, standby, fenced or rejoining
     * @param tenure in force as far as this site knows
     * @param source the site that a copy follows
     * @param status one word for all of it
     * @param alsoActive sites that have the group too, until somebody says which one is kept
     */
    public record GroupSiting(
            String role,
            int tenure,
            @Nullable String source,
            String status,
            List<AlsoActive> alsoActive,
            List<ProtectionDocument> protections,
            @Nullable HandoverDocument handover) {
        /** Of a group at this site alone. */
        public static final GroupSiting ALONE =
                new GroupSiting("active", 0, null, "unprotected", List.of(), List.of(), null);
    }

    /**
     * A protection group at one moment.
     *
     * @param role active, standby, fenced or rejoining
     * @param tenure in force as far as this site knows; each takeover by another site begins one
     * @param source the site that a copy follows
     * @param status unprotected, protecting, test, failover, promoting and what else a group at
     *     several sites can be
     * @param alsoActive sites that are active in the same tenure, so that there are two groups
     *     until somebody says which one is kept
     */
    public record GroupDocument(
            String name,
            String id,
            String state,
            String reason,
            String role,
            int tenure,
            @Nullable String source,
            String status,
            int epoch,
            String created,
            List<String> volumes,
            HistorySettings history,
            long headSequence,
            @Nullable String headTime,
            long durableSequence,
            long goldSequence,
            long unfoldedBytes,
            long unfoldedLimitBytes,
            int waitingWrites,
            int runningTests,
            int openViews,
            @Nullable PromotionDocument promotion,
            List<AlsoActive> alsoActive,
            List<ProtectionDocument> protections,
            @Nullable HandoverDocument handover) {}

    /**
     * Records that a program which reads along did not get, because it was too slow.
     *
     * @param records all of them, marks included
     * @param writes of them, hosts' writes and zeros
     * @param writeBytes that those wrote or zeroed
     */
    public record WriteGap(
            long firstSequence, long lastSequence, long records, long writes, long writeBytes) {}

    /**
     * One line of what is written to a group: a durable record, or {@code gap} alone. What a line
     * has not is not in it.
     *
     * @param kind write, zero, checkpoint, resize, promote or promoted
     * @param lengthBytes of the range; the new size of a resize
     * @param payload of a write, base64, when it was asked for
     */
    public record WriteLine(
            @Nullable WriteGap gap,
            @Nullable Long sequence,
            @Nullable String time,
            @Nullable String kind,
            @Nullable String volume,
            @Nullable Long offsetBytes,
            @Nullable Long lengthBytes,
            @Nullable String payload) {}

    /**
     * How far back a group reaches and what that costs.
     *
     * @param tail oldest point
     * @param fineTail from here on every sequence number is a point
     * @param reachSeconds time from tail to head
     * @param undoBytesPerSecond mean growth
     * @param forecastWindowSeconds how far back the history will reach at this growth before window
     *     or bytes end it
     * @param limitedBy what ends it: window, bytes or pool
     * @param gaps stretches inside of it in which no point can be had, oldest first
     */
    public record HistoryDocument(
            String group,
            HistorySettings settings,
            @Nullable PointDocument tail,
            @Nullable PointDocument fineTail,
            @Nullable PointDocument head,
            double reachSeconds,
            int checkpoints,
            int taggedCheckpoints,
            long redoBytes,
            long undoBytes,
            long indexBytes,
            int redoSegments,
            int undoSegments,
            int pins,
            long poolUsedBytes,
            long poolBudgetBytes,
            double undoBytesPerSecond,
            double forecastWindowSeconds,
            String limitedBy,
            List<GapDocument> gaps) {}

    /**
     * A stretch of a group's history in which no point can be had.
     *
     * @param kind synchronised: the copy's order was broken; or promotion: a rollback or promotion
     * @param before the newest point before it
     * @param after the first point after it; missing when it has not ended
     * @param why in words
     */
    public record GapDocument(
            String kind, PointDocument before, @Nullable PointDocument after, String why) {}

    /** A recovery test, running or ended. */
    public record TestDocument(
            long id,
            String state,
            String failure,
            @Nullable String verdict,
            String group,
            long drill,
            PointDocument point,
            double openSeconds,
            String started,
            String startedBy,
            @Nullable String stopped,
            String stoppedBy,
            double durationSeconds,
            String note,
            long writtenBytes,
            long diskBytes,
            int openHandles,
            List<ExportDocument> exports) {}

    /** Tests started together. */
    public record DrillDocument(
            long id,
            String group,
            String note,
            String started,
            String startedBy,
            int running,
            int passed,
            int failed,
            int inconclusive,
            List<TestDocument> tests) {}

    /** A name that hosts can open. */
    public record ExportDocument(
            String name, String kind, long sizeBytes, boolean readOnly, List<String> uris) {}

    /** Long work. */
    public record TaskDocument(
            long id,
            String kind,
            String subject,
            String state,
            double progress,
            String detail,
            String started,
            @Nullable String ended,
            @Nullable Object result,
            @Nullable ProblemDocument problem) {}

    /** Something an administrator should know. */
    public record AlertDocument(
            long id, String time, String severity, String kind, String group, String message) {}

    /** Where a disk is served. */
    public record DiskUris(String name, List<String> uris) {}

    /** The gateway at one moment. */
    public record StatusDocument(
            String version,
            long pid,
            String started,
            double uptimeSeconds,
            String dataDirectory,
            List<String> nbd,
            List<String> iscsi,
            List<DiskUris> disks,
            String api,
            boolean ready,
            int volumes,
            int runningTests,
            int openViews,
            long poolUsedBytes,
            long poolBudgetBytes,
            long freeBytes,
            List<GroupDocument> groups,
            Map<String, Long> alertCounts,
            List<AlertDocument> alerts) {}

    /**
     * A certificate of a site.
     *
     * @param renewal when it is renewed by itself, null for a peer's
     */
    public record SiteCertificateDocument(
            String serial, String begin, String end, @Nullable String renewal) {}

    /**
     * This site.
     *
     * @param listen empty when it does not listen
     * @param addresses where peers dial it
     * @param authority SHA-256 of its authority's certificate, in hexadecimal
     * @param invitations how many may still be used
     */
    public record SiteDocument(
            String name,
            String id,
            String listen,
            List<String> addresses,
            String created,
            SiteCertificateDocument certificate,
            String authority,
            int invitations,
            int peers) {}

    /**
     * A token that pairs one site with this one; never shown again.
     *
     * @param addresses where its bearer dials
     */
    public record InvitationDocument(String token, String expires, List<String> addresses) {}

    /**
     * A site that this one is paired with.
     *
     * @param name what it is called here
     * @param calls what it calls itself
     * @param state connected, waiting or refused
     * @param reason why it is not connected
     * @param version of its program, empty when not connected
     * @param confirmed whether a link has shown that both sides know of the pairing
     * @param since when the link came up
     * @param certificate the one it was accepted with last, null when there was none since the
     *     start
     * @param revoked serial numbers that are not accepted; * for all
     */
    public record PeerDocument(
            String name,
            String id,
            String calls,
            String state,
            String reason,
            String version,
            List<String> addresses,
            String paired,
            boolean confirmed,
            @Nullable String since,
            String address,
            boolean dialled,
            int streams,
            double roundTripSeconds,
            long sentBytes,
            long receivedBytes,
            @Nullable SiteCertificateDocument certificate,
            List<String> revoked) {}

    /** A volume of another site. */
    public record TopologyVolume(String name, int id, long sizeBytes, long allocatedBytes) {}

    /** A group of another site. */
    public record TopologyGroup(
            String name, String id, String state, int epoch, List<TopologyVolume> volumes) {}

    /**
     * What a site tells its peers.
     *
     * @param unitBytes size of its journal files
     * @param freeBytes of the file system that its groups lie on
     * @param truncated whether volumes were left out because there are too many
     */
    public record TopologyDocument(
            String site,
            String name,
            String version,
            long poolUsedBytes,
            long poolBudgetBytes,
            long freeBytes,
            long unitBytes,
            boolean truncated,
            List<TopologyGroup> groups) {}

    /**
     * Images that are in place for a copy to be made.
     *
     * @param volumes that have one
     * @param bytes of the images together
     */
    public record SeedDocument(String group, String id, List<String> volumes, long bytes) {}

    /** How many records a purge removed. */
    public record PurgeDocument(int purged) {}

    /** The effective configuration, key by key. */
    public record SettingDocument(
            String key, String value, String defaultValue, String range, String effect) {}

    /**
     * A problem (RFC 9457 §3.1), extended by value, limit and remedy.
     *
     * @param type a URI reference that names the kind
     */
    public record ProblemDocument(
            String type,
            String title,
            int status,
            String detail,
            @Nullable String value,
            @Nullable String limit,
            @Nullable String remedy) {}

    /** Health: whether the process serves. */
    public record HealthDocument(String status, List<String> reasons) {
        public static final String UP = "up";

        /** Some groups are served, others have failed. */
        public static final String DEGRADED = "degraded";

        public static final String DOWN = "down";
    }
}
