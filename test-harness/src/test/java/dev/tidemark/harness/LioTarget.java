package dev.tidemark.harness;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * LIO, the target of the Linux kernel, in a guest of its own: one unit on a file in memory, for
 * every initiator, reached through a port of the host's loopback. Set up through configfs
 * (Documentation/target).
 */
final class LioTarget implements AutoCloseable {
    static final String NAME = "iqn.2026-11.org.example:lio";

    private final GuestSignals signals = new GuestSignals();
    private final InetSocketAddress address = GatewayProcess.freeAddress();
    private final ExecutorService thread = Executors.newVirtualThreadPerTaskExecutor();
    private final Future<Guest.Outcome> running;

    /** Boots the guest and waits until the target is there; scratch is where its files go. */
    LioTarget(Path scratch, long sizeBytes) throws Exception {
        Guest guest =
                Guest.prepare(scratch)
                        .withIscsi(
                                "-netdev",
                                "user,id=target,net=10.0.3.0/24,hostfwd=tcp:127.0.0.1:%d-10.0.3.15:3260"
                                        .formatted(address.getPort()),
                                "-device",
                                "virtio-net-pci,netdev=target");
        String script =
                signals.tools()
                        + """
                        set -e
                        ip link set eth1 up
                        ip addr add 10.0.3.15/24 dev eth1
                        for module in $(cat /etc/modules.lio); do insmod /lib/modules/*/$module.ko; done
                        mount -t configfs configfs /sys/kernel/config
                        mount -t tmpfs tmpfs /tmp
                        truncate -s SIZE /tmp/disk
                        mkdir -p /var/target/pr # where it keeps reservations

                        disk=/sys/kernel/config/target/core/fileio_0/disk
                        mkdir -p $disk
                        echo fd_dev_name=/tmp/disk,fd_dev_size=SIZE,fd_buffered_io=1 >$disk/control
                        echo 1 >$disk/enable
                        echo 1 >$disk/attrib/emulate_tpu
                        echo 1 >$disk/attrib/emulate_tpws
                        echo 64 >$disk/attrib/max_unmap_block_desc_count

                        group=/sys/kernel/config/target/iscsi/NAME/tpgt_1
                        mkdir -p $group
                        mkdir $group/lun/lun_0
                        ln -s $disk $group/lun/lun_0/disk
                        echo 0 >$group/attrib/authentication
                        echo 1 >$group/attrib/generate_node_acls
                        echo 1 >$group/attrib/cache_dynamic_acls
                        echo 0 >$group/attrib/demo_mode_write_protect
                        mkdir $group/np/0.0.0.0:3260
                        echo 1 >$group/enable
                        tell ready
                        """
                                .replace("SIZE", Long.toString(sizeBytes))
                                .replace("NAME", NAME);
        running = thread.submit(() -> guest.run(script, IscsiGuest.LIMIT));
        signals.await("ready", running, IscsiGuest.LIMIT);
    }

    InetSocketAddress address() {
        return address;
    }

    /** Lets the guest end well. */
    @Override
    public void close() throws IOException {
        signals.letGo("ready");
        signals.close();
        thread.close();
    }
}
