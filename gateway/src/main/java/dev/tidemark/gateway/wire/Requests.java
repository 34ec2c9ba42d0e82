package dev.tidemark.gateway.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Documents that the API takes. A null field was not sent. */
public final class Requests {
    private Requests() {}

    /**
     * Makes a thin volume.
     *
     * @param group where it goes; the group "default" when not sent, made when it is missing
     */
    public record CreateVolume(
            @Mandatory @Nullable String name,
            @Mandatory @Nullable Long sizeBytes,
            @Nullable String group) {}

    /**
     * Makes a volume from a raw image on the gateway's machine.
     *
     * @param path absolute; the file is only read
     */
    public record ImportVolume(
            @Mandatory @Nullable String name,
            @Mandatory @Nullable String path,
            @Nullable String group) {}

    /** Grows or renames a volume; what is not sent stays. */
    public record ChangeVolume(@Nullable String name, @Nullable Long sizeBytes) {}

    /** Makes a group; texts as in the configuration, its defaults for what is not sent. */
    public record CreateGroup(
            @Mandatory @Nullable String name,
            @Nullable String window,
            @Nullable String bytes,
            @Nullable String fineWindow,
            @Nullable String checkpointInterval) {}

    /** Changes a group; what is not sent stays. */
    public record ChangeGroup(
            @Nullable String name,
            @Nullable String window,
            @Nullable String bytes,
            @Nullable String fineWindow,
            @Nullable String checkpointInterval) {}

    /** Marks the group's next moment with a name. */
    public record AddCheckpoint(@Mandatory @Nullable String name, @Nullable String description) {}

    /**
     * Starts a drill: one test for each point.
     *
     * @param at points as texts, 1 to 64
     * @param by who asks, for the record
     */
    public record StartTests(
            @Nullable String group,
            @Mandatory @Nullable List<String> at,
            @Nullable String note,
            @Nullable String by) {}

    /**
     * Ends a test and discards its writes.
     *
     * @param verdict passed, failed or inconclusive; there is no default
     * @param force also while hosts have its disks open; they then see errors
     */
    public record StopTest(
            @Mandatory @Nullable String verdict,
            @Nullable String note,
            @Nullable String by,
            @Nullable Boolean force) {}

    /**
     * Makes a test's disks, with its writes, the live ones.
     *
     * @param verdict how the test ended; inconclusive when not sent
     */
    public record PromoteTest(
            @Nullable String verdict, @Nullable String note, @Nullable String by) {}

    /**
     * Deletes records of ended tests, oldest first; one of keep, olderThan and oldest is sent, or
     * several, which all have to hold.
     *
     * @param keep not the newest ones, so many
     * @param olderThan only what ended longer ago than a duration
     * @param oldest so many at most
     * @param group only tests of a group, by name or id
     */
    public record PurgeTests(
            @Nullable Integer keep,
            @Nullable String olderThan,
            @Nullable Integer oldest,
            @Nullable String group) {}

    /** Copies a group to other sites, by name or id. */
    public record ProtectGroup(@Mandatory @Nullable List<String> sites) {}

    /**
     * Puts images in place for a copy that is to be made.
     *
     * @param images one for each volume of which there is one
     */
    public record SeedGroup(@Mandatory @Nullable List<SeedImage> images) {}

    /**
     * An image of a volume of another site's group.
     *
     * @param path of a raw image on this gateway's machine, absolute; the file is only read
     */
    public record SeedImage(@Mandatory @Nullable String volume, @Mandatory @Nullable String path) {}

    /**
     * Limits what is sent a second, on the wire.
     *
     * @param rate bytes a second, such as 20MiB; none when not sent
     */
    public record LimitRate(@Nullable String rate) {}

    /**
     * Makes a copy the active group.
     *
     * @param at the point; latest when not sent
     * @param policy what happens by itself afterwards: none, commit or rollback; none when not sent
     * @param after how long afterwards that is, such as 10m
     * @param force also where another site is active, whose hosts are refused then; no when not
     *     sent
     */
    public record FailOver(
            @Nullable String at,
            @Nullable String policy,
            @Nullable String after,
            @Nullable Boolean force) {}

    /**
     * Gives a group to a site that has a copy, without loss.
     *
     * @param to the site, by name or id
     * @param policy what happens by itself there afterwards: none, commit or rollback; commit when
     *     not sent
     * @param after how long afterwards that is
     */
    public record Move(
            @Mandatory @Nullable String to, @Nullable String policy, @Nullable String after) {}

    /**
     * Keeps a group here that is active at another site too.
     *
     * @param over that site, by name or id
     */
    public record Keep(@Mandatory @Nullable String over) {}

    /** Sets a group's live disks back to a point. */
    public record Rollback(@Mandatory @Nullable String at) {}

    /**
     * Makes this gateway a site that can be paired.
     *
     * @param name the machine's name when not sent
     * @param listen host:port for links and pairings; it only dials when not sent
     * @param advertise host:port each, where peers dial it; where it listens when not sent
     */
    public record InitSite(
            @Nullable String name, @Nullable String listen, @Nullable List<String> advertise) {}

    /**
     * Makes a token that pairs one site with this one.
     *
     * @param valid how long it may be used, 1s to 1d; 10m when not sent
     */
    public record InviteSite(@Nullable String valid) {}

    /**
     * Pairs this site with the one that made a token.
     *
     * @param name what it will be called here; as it calls itself when not sent
     */
    public record PairSite(@Mandatory @Nullable String token, @Nullable String name) {}

    /**
     * Refuses certificates of a peer from now on; one of both is sent.
     *
     * @param certificate a serial number in hexadecimal
     * @param all everything of it, until it is paired again
     */
    public record RevokePeer(@Nullable String certificate, @Nullable Boolean all) {}
}
