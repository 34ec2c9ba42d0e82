package dev.tidemark.harness;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Two sites that reach the test and not each other: each a network namespace of its own with an
 * address, a cable to the test's namespace, and no route but that cable. What is to pass between
 * them is passed on by the test. Names and addresses are those of a numbered slot that this process
 * has locked, so that tests run beside each other; what a killed test has left in a slot is removed
 * by the next one there. Wants root. Not thread-safe.
 */
final class SiteNetwork implements AutoCloseable {
    private static final int SLOTS = 256;

    /**
     * One of the two.
     *
     * @param namespace its name, as {@code ip netns} has it
     * @param inside the address of the site
     * @param outside the test's address, as the site sees it
     */
    record Site(String namespace, InetAddress inside, InetAddress outside) {
        /** What a command line begins with to run there. */
        List<String> prefix() {
            return List.of("/sbin/ip", "netns", "exec", namespace);
        }
    }

    private final FileChannel slot;
    private final Site left;
    private final Site right;

    private SiteNetwork(FileChannel slot, Site left, Site right) {
        this.slot = slot;
        this.left = left;
        this.right = right;
    }

    static SiteNetwork make() throws Exception {
        for (int number = 0; number < SLOTS; number++) {
            FileChannel slot = locked(Path.of("/run", "tidemark-sites-%d.lock".formatted(number)));
            if (slot != null) {
                return make(number, slot);
            }
        }
        throw new AssertionError("all %d site networks are in use".formatted(SLOTS));
    }

    private static SiteNetwork make(int number, FileChannel slot) throws Exception {
        Site left = site(number, "left", 0);
        Site right = site(number, "right", 4);
        SiteNetwork network = new SiteNetwork(slot, left, right);
        network.remove();
        try {
            connect(left);
            connect(right);
        } catch (Exception | AssertionError e) {
            network.close();
            throw e;
        }
        return network;
    }

    private static Site site(int slot, String side, int firstAddress) throws IOException {
        String subnet = "10.213.%d.".formatted(slot);
        return new Site(
                "tmk%d%s".formatted(slot, side),
                InetAddress.getByName(subnet + (firstAddress + 2)),
                InetAddress.getByName(subnet + (firstAddress + 1)));
    }

    /** Null when somebody else has it. The system unlocks it when this process ends. */
    private static @Nullable FileChannel locked(Path file) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // Another network of this process.
        }
        channel.close();
        return null;
    }

    private static void connect(Site site) throws Exception {
        String name = site.namespace;
        ip("netns", "add", name);
        ip("link", "add", name, "type", "veth", "peer", "name", "site", "netns", name);
        ip("address", "add", site.outside.getHostAddress() + "/30", "dev", name);
        ip("link", "set", name, "up");
        ip("-n", name, "address", "add", site.inside.getHostAddress() + "/30", "dev", "site");
        ip("-n", name, "link", "set", "site", "up");
        ip("-n", name, "link", "set", "lo", "up");
    }

    private static void ip(String... arguments) throws Exception {
        ForeignProgram.run(command(arguments));
    }

    private static String[] command(String... arguments) {
        String[] command = new String[arguments.length + 1];
        command[0] = "ip";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        return command;
    }

    Site left() {
        return left;
    }

    Site right() {
        return right;
    }

    /** Removes what is there, and does not mind what is not. */
    private void remove() throws IOException, InterruptedException {
        for (Site site : List.of(left, right)) {
            // The cable first: a namespace with a process in it outlives its name.
            ForeignProgram.outcome(command("link", "delete", site.namespace));
            ForeignProgram.outcome(command("netns", "delete", site.namespace));
        }
    }

    /** Everything that runs in the namespaces should have ended before. */
    @Override
    public void close() throws IOException {
        try {
            remove();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while removing " + left + " and " + right, e);
        } finally {
            slot.close();
        }
    }
}
