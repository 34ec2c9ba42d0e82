package dev.tidemark.gateway.demo;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.PeerDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A site of the demo as its administrator sees it, while it runs. Waits end with an exception when
 * what they wait for does not come. Thread-safe.
 *
 * @param data its data directory
 */
record Site(String name, Path data, ApiClient api) {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    /** Where ordinary programs find an export. */
    String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + data.resolve("nbd.sock");
    }

    GroupDocument group(String group) {
        return api.get("/groups/" + group).as(GroupDocument.class);
    }

    /** The only copy that this site keeps up of a group. */
    ProtectionDocument copy(String group) {
        return group(group).protections().getFirst();
    }

    PointDocument point(String group, String at) {
        return api.get("/groups/" + group + "/point?at=" + ApiClient.encode(at))
                .as(PointDocument.class);
    }

    PeerDocument peer(String peer) {
        return api.get("/site/peers/" + peer).as(PeerDocument.class);
    }

    boolean isConnected(String peer) {
        return peer(peer).state().equals("connected");
    }

    /** A condition that is asked again and again. */
    @FunctionalInterface
    interface Condition {
        boolean holds() throws IOException;
    }

    /** Waits; returns how long, in seconds. */
    static double await(String what, Condition condition, Supplier<String> state)
            throws IOException, InterruptedException {
        long began = System.nanoTime();
        while (!condition.holds()) {
            if (System.nanoTime() - began > PATIENCE_NANOS) {
                throw new IOException("waited in vain for " + what + ": " + state.get());
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
        return (System.nanoTime() - began) / 1e9;
    }

    double awaitRole(String group, String role) throws IOException, InterruptedException {
        return await(
                group + " to be " + role + " at " + name,
                () -> group(group).role().equals(role),
                () -> group(group).toString());
    }

    /** Waits until the copy has all that this site has. */
    double awaitEven(String group) throws IOException, InterruptedException {
        return await(
                "the copy of " + group + " to be even",
                () -> {
                    GroupDocument now = group(group);
                    return now.protections().stream()
                            .allMatch(copy ->
                                    copy.state().equals("shipping")
                                            && copy.acknowledgedSequence() == now.headSequence());
                },
                () -> group(group).toString());
    }

    /** Waits until no client has a volume open: one that ended may not have been noticed yet. */
    void awaitReleased(String volume) throws IOException, InterruptedException {
        await(
                "the disk " + volume + " to be let go",
                () -> api.get("/volumes/" + volume).as(VolumeDocument.class).openHandles() == 0,
                () -> "it is open");
    }
}
