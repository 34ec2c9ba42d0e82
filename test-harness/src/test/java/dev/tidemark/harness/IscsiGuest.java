package dev.tidemark.harness;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Guests with the kernel's own initiator, open-iscsi and multipath-tools, and a gateway that they
 * reach through two portals, each over a network of its own.
 */
final class IscsiGuest implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(150);
    static final String PREFIX = "iqn.2026-11.dev.tidemark:";

    /** Run before each script. Paths, since busybox prefers tools of its own. */
    private static final String TOOLS =
            """
            set -e
            ip link set eth1 up
            ip addr add 10.0.3.15/24 dev eth1
            load() { for module in $(cat /etc/modules.$1); do insmod /lib/modules/*/$module.ko; done; }
            expect_failure() { if "$@" >/tmp/failed 2>&1; then echo "should have failed: $*"; return 1; fi; }
            # Starts the initiator under a name, with settings from the standard input.
            initiator() {
              mkdir -p /etc/iscsi /run/lock/iscsi /live
              echo "root:x:0:0::/:/bin/sh" >/etc/passwd
              echo "InitiatorName=iqn.2026-11.org.example:$1" >/etc/iscsi/initiatorname.iscsi
              cat >/etc/iscsi/iscsid.conf
              /sbin/iscsid
            }
            session() { /sbin/iscsiadm -m node -T PREFIX$1 -p FIRST $2 >/tmp/session 2>&1 || { status=$?; cat /tmp/session; return $status; }; }
            login() { session $1 "-o new" && session $1 --login; }
            logout() { session $1 --logout; }
            # The block device of a target's unit, once it is there.
            disk_of() {
              for try in $(seq 200); do
                for session in /sys/class/iscsi_session/session*; do
                  [ "$(cat $session/targetname)" = "PREFIX$1" ] || continue
                  for block in $session/device/target*/*:${2:-0}/block/sd*; do
                    [ ! -b "/dev/${block##*/}" ] || { echo "/dev/${block##*/}"; return; }
                  done
                done
                sleep 0.1
              done
              echo "no disk of $1" >&2
              return 1
            }
            """;

    private final Guest guest;
    private final InetSocketAddress first = GatewayProcess.freeAddress();
    private final InetSocketAddress second = GatewayProcess.freeAddress();
    private final GuestSignals signals = new GuestSignals();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    /** Makes the guest's image unless it is made; scratch is where each run's files go. */
    IscsiGuest(Path scratch) throws IOException, InterruptedException {
        guest =
                Guest.prepare(scratch)
                        .withIscsi(
                                "-netdev",
                                "user,id=second,net=10.0.3.0/24",
                                "-device",
                                "virtio-net-pci,netdev=second");
    }

    /** A gateway with the two portals, which tells guests their addresses there. */
    GatewayProcess gateway(Path home) throws IOException {
        return new GatewayProcess(home)
                .set(
                        "iscsi.listen",
                        "[\"127.0.0.1:%d advertise=%s\", \"127.0.0.1:%d group=2 advertise=%s\"]"
                                .formatted(
                                        first.getPort(),
                                        firstPortal(),
                                        second.getPort(),
                                        secondPortal()));
    }

    /** The first portal's address, as this machine sees it. */
    InetSocketAddress firstAddress() {
        return first;
    }

    /** The first portal's address, as the guest sees it. */
    String firstPortal() {
        return Guest.HOST + ":" + first.getPort();
    }

    /** The second portal's address, over the guest's second network, eth1. */
    String secondPortal() {
        return "10.0.3.2:" + second.getPort();
    }

    /** Boots, runs a script to its good end and returns the console. */
    String run(String script) throws Exception {
        return guest.run(
                        signals.tools()
                                + TOOLS.replace("PREFIX", PREFIX).replace("FIRST", firstPortal())
                                + script,
                        LIMIT)
                .expectSuccess();
    }

    /** The same on a thread of its own. */
    Future<String> start(String script) {
        return threads.submit(() -> run(script));
    }

    /** Waits until a guest tells how far it has come. */
    void await(String step, Future<?> running) throws Exception {
        signals.await(step, running, LIMIT);
    }

    void letGo(String step) throws IOException {
        signals.letGo(step);
    }

    @Override
    public void close() throws IOException {
        signals.close();
        threads.shutdownNow();
    }
}
