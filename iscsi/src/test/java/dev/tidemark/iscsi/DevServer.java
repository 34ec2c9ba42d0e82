package dev.tidemark.iscsi;

import dev.tidemark.blockdevice.Features;

/** Serves a few disks until it is killed: for trying initiators by hand. */
final class DevServer {
    private DevServer() {}

    @SuppressWarnings("ThreadJoinLoop")
    public static void main(String[] arguments) throws Exception {
        long size = 256L << 20;
        TestCatalog catalog =
                new TestCatalog()
                        .add("disk", new TestDisk(size))
                        .add("d1", new TestDisk(size))
                        .add("d2", new TestDisk(size))
                        .add("frozen", new TestDisk(size, Features.READ_ONLY))
                        .add("tape", 0, TestCatalog.unit("tape", 512, true), new TestDisk(size))
                        .add(
                                "large",
                                0,
                                TestCatalog.unit("large", 4096, false),
                                new TestDisk(size));
        TestServer server = new TestServer(catalog);
        System.out.println(server.portal());
        Thread.currentThread().join();
    }
}
